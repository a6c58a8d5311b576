"""``atb train``: recorded candles and the strategy of the settings become a lesson. No venue and no ledger is asked."""

import json
from collections.abc import Mapping, Sequence

from tradingbot.domain.errors import Misconfigured
from tradingbot.settings import Settings
from tradingbot.start.deciding import strategy_from
from tradingbot.start.ending import LAST_WORD, leave_word
from tradingbot.start.files import recording
from tradingbot.strategy.registry import NAMES, Strategy
from tradingbot.training.grid import parse_axes, points
from tradingbot.training.lesson import Lesson, learnt
from tradingbot.venues.replay import load_candles


def lesson(settings: Settings, grid: Sequence[str]) -> Lesson:
    """What *grid* teaches about the strategy of *settings*; raises Misconfigured."""
    named = settings.strategy
    if named.name not in NAMES:
        raise Misconfigured(f'strategy.name "{named.name}" does not decide on bars: choose one of {", ".join(NAMES)}')
    tries = points(parse_axes(named.name, grid))

    def built(point: Mapping[str, str]) -> Strategy:
        other = named.model_copy(update={"parameters": {**named.parameters, **point}})
        return strategy_from(settings.model_copy(update={"strategy": other}))

    data, exchange = settings.paths.data, settings.exchange
    files = [recording(data, symbol, named.timeframe, settings.archive) for symbol in exchange.symbols]
    markets = [
        load_candles(file, symbol, named.timeframe) for file, symbol in zip(files, exchange.symbols, strict=True)
    ]
    return learnt(markets, tries, built)


def told(learned: Lesson) -> str:
    """The lesson on one line, which is also the last word of the container."""
    text = json.dumps(learned.told())
    leave_word(text, LAST_WORD)
    return text
