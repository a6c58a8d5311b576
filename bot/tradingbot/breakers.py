"""The breakers of one venue, as they stand now; each change is logged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from tradingbot.domain import breaker as rules
from tradingbot.domain.breaker import Breaker, BreakerState, Operation, Resting, Rule

log = structlog.stdlib.get_logger("tradingbot")


def _never() -> datetime:
    return datetime.min.replace(tzinfo=UTC)


class Breakers:
    """Where nothing is asked of a venue there are none, and then nothing is refused. *now* never goes back."""

    def __init__(
        self,
        venue: str = "",
        operations: Sequence[Operation] = (),
        rule: Rule | None = None,
        now: Callable[[], datetime] = _never,
    ) -> None:
        self._now = now
        self._held = {each: Breaker(f"{venue}/{each}", rule or Rule()) for each in operations}
        self._told = dict.fromkeys(operations, BreakerState.CLOSED)

    def admit(self, operation: Operation) -> Resting | None:
        """None: the call may be made, and whoever makes it says how it went."""
        if operation not in self._held:
            return None
        found = rules.admitted(self._held[operation], self._now())
        if isinstance(found, Resting):
            return found
        self._keep(operation, found)
        return None

    def succeeded(self, operation: Operation) -> None:
        if operation in self._held:
            self._keep(operation, rules.succeeded(self._held[operation], self._now()))

    def failed(self, operation: Operation, error: str, kind: str = "") -> None:
        """*kind* is one word for it, where somebody knows one."""
        if operation in self._held:
            self._keep(operation, rules.failed(self._held[operation], error, self._now(), kind))

    def unasked(self, operation: Operation) -> None:
        """The call that was admitted was not made."""
        if operation in self._held:
            self._keep(operation, rules.unasked(self._held[operation]))

    def reset(self, name: str | None) -> tuple[str, ...] | None:
        """The breaker *name*, or each one, is closed: the names of those that were not. None: there is no such name."""
        chosen = {each: held for each, held in self._held.items() if name in (None, held.name)}
        for operation, held in chosen.items():
            self._keep(operation, rules.closed(held))
        if name is not None and not chosen:
            return None
        return tuple(held.name for held in chosen.values() if held.opened_at is not None)

    def resume(self, name: str, opened_at: datetime, error: str, trips: int) -> None:
        """The breaker *name* is open as it was in the process before, while its time is not over."""
        for operation, held in self._held.items():
            before = replace(held, opened_at=opened_at, last_error=error, trips=trips)
            if held.name == name and before.state(self._now()) is BreakerState.OPEN:
                self._keep(operation, before)

    @property
    def open(self) -> tuple[str, ...]:
        """Why, for each that is open."""
        now = self._now()
        return tuple(each.why for each in self._held.values() if each.state(now) is BreakerState.OPEN)

    def shown(self) -> tuple[tuple[Breaker, BreakerState], ...]:
        """Each with the state it is in now."""
        for operation in self._held:
            self._tell(operation)
        return tuple((held, self._told[operation]) for operation, held in self._held.items())

    def _keep(self, operation: Operation, breaker: Breaker) -> None:
        self._held[operation] = breaker
        self._tell(operation)

    def _tell(self, operation: Operation) -> None:
        held = self._held[operation]
        before, state = self._told[operation], held.state(self._now())
        if state is not before:
            log.warning("Circuit breaker", breaker=held.name, state=state, was=before, last_error=held.last_error)
        self._told[operation] = state
