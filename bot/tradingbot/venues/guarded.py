"""The live venue with its reads asked again when that may help, and with breakers that hear how every call went."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_exponential

from tradingbot.breakers import Breakers
from tradingbot.domain.breaker import Operation
from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Cancel, Fill, OrderReport, Outcome, Purpose, Refused, Unknown, VenueWrite
from tradingbot.venues.budget import Budget
from tradingbot.venues.ccxt_venue import CcxtVenue
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.failures import COUNTED, TRANSIENT, Failure, of_read
from tradingbot.venues.signing import Account

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
# Of the outcomes that are no error of ours, these say that the venue, or the way to it, is not well.
UNWELL = {
    "NotConnected": Failure.NETWORK,
    "429": Failure.RATE_LIMIT,
    "418": Failure.BANNED,
    "-1003": Failure.RATE_LIMIT,
}
UNSENT = "RateLimited"


@dataclass(frozen=True, slots=True)
class Retries:
    """A read is asked at most so often, and not again once *budget* is spent; a write is never sent again."""

    tries: int = 3
    budget: timedelta = timedelta(seconds=5)


class GuardedVenue(CcxtVenue):
    """An entry is refused while its breaker is open. What settles, protects or leaves is only counted."""

    def __init__(
        self, account: Account, clock: VenueClock, budget: Budget, breakers: Breakers, retries: Retries
    ) -> None:
        super().__init__(account, clock, budget)
        self._breakers = breakers
        self._retries = retries

    async def send(self, write: VenueWrite) -> Outcome:
        request = write.request
        enters = not isinstance(request, Cancel) and request.purpose is Purpose.ENTRY
        operation = Operation.ENTER if enters else Operation.LEAVE
        if enters and (resting := self._breakers.admit(operation)):
            return Refused("BreakerOpen", f"not sent: {resting.text}")
        outcome = await super().send(write)
        match outcome:
            case Refused(code=code) if code == UNSENT:
                self._breakers.unasked(operation)
            case Unknown(message):
                self._breakers.failed(operation, message)
            case Refused(code=code, message=message) if code in UNWELL:
                self._breakers.failed(operation, f"{code} {message}".strip(), UNWELL[code])
            case _:
                self._breakers.succeeded(operation)
        return outcome

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:
        return await self._counted(Operation.ORDERS, partial(super().order, symbol, client_id))

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        return await self._counted(Operation.ORDERS, partial(super().open_orders, symbol))

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        return await self._counted(Operation.ORDERS, partial(super().fills, symbol, since))

    async def balances(self) -> Mapping[str, Decimal]:
        return await self._counted(Operation.ACCOUNT, super().balances)

    async def _counted(self, operation: Operation, read: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await self._again(read)
        except VenueUnavailable as error:
            kind = of_read(error, self._dialect)
            error.kind = kind.value
            if kind in COUNTED:
                self._breakers.failed(operation, str(error), kind)
            elif kind is Failure.UNASKED:
                self._breakers.unasked(operation)
            else:
                self._breakers.succeeded(operation)
            raise
        self._breakers.succeeded(operation)
        return answer

    async def _again(self, read: Callable[[], Awaitable[T]]) -> T:
        """What *read* gives, asked once more after a failure that may be gone by then."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._is_transient),
            stop=stop_after_attempt(self._retries.tries) | stop_after_delay(self._retries.budget.total_seconds()),
            wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE, min=FIRST_PAUSE),
            reraise=True,
        )
        return await retrying(read)

    def _is_transient(self, error: BaseException) -> bool:
        return isinstance(error, VenueUnavailable) and of_read(error, self._dialect) in TRANSIENT
