"""What this bot may ask of its venue: the gate of its address says, and while that is away a share of its own."""

import time
from collections.abc import Callable
from typing import Any

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


class Budget:
    """*url* None: there is no gate, and the venue's own word is all there is. *clock* gives seconds of venue time."""

    def __init__(
        self, url: str | None, provider: str, session: aiohttp.ClientSession, clock: Callable[[], float]
    ) -> None:
        known = next((each for each in PROVIDERS if each.name == provider), None)
        self._url = url if known else None
        self._session, self._clock = session, clock
        self._provider = provider
        self._own: Quota | None = full(share(known)) if known else None
        self._away_until = 0.0
        self._used_at = 0.0

    async def ask(self, use: Use) -> Wait | None:
        """None: it is counted and may be sent. Never raises: who cannot ask has a share."""
        if self._url is None:
            return None
        if time.monotonic() >= self._away_until:
            kind = "urgent" if use.urgent else "usual"
            said = await self._post("/take", kind=kind, weight=use.weight, orders=use.orders)
            if said is not None:
                return None if said["granted"] else Wait(float(said["wait_seconds"]), str(said["why"]))
        return self._take_own(use)

    async def tell(self, answer: Told) -> None:
        """The gate knows what the venue said of the address: at once when it is told to wait, else now and then."""
        now = time.monotonic()
        waits = answer.status in TOLD_TO_WAIT
        if self._url is None or not (waits or now - self._used_at >= USED_EVERY_SECONDS):
            return
        self._used_at = now
        if self._own is not None and waits:
            self._own = told(self._own, answer, self._clock())
        after = None if answer.retry_after is None else round(answer.retry_after)
        await self._post("/told", status=answer.status, retry_after=after, used_weight=answer.used_weight)

    def _take_own(self, use: Use) -> Wait | None:
        if self._own is None:
            return None
        left = take(self._own, use, self._clock())
        if isinstance(left, Wait):
            return left
        self._own = left
        return None

    async def _post(self, path: str, **fields: Any) -> Any:
        """The answer, or None: the gate is away, or does not know what was meant."""
        try:
            async with self._session.post(
                f"{self._url}{path}",
                json={"provider": self._provider, **fields},
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                if answer.status == 200:
                    return await answer.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            pass
        self._away_until = time.monotonic() + AWAY_SECONDS
        return None
