"""What stands between a request and acting on it: an ordered list of small checks, the first refusal wins."""

from collections.abc import Callable
from dataclasses import dataclass

from tradingbot_operator.domain.deciding import OtherStrategy
from tradingbot_operator.domain.observed import Keys
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode, Mode
from tradingbot_operator.domain.strategies import BENCH, complaint


@dataclass(frozen=True, slots=True)
class Case:
    spec: BotSpec
    site: Site
    keys: Keys | None = None


LOOK_FOR_KEYS_SECONDS = 10.0
Check = Callable[[Case], Keep | None]


def live_is_allowed(case: Case) -> Keep | None:
    """Trade with money only under an operator that was started for it."""
    if case.spec.mode is not Mode.LIVE or case.site.allow_live:
        return None
    cure = "start the operator with OPERATOR_ALLOW_LIVE=true (chart value allowLive), or use mode paper"
    return Keep("LiveNotAllowed", f"spec.mode: 'live' is not allowed by this operator; {cure}")


def database_is_served(case: Case) -> Keep | None:
    """Act only on the kinds of ledger this operator can run."""
    mode = case.spec.database.mode
    if mode is not DatabaseMode.MANAGED:
        return None
    cure = "use postgres with a server of yours, or embedded"
    return Keep("DatabaseModeUnavailable", f"spec.database.mode: 'managed' is not served by this operator; {cure}")


def deletion_is_served(case: Case) -> Keep | None:
    """Never take a wish about money and forget it."""
    if case.spec.deletion.positions == "Keep":
        return None
    cure = "use Keep, and close the positions before you delete the bot"
    return Keep("DeletionModeUnavailable", f"spec.deletion.positions: 'Flatten' is not served by this operator; {cure}")


def keys_are_there(case: Case) -> Keep | None:
    """A pod without its keys would wait and say nothing; a Secret makes no event, so it is looked for again."""
    keys = case.keys
    if case.spec.suspend or keys is None or (keys.exists and not keys.lacking):
        return None
    what = f"Secret '{keys.secret}' " + (f"lacks {' and '.join(keys.lacking)}" if keys.exists else "does not exist")
    cure = "give it apiKey and secret, in the namespace of the bot"
    return Keep("CredentialsMissing", f"spec.exchange.credentialsSecretRef: {what}; {cure}", LOOK_FOR_KEYS_SECONDS)


def account_is_its_own(case: Case) -> Keep | None:
    """Two bots on one market of one account would trade against each other's limits; the one that came second waits."""
    if case.keys is None or not case.keys.rival:
        return None
    said = f"spec.exchange.credentialsSecretRef: {case.keys.rival} trades {', '.join(case.spec.exchange.symbols)} with"
    cure = "use another account or another market, or set exchange.shared to true"
    return Keep("DuplicateAccount", f"{said} the same key; {cure}", LOOK_FOR_KEYS_SECONDS)


def strategy_is_there(case: Case) -> Keep | None:
    """The bot of this release must have the strategy; what another image has, that image knows."""
    if case.spec.image not in (None, case.site.bot_image):
        return None
    if case.spec.strategy.name in BENCH and case.spec.mode is Mode.LIVE:
        cure = "use a strategy that decides on bars"
        return Keep("SpecRejected", f"spec.strategy.name: '{case.spec.strategy.name}' is for benches; {cure}")
    wrong = complaint(case.spec.strategy.name, case.spec.strategy.parameters)
    wrong = wrong or next(filter(None, map(_other, case.spec.strategies)), None)
    if wrong is None and case.spec.strategies and case.spec.strategy.name in BENCH:
        wrong = f"spec.strategies: does not go with '{case.spec.strategy.name}', which decides on a timer; remove it"
    return Keep("SpecRejected", wrong) if wrong else None


def _other(said: OtherStrategy) -> str | None:
    """What is wrong with one that decides beside the first."""
    if said.name in BENCH:
        return f"spec.strategies: '{said.name}' decides on a timer; let it trade alone"
    wrong = complaint(said.name, said.parameters)
    return wrong and wrong.replace("spec.strategy.", f"spec.strategies[{said.name}].", 1)


CHECKS: tuple[Check, ...] = (
    live_is_allowed,
    database_is_served,
    deletion_is_served,
    strategy_is_there,
    keys_are_there,
    account_is_its_own,
)


def first_refusal(case: Case) -> Keep | None:
    """The first reason not to act, or None."""
    return next((refusal for check in CHECKS if (refusal := check(case))), None)
