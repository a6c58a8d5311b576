"""Who listens to the market through this bot; whoever reads too slowly is let go, and the trader waits for nobody."""

import asyncio
import contextlib

from tradingbot.domain.candle import Candle

MOST_CLIENTS = 16
# So many candles may wait for one client; its socket holds as many again.
MOST_WAITING = 256


class Listener:
    """One client, and what waits for it; *slow* is set when there was no room for more."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Candle] = asyncio.Queue(MOST_WAITING)
        self.slow = asyncio.Event()


class Listeners:
    """The newest candle of each market, and who hears of the next. Only *tell* may be called from another thread."""

    def __init__(self) -> None:
        self._newest: dict[str, Candle] = {}
        self._there: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._there)

    @property
    def newest(self) -> tuple[Candle, ...]:
        """Of each market."""
        return tuple(self._newest.values())

    def tell(self, candle: Candle) -> None:
        """Whoever listens will hear of *candle*; returns at once."""
        self._newest[candle.symbol] = candle
        if self._there and self._loop is not None:
            # The ports may have ended before the trader.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._spread, candle)

    def join(self) -> Listener | None:
        """A new listener, for whom the newest of each market waits; None when there are enough."""
        if len(self._there) >= MOST_CLIENTS:
            return None
        listener = Listener()
        for candle in self.newest:
            listener.waiting.put_nowait(candle)
        self._loop = asyncio.get_running_loop()
        self._there.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._there.discard(listener)

    def _spread(self, candle: Candle) -> None:
        for listener in tuple(self._there):
            try:
                listener.waiting.put_nowait(candle)
            except asyncio.QueueFull:
                self._there.discard(listener)
                self.dropped += 1
                listener.slow.set()
