"""What differs between venues' public data: where each question is asked, and what its answer means. Pure."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.listing import Listed
from tradingbot.venues.dialect import UNREADABLE

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
    last of which may be running. *rows* are all its markets, and *listed* is one of them, None while it is not traded.
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
    listing_at: Ask
    rows: Callable[[Json], Iterable[Json]]
    listed: Callable[[Json], Listed | None]


def listing(rows: Iterable[Json], listed: Callable[[Json], Listed | None]) -> tuple[Listed, ...]:
    """Every market of *rows* that is traded; one that is told in another form than the others is left out."""
    found = []
    for row in rows:
        with suppress(*UNREADABLE):
            if (one := listed(row)) is not None:
                found.append(one)
    return tuple(found)
