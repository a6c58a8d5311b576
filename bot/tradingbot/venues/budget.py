"""What this bot may ask of its venue: the gate of its address says, and while that is away a share of its own."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp

from tradingbot.domain.provider import PROVIDERS, Limit, Provider
from tradingbot.domain.quota import TOLD_TO_WAIT, Quota, Told, Use, Wait, full, take, told

# What one bot takes of an address whose gate does not answer: ten of them use up what there is.
SHARE_PERCENT = 10
# A gate that is away is not asked again for so long: an exit must not wait for it each time.
AWAY_SECONDS = 5.0
ANSWER_SECONDS = 0.25
USED_EVERY_SECONDS = 1.0


def share(provider: Provider) -> Provider:
    """A bot's own part of what *provider* allows the address, at least one of everything."""
    limits = [
        Limit(each.name, each.of, max(1, each.capacity * SHARE_PERCENT // 100), each.seconds)
        for each in provider.limits
    ]
    return Provider(provider.name, tuple(limits), provider.reserve_percent)


USED = "x-mbx-used-weight-1m"


class Clock(Protocol):
    def now(self) -> datetime: ...

    def scaled(self, duration: timedelta) -> timedelta: ...


def used_weight(headers: Mapping[str, str] | None) -> int | None:
    """What the venue counts for this address; None where it does not say."""
    text = next((value for name, value in (headers or {}).items() if name.lower() == USED), "")
    return int(text) if text.isdigit() else None


class Budget:
    """*url* None: there is no gate, and the venue's own word is all there is. Waits are in seconds of venue time."""

    def __init__(self, url: str | None, provider: str, clock: Clock) -> None:
        known = next((each for each in PROVIDERS if each.name == provider), None)
        self._url = url if known else None
        self._clock = clock
        self._provider = provider
        self._own: Quota | None = full(share(known)) if known else None
        self._session: aiohttp.ClientSession | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._away_until = 0.0
        self._used_at = 0.0

    async def room(self, use: Use, patience: float) -> str:
        """Empty: *use* is counted and may be sent now. Else why not, after waiting up to *patience* seconds of ours."""
        ends = time.monotonic() + patience
        while (wait := await self.ask(use)) is not None:
            pause = wait.seconds / self._clock.scaled(timedelta(seconds=1)).total_seconds()
            if time.monotonic() + pause > ends:
                return f"the budget of this address: {wait.why}, {pause:.1f} s are left"
            await asyncio.sleep(pause)
        return ""

    async def ask(self, use: Use) -> Wait | None:
        """None: it is counted and may be sent. Never raises: who cannot ask has a share."""
        if self._url is None:
            return None
        if time.monotonic() >= self._away_until:
            kind = "urgent" if use.urgent else "entry" if use.enters else "usual"
            said = await self._post("/take", kind=kind, weight=use.weight, orders=use.orders)
            if said is not None:
                return None if said["granted"] else Wait(float(said["wait_seconds"]), str(said["why"]))
        return self._take_own(use)

    def heard(self, answer: Told) -> None:
        """As *tell*, behind the caller's back: nobody waits for the gate to listen."""
        if self._is_news(answer):
            telling = asyncio.create_task(self.tell(answer))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def tell(self, answer: Told) -> None:
        """The gate knows what the venue said of the address: at once when it is told to wait, else now and then."""
        if not self._is_news(answer):
            return
        self._used_at = time.monotonic()
        if self._own is not None and answer.status in TOLD_TO_WAIT:
            self._own = told(self._own, answer, self._now())
        after = None if answer.retry_after is None else round(answer.retry_after)
        await self._post("/told", status=answer.status, retry_after=after, used_weight=answer.used_weight)

    async def close(self) -> None:
        for telling in tuple(self._telling):
            telling.cancel()
        if self._session is not None:
            await self._session.close()

    def _is_news(self, answer: Told) -> bool:
        if self._url is None:
            return False
        return answer.status in TOLD_TO_WAIT or time.monotonic() - self._used_at >= USED_EVERY_SECONDS

    def _take_own(self, use: Use) -> Wait | None:
        if self._own is None:
            return None
        left = take(self._own, use, self._now())
        if isinstance(left, Wait):
            # What never fits into so small a share is not kept back for it when it protects.
            return None if left.impossible and use.urgent else left
        self._own = left
        return None

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _post(self, path: str, **fields: Any) -> Any:
        """The answer, or None: the gate is away, or does not know what was meant."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        try:
            sent = {"provider": self._provider, **fields}
            async with self._session.post(f"{self._url}{path}", json=sent) as answer:
                if answer.status == 200:
                    return await answer.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            pass
        self._away_until = time.monotonic() + AWAY_SECONDS
        return None
