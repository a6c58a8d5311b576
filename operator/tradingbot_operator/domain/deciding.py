"""What a person may ask of the loop that decides: by which rule, how often it looks, what it keeps, how it waits."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import DecimalText, NameText, Span, SymbolText

Parameters = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=256)]],
    Field(default_factory=dict, max_length=64),
]


class Strategy(Part):
    name: NameText
    """Strategy in the registry of the bot."""
    timeframe: Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"] = "1m"
    """Length of a candle."""
    parameters: Parameters
    """Parameters of the strategy, all as strings."""


class OtherStrategy(Part):
    name: NameText
    """Another strategy in the registry of the bot."""
    symbols: Annotated[tuple[SymbolText, ...], Field(min_length=1, max_length=20)]
    """What it trades of exchange.symbols; strategy trades the rest."""
    parameters: Parameters
    """Parameters of the strategy, all as strings."""


class Engine(Part):
    check_interval: Span = "15s"
    """Pause between two looks at what is open; at least 5s."""
    warmup_bars: Annotated[int, Field(ge=1, le=5000)] = 200
    """Candles read before the first decision."""
    max_bars_in_memory: Annotated[int, Field(ge=100, le=10000)] | None = None
    """Closed candles kept of each market, 1000 to 2000 are usual; twice what is needed to decide by default."""
    max_signals_per_sec: DecimalText | None = None
    """Wishes to enter in a second, such as 2.0; more are dropped and counted; no limit by default."""
    backoff_base_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """Pause when a venue says wait, not how long; 5 by default, doubled each time."""
    max_backoff_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """Longest such pause; 120 by default."""
    soft_memory_limit_mb: Annotated[int, Field(ge=64, le=1048576)] | None = None
    """Memory of the process, in MiB, above which no more is kept than deciding needs; 2048 by default."""
