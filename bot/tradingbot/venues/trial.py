"""An order that cannot leave this machine: what a client of a venue makes of it when names lead nowhere."""

import socket
from datetime import datetime, timedelta
from decimal import Decimal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tradingbot.attempts import Attempts
from tradingbot.domain.order import Order, OrderType, Purpose, Side, VenueWrite
from tradingbot.venues.ccxt_venue import SPOKEN
from tradingbot.venues.clock import VenueClock
from tradingbot.venues.one_exchange import library_error
from tradingbot.venues.practice import RealMoney
from tradingbot.venues.signing import SIGNED_AT, Account, signing

# In the form of our order ids, of a ledger that is nobody's.
NAME = "tdrill000000000000"


class Nowhere(AbstractResolver):
    """Finds no name and keeps the last one that was asked for."""

    asked = ""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked = host
        raise OSError(f"{host}, port {port}, family {family}: names lead nowhere here")

    async def close(self) -> None:
        return


async def tried(account: Account) -> str:
    """Empty: an order of *account* was kept back before its venue was looked up. Else what would have been reached.

    It is no write to a venue, and needs no fence: also when nothing keeps it back, there is nowhere it could go.
    """
    nowhere, before = Nowhere(), account.attempts.count if account.attempts else 0
    async with aiohttp.ClientSession() as session:
        dialect = SPOKEN[account.exchange]()
        clock = VenueClock(session, "", None)
        exchange = signing(account, clock, dialect, nowhere)
        call = next(dialect.written(_order(account.symbols[0], clock.now()), 1000))
        try:
            await getattr(exchange, call.method)({**call.fields, **({SIGNED_AT: call.at} if call.at else {})})
        except (RealMoney, aiohttp.ClientError, OSError, library_error()) as error:
            kept = (account.attempts or Attempts()).count > before and not nowhere.asked
            return "" if kept else nowhere.asked or f"{type(error).__name__} {error}"
        finally:
            await exchange.close()
    return f"{account.exchange} answered"


def _order(symbol: str, now: datetime) -> VenueWrite:
    order = Order(symbol, Side.BUY, OrderType.MARKET, Purpose.ENTRY, Decimal(1))
    return VenueWrite(NAME, 0, 0, order, now, now + timedelta(seconds=1))
