"""The page of the way from practice to money: what was practised in the namespace, and which alert rules are loaded."""

from dataclasses import replace

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.prometheus import Watch
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.practice import Evidence, parse_practice
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.plan.promotion import is_promotion


async def proved(bot: Bot, spec: BotSpec, observed: Observed, means: tuple[Cluster, Watch | None]) -> Observed:
    """What was seen, with what speaks for a promotion where one is asked for.

    The bot that practised may have another name.
    """
    cluster, watch = means
    if not is_promotion(bot, spec, observed):
        return observed
    bots = await cluster.api.list(BOT, bot.namespace)
    spells = tuple(spell for each in bots for spell in parse_practice(each.get("status") or {}))
    server = spec.monitoring.prometheus
    loaded = await watch.rules(server) if watch is not None and server is not None else None
    return replace(observed, evidence=Evidence(spells, loaded))
