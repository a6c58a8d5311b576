"""What a person asks of the trader itself: done between two of its turns, answered in any case."""

import asyncio
from collections import deque
from dataclasses import dataclass

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.reconciliation import Reconciled, Wish
from tradingbot.execution.desk import Desk
from tradingbot.execution.reconciling import Prices, reconcile

NOT_HERE = "this process does not trade: ask the one that holds the epoch"
LEAVING = "the epoch is being handed over: ask again when another process trades"
REMEMBERED = 100
ENDED = "the trader ended before it was done: ask again"


@dataclass(frozen=True, slots=True)
class Errand:
    wish: Wish
    answer: "asyncio.Future[Reconciled]"

    def ends(self, reconciled: Reconciled) -> None:
        if not self.answer.done():
            self.answer.set_result(reconciled)


class Errands:
    """Open while somebody trades who can do them; what waits when that ends is refused, never forgotten."""

    def __init__(self) -> None:
        self._waiting: deque[Errand] = deque()
        self._open = False
        # Who did not wait for the answer asks for the same thing again.
        self._named: dict[str, asyncio.Future[Reconciled]] = {}

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False
        while self._waiting:
            self._waiting.popleft().ends(Reconciled(refused=ENDED))

    def asked(self, wish: Wish) -> "asyncio.Future[Reconciled]":
        """The answer, once there is one; of a wish that is under way, or was granted, it is that one's."""
        known = self._named.get(wish.name)
        if known is not None and not (known.done() and known.result().refused):
            return known
        errand = Errand(wish, asyncio.get_running_loop().create_future())
        if not self._open:
            errand.ends(Reconciled(refused=NOT_HERE))
            return errand.answer
        self._waiting.append(errand)
        if wish.name:
            self._named.pop(wish.name, None)
            self._named[wish.name] = errand.answer
            if len(self._named) > REMEMBERED:
                del self._named[next(iter(self._named))]
        return errand.answer

    async def run(self, desk: Desk, prices: Prices, leaving: bool) -> None:
        """Everything that waited is done, or refused with the reason."""
        while self._waiting:
            errand = self._waiting.popleft()
            try:
                refusal = Reconciled(refused=LEAVING) if leaving else None
                errand.ends(refusal or await reconcile(desk, errand.wish, prices))
            except VenueUnavailable as error:
                errand.ends(Reconciled(refused=f"the venue does not answer ({error}): ask again"))
            finally:
                errand.ends(Reconciled(refused=ENDED))
