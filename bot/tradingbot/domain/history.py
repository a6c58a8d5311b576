"""Bars of one market that were told before, and how newer ones go on from them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from math import ceil

from tradingbot.domain.candle import TIMEFRAMES, Candle

# So many bars that are known are asked for once more: only their being the same proves that the rest belongs to them.
OVERLAP = 3


def to_ask(kept: Sequence[Candle], now: datetime, bars: int) -> int:
    """How many of *bars* have to be asked for when *kept* are known; all of them where nothing can be built on."""
    if not kept or now < kept[-1].close_time:
        return bars
    begun = ceil((now - kept[-1].open_time) / TIMEFRAMES[kept[-1].timeframe])
    return min(bars, begun + OVERLAP)


def joined(kept: Sequence[Candle], told: Sequence[Candle], bars: int) -> tuple[Candle, ...] | None:
    """*kept* and then *told*, as if all had been asked for; None when they differ, do not meet, or are too few."""
    first = told[0].open_time if told else None
    shared = [] if first is None else [candle for candle in kept if candle.open_time >= first]
    if not shared or list(told[: len(shared)]) != shared:
        return None
    whole = (*kept[: len(kept) - len(shared)], *told)
    return whole[-bars - 1 :] if len(whole) > bars else None


def kept_with(kept: Sequence[Candle], candle: Candle, most: int) -> tuple[Candle, ...]:
    """The newest *most* bars after *candle* came; none where a used bar changed, and no gap is ever inside."""
    if not candle.closed:
        return tuple(kept)
    newer = len(list(takewhile(lambda known: known.open_time > candle.open_time, reversed(kept))))
    at = len(kept) - newer
    if at and kept[at - 1].open_time == candle.open_time:
        return tuple(kept) if kept[at - 1] == candle else ()
    if newer:
        return tuple(kept)
    follows = at and kept[-1].close_time == candle.open_time
    return (*(kept if follows else ()), candle)[-most:]
