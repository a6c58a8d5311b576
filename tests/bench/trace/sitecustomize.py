"""Beside a real ``atb`` (by PYTHONPATH): notes when bytes come and go, and how long a fenced write takes.

Nothing of the program is changed but that six functions are timed. The notes, rows of [nanoseconds, what, detail,
nanoseconds of processor], are written to the file that TRACE names when the process ends.
"""

import asyncio.selector_events
import atexit
import functools
import json
import os
import re
import time
from collections.abc import Callable
from typing import Any

from aiohttp.client_proto import ResponseHandler

CLOSED = re.compile(rb'"x":\s*true')
ORDER = (b"POST /api/v3/order", b"DELETE /api/v3/order")
READ = b"GET /api/v3/"
NOTES: list[tuple[int, str, Any, int]] = []
ASKED: dict[int, int] = {}


def note(what: str, detail: Any = None, at: int | None = None) -> None:
    NOTES.append((time.perf_counter_ns() if at is None else at, what, detail, time.thread_time_ns()))


def received(original: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
    """A closed candle on a stream, and the end of a read that was asked on this line."""

    @functools.wraps(original)
    def data_received(self: Any, data: bytes) -> None:
        at = time.perf_counter_ns()
        if CLOSED.search(data):
            note("candle", None, at)
        began = ASKED.pop(id(self), None)
        if began is not None:
            note("read", at - began, at)
        original(self, data)

    return data_received


def written(original: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
    """An order has been given to the kernel; a read has."""

    @functools.wraps(original)
    def write(self: Any, data: bytes) -> None:
        original(self, data)
        start = bytes(data[:64])
        if start.startswith(ORDER):
            note("order", start.split(b"?")[0].split(b" HTTP")[0].decode())
        elif start.startswith(READ):
            ASKED[id(self.get_protocol())] = time.perf_counter_ns()

    return write


def timed(what: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter_ns()
        try:
            return original(*arguments, **named)
        finally:
            note(what, time.perf_counter_ns() - began)

    return call


def awaited(what: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def call(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter_ns()
        try:
            return await original(*arguments, **named)
        finally:
            use = arguments[1]
            note(what, [time.perf_counter_ns() - began, "urgent" if use.urgent else "entry" if use.enters else "usual"])

    return call


def begin(path: str) -> None:
    """From now on everything is noted."""
    from tradingbot.ledger.sql import SqlLedger  # noqa: PLC0415 - the program is traced only where TRACE says so
    from tradingbot.venues.budget import Budget  # noqa: PLC0415

    ResponseHandler.data_received = received(ResponseHandler.data_received)  # type: ignore[method-assign]
    transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    transport.write = written(transport.write)
    SqlLedger.decide = timed("decide", SqlLedger.decide)  # type: ignore[method-assign]
    SqlLedger.intend = timed("intend", SqlLedger.intend)  # type: ignore[method-assign]
    Budget.room = awaited("room", Budget.room)  # type: ignore[method-assign]
    atexit.register(lambda: open(path, "w").write(json.dumps(NOTES)))  # noqa: SIM115 - the process ends


if "TRACE" in os.environ:
    begin(os.environ["TRACE"])
