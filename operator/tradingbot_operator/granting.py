"""The page of an exit grant: believe the token, look at the lease, record it in ledger and status, then give it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from tradingbot_operator.cluster import ledger as places
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused
from tradingbot_operator.domain.exitgrant import LASTS_MS, Denied, ExitAnswer, ExitAsk, Granted, Stranger
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.rollout import moment, parse_rollout
from tradingbot_operator.handover import Reach
from tradingbot_operator.plan.exitgrant import denial


@dataclass(frozen=True, slots=True)
class Granting:
    """What the page works with; *observed* tells what the watches brought of a bot."""

    cluster: Cluster
    reach: Reach
    observed: Callable[[tuple[str, str]], Observed]
    now: Callable[[], datetime]


async def grant(key: tuple[str, str], token: str, ask: ExitAsk, means: Granting) -> ExitAnswer:
    """The grant stands in the ledger, then in the status, before it is given; whatever cannot be known denies it."""
    try:
        bot = await means.cluster.find(key)
        tokens = () if bot is None else await places.api_tokens(means.cluster.api, bot)
        # Every token is compared: how long it takes tells nothing.
        fits = [compare_digest(each.encode(), token.encode()) for each in tokens]
        if bot is None or not any(fits):
            return Stranger()
        return await _granted(bot, ask, means)
    except LedgerAway as away:
        return Denied(f"the operator does not reach the ledger either: {away}", unknown=True)
    except (ClusterUnavailable, Refused) as away:
        return Denied(f"the API server did not take it: {away}", unknown=True)
    except Outdated:
        return Denied("the bot was written meanwhile: ask again", unknown=True)


async def _granted(bot: Bot, ask: ExitAsk, means: Granting) -> ExitAnswer:
    if isinstance(bot.spec, Rejection):
        return Denied("its spec cannot be used, so its ledger is unknown", unknown=True)
    door = await means.reach.door(bot, bot.spec, means.observed(bot.key))
    if isinstance(door, Keep):
        return Denied(door.message, unknown=True)
    why = denial(ask, await door.row(), parse_rollout(bot.status))
    if why is not None:
        return Denied(why)
    if not await door.hold(ask.epoch, ask.instance, LASTS_MS):
        return Denied("the ledger refuses: the epoch is being handed over, or is another's")
    # Written on top of what was read before the ledger was asked: a hand-over step that began since then wins.
    until = means.now() + timedelta(milliseconds=LASTS_MS)
    await means.cluster.write_decision(bot, {"exitGrantUntil": moment(until)})
    return Granted()
