"""What differs between venues' public data: where each question is asked, and what its answer means. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import Instrument

Json = Any


@dataclass(frozen=True, slots=True)
class Ask:
    """One public question; *path* begins after the venue's address."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeRoute:
    """Where a venue tells its time; *read* gives None for what is no answer to that."""

    path: str
    read: Callable[[Json], datetime | None]


@dataclass(frozen=True, slots=True)
class Market:
    """A venue whose public data is asked for again and again; it is asked no more often than every *pause*.

    *timeframes* are its words for lengths of bars. *wrong* tells why an answer is none, empty for a good one, and
    *unknown* is what such a sentence contains when the market does not exist. *bars* gives rows oldest first, the
    last of which may be running.
    """

    address: str
    time: TimeRoute
    pause: timedelta
    timeframes: Mapping[str, str]
    most: int
    unknown: str
    wrong: Callable[[Json], str]
    instrument_at: Callable[[str], Ask]
    instrument: Callable[[str, Json], Instrument]
    bars_at: Callable[[str, str, datetime, datetime], Ask]
    bars: Callable[[str, str, Json], list[Candle]]
    quote_at: Callable[[str], Ask]
    quote: Callable[[str, Json, datetime], Quote]
