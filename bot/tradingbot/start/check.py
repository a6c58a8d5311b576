"""``atb check``: would a trader with these settings start? Reads only; asks no venue, no ledger and no lock."""

import sys

from tradingbot.domain.errors import Misconfigured
from tradingbot.settings import Settings, load_settings
from tradingbot.start.addresses import bases
from tradingbot.start.credentials import load_secrets
from tradingbot.start.deciding import others_from, strategy_from
from tradingbot.start.ending import misconfigured
from tradingbot.start.environment import parse_environment
from tradingbot.start.files import recording


def check() -> int:
    """Tells whether the settings of this pod can be traded with: 0, or 78 and one sentence a field."""
    try:
        usable(load_settings(parse_environment().settings))
    except Misconfigured as refusal:
        return misconfigured("check", str(refusal))
    sys.stdout.write("settings are usable\n")
    return 0


def usable(settings: Settings) -> None:
    """Raises Misconfigured as the start would, for everything that can be told without the outside."""
    load_secrets(settings)
    strategy_from(settings)
    others_from(settings)
    if settings.mode != "sim":
        bases(settings)
        return
    for symbol in settings.exchange.symbols:
        recording(settings.paths.data, symbol, settings.strategy.timeframe, settings.archive)
