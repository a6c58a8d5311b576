"""The budgets of this address as they are now, and the one place that changes them."""

from collections.abc import Callable, Iterable, Mapping

import structlog

from tradingbot.domain.provider import PROVIDERS, Provider
from tradingbot.domain.quota import Quota, Told, Use, Wait, forgotten, full, take, told

log = structlog.stdlib.get_logger(__name__)


class Desk:
    """*clock* gives seconds that never go back; at a venue that runs faster than the wall, those of its own time."""

    def __init__(self, clock: Callable[[], float], providers: Iterable[Provider] = PROVIDERS) -> None:
        self.clock = clock
        self._quotas = {each.name: full(each) for each in providers}

    @property
    def quotas(self) -> Mapping[str, Quota]:
        return self._quotas

    def take(self, provider: str, use: Use) -> Wait | None:
        """None: it is counted and may be sent."""
        answer = take(self._quotas[provider], use, self.clock())
        if isinstance(answer, Wait):
            return answer
        self._quotas[provider] = answer
        return None

    def told(self, provider: str, answer: Told) -> None:
        before = self._quotas[provider]
        after = self._quotas[provider] = told(before, answer, self.clock())
        if after.backoffs > before.backoffs:
            log.warning("Provider told us to wait", provider=provider, status=answer.status, why=after.why)

    def forget(self, provider: str, reason: str) -> None:
        """Nothing of *provider*'s budget is used any more, whatever it thinks of that."""
        self._quotas[provider] = forgotten(self._quotas[provider])
        log.warning("Quota reset", provider=provider, reason=reason)
