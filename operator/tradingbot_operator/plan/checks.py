"""What stands between a request and acting on it: an ordered list of small checks, the first refusal wins."""

from collections.abc import Callable

from tradingbot_operator.domain.bot import Bot, Rejection
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode, Mode

Check = Callable[[Bot, BotSpec, Site], Keep | None]


def live_is_allowed(bot: Bot, spec: BotSpec, site: Site) -> Keep | None:
    """Trade with money only under an operator that was started for it."""
    if spec.mode is not Mode.LIVE or site.allow_live:
        return None
    return Keep(
        "LiveNotAllowed",
        "spec.mode is live but this operator does not allow it; set OPERATOR_ALLOW_LIVE=true on the operator",
    )


def database_is_served(bot: Bot, spec: BotSpec, site: Site) -> Keep | None:
    """Act only on the kinds of ledger this operator can run."""
    if spec.database.mode is DatabaseMode.EMBEDDED:
        return None
    return Keep(
        "DatabaseModeUnavailable",
        f"spec.database.mode is {spec.database.mode.value}, which this operator does not serve yet; use embedded",
    )


def one_colour_keys(bot: Bot, spec: BotSpec, site: Site) -> Keep | None:
    """Keys of the venue must be there for the colour that runs."""
    keys = spec.exchange.credentials_secret_ref
    if keys is None or keys.name or keys.blue:
        return None
    return Keep(
        "CredentialsMissing",
        "spec.exchange.credentialsSecretRef names no Secret for the blue colour; set name, or blue and green",
    )


CHECKS: tuple[Check, ...] = (live_is_allowed, database_is_served, one_colour_keys)


def first_refusal(bot: Bot, site: Site) -> Keep | None:
    """The first reason not to act, or None."""
    if isinstance(bot.spec, Rejection):
        return Keep("SpecRejected", bot.spec.message)
    for check in CHECKS:
        if refusal := check(bot, bot.spec, site):
            return refusal
    return None
