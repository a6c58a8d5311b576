"""The account's own events over the WebSocket API: may lose, repeat or reorder them; the trader asks REST as well."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import aiohttp

from tradingbot.attempts import Attempts
from tradingbot.domain.order import Fill, OrderReport
from tradingbot.domain.ports import Clock
from tradingbot.venues import binance
from tradingbot.venues.practice import RealMoney, connector

LIVE = "wss://ws-api.binance.com:443/ws-api/v3"
RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Listener:
    """Whose events to hear, and where."""

    key: str
    secret: str
    endpoint: str | None
    agent: str
    proxy: str | None = None
    usable: Callable[[], bool] = lambda: True
    attempts: Attempts | None = field(default_factory=Attempts)

    @property
    def url(self) -> str:
        return LIVE if self.endpoint is None else self.endpoint.replace("http", "ws", 1) + "/ws-api/v3"

    def subscription(self, timestamp: int) -> str:
        """The signed request that begins the stream."""
        fields: dict[str, str | int] = {"apiKey": self.key, "timestamp": timestamp}
        payload = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        fields["signature"] = hmac.new(self.secret.encode(), payload.encode(), sha256).hexdigest()
        return json.dumps({"id": 1, "method": "userDataStream.subscribe.signature", "params": fields})


async def listen(listener: Listener, clock: Clock, symbols: Mapping[str, str]) -> AsyncIterator[OrderReport | Fill]:
    """Order and fill events of *symbols* (by the venue's names); the line is taken up again whenever it breaks."""
    lines = connector(listener.attempts)
    async with aiohttp.ClientSession(headers={"User-Agent": listener.agent}, connector=lines) as session:
        while True:
            try:
                if not listener.usable():
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                async with session.ws_connect(listener.url, heartbeat=20.0, proxy=listener.proxy) as socket:
                    await socket.send_str(listener.subscription(binance.milliseconds(clock.now())))
                    async for message in socket:
                        for event in _events(message, symbols):
                            yield event
            except (aiohttp.ClientError, TimeoutError, OSError, RealMoney):
                pass
            await asyncio.sleep(RETRY_SECONDS)


def _events(message: aiohttp.WSMessage, symbols: Mapping[str, str]) -> tuple[OrderReport | Fill, ...]:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return ()
    event = json.loads(message.data).get("event") or {}
    if event.get("e") != "executionReport" or event["s"] not in symbols:
        return ()
    return binance.streamed(symbols[event["s"]], event)
