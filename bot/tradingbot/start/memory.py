"""The soft limit of a process' memory: caches give way before the kernel ends the trader."""

import asyncio
import gc
from collections.abc import Callable, Iterable

import structlog

from tradingbot.api.reports import resident_bytes
from tradingbot.domain.snapshot import Metrics

EVERY_SECONDS = 10.0
log = structlog.stdlib.get_logger(__name__)


async def watch_memory(
    limit_bytes: int, caches: Iterable[Callable[[], None]], metrics: Metrics, size: Callable[[], int] = resident_bytes
) -> None:
    """Returns once this process was larger than *limit_bytes*: *caches* have shrunk then, and stay small."""
    while (found := size()) <= limit_bytes:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(EVERY_SECONDS)
    for shrink in caches:
        shrink()
    gc.collect()
    metrics.shrunk()
    log.warning("Memory above its soft limit: caches have shrunk", before_bytes=found, limit_bytes=limit_bytes)
