"""Dry run: every write is decided, recorded and refused here; nothing is sent anywhere."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from tradingbot.domain.candle import Candle
from tradingbot.domain.order import Cancel, Fill, Order, OrderReport, Outcome, Refused, VenueWrite


class ShadowVenue:
    """A venue without orders. The ledger shows what would have been sent, each one as refused."""

    name = "shadow"
    account = "dry-run"
    key_refused = ""
    request_life = timedelta(seconds=2)
    visibility = timedelta(0)

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self._balances = dict(balances)

    async def identify(self) -> None:
        return

    async def reach(self) -> None:
        return

    async def room(self, request: Order | Cancel) -> str:  # noqa: ARG002
        return ""

    async def send(self, write: VenueWrite) -> Outcome:
        return Refused("DryRun", f"{write.client_id} was decided and not sent")

    async def order(self, symbol: str, client_id: str) -> OrderReport | None:  # noqa: ARG002
        return None

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:  # noqa: ARG002
        return ()

    async def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:  # noqa: ARG002
        return ()

    async def balances(self) -> Mapping[str, Decimal]:
        return self._balances

    async def events(self) -> AsyncIterator[OrderReport | Fill]:
        return
        yield

    def observe(self, candle: Candle) -> Iterator[None]:  # noqa: ARG002
        return iter(())

    def book(self) -> None:
        return None

    def restore(self, book: str | None) -> None:  # noqa: ARG002
        return

    async def close(self) -> None:
        return
