"""What a person may ask of the loop that decides: how often it looks, what it keeps, how long it waits."""

from typing import Annotated

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import DecimalText, Span


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
