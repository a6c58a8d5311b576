"""What was kept from real money, counted by the venue's edge and told by who watches it."""

from dataclasses import dataclass, field

from tradingbot.domain.realmoney import Attempt

KEPT = 100


@dataclass(slots=True)
class Attempts:
    """Since the process began: how often, and the newest of it. Written in one thread and read in another."""

    count: int = 0
    newest: tuple[Attempt, ...] = field(default=())

    def add(self, attempt: Attempt) -> None:
        # In this order, so that who sees the count sees the attempt.
        self.newest = (*self.newest[1 - KEPT :], attempt)
        self.count += 1
