"""What outlives a trader that is killed: venue, ledger, recording and time; and what must hold of them afterwards."""

import asyncio
from decimal import Decimal

from exchange import Calls, Crash, FakeExchange, FakeMarket, Watched
from trading import BTC, LIMITS, MemoryLedger, MemoryWatch, bars, instrument, midnight, sma
from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import OrderStatus, Side
from tradingbot.domain.position import position_of
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.engine import Engine
from tradingbot.parts import EngineSettings, Parts
from tradingbot.venues.replay import ReplayClock

LEDGER_CALLS = ("claim", "decide", "intend", "settle", "record_fills", "record_equity", "retire")
VENUE_CALLS = ("send", "order", "fills", "open_orders")
# Up (enter), down (exit), up again (enter), then a fall through the stop, and a last rise.
CLOSES = (100, 100, 101, 103, 104, 102, 100, 99, 101, 103, 104, 104, 90, 89, 89, 91, 93, 94)


class World:
    """What outlives a process: the venue, the ledger, the recording and the time."""

    def __init__(self, volume: str = "1000") -> None:
        self.bars = bars(*CLOSES)
        self.bars = [type(bar)(**{**fields(bar), "volume": Decimal(volume)}) for bar in self.bars]
        self.clock = ReplayClock(self.bars[0].open_time)
        self.exchange = FakeExchange(self.bars, self.clock, Decimal(10000))
        self.ledger = MemoryLedger()
        self.starts = 0

    def engine(self, calls: Calls | None = None, venue: object | None = None) -> Engine:
        self.starts += 1
        calls = calls or Calls()
        settings = EngineSettings((BTC,), "1m", Decimal(10000), "USDT", turn=None)
        return Engine(
            Parts(
                settings=settings,
                instance=Instance("blue", "pod-1", f"start-{self.starts}", "revision-1"),
                feed=FakeMarket(self.bars, self.exchange, self.clock),
                venue=Watched(venue or self.exchange, calls, VENUE_CALLS),
                ledger=Watched(self.ledger, calls, LEDGER_CALLS),
                clock=self.clock,
                metrics=NoMetrics(),
                strategy=sma(2, 3),
                limits=LIMITS,
                day_start=midnight,
                new_id=lambda: "h1",
                watch=MemoryWatch(self.ledger),
            )
        )


def fields(bar) -> dict:
    return {name: getattr(bar, name) for name in bar.__slots__}


def run(world: World, calls: Calls | None = None, venue: object | None = None) -> bool:
    """True when the engine came to the end of its recording, False when it crashed."""

    async def live() -> None:
        await world.engine(calls, venue).run()

    try:
        asyncio.run(live())
    except Crash:
        return False
    return True


def check(world: World) -> None:
    """I4, I5 and I9: orders and intents are one to one and ended, positions are the venue's, stops cover."""
    ledger, exchange = world.ledger, world.exchange
    intents = {record.write.client_id: record for record in ledger.orders()}
    assert not ledger.unsettled()
    assert len({order.client_id for order in exchange.orders}) == len(exchange.orders)
    for order in exchange.orders:
        assert parse_client_id(order.client_id) is not None
        assert intents[order.client_id].status == order.status, order
        assert intents[order.client_id].filled == order.filled
    reached = {order.client_id for order in exchange.orders}
    for name, record in intents.items():
        assert name in reached or record.status in (OrderStatus.ABSENT, OrderStatus.REFUSED)
    assert len({write.client_id for write in exchange.sent}) == len(exchange.sent), "an intent was sent twice"
    market = instrument()
    held = position_of(BTC, ledger.fills(), market.base, market.quote)
    assert held == position_of(BTC, exchange.trades, market.base, market.quote)
    assert held.quantity == asyncio.run(exchange.balances()).get("BTC", ZERO)
    covered = sum((o.remaining for o in exchange.orders if o.is_open and o.side is Side.SELL), ZERO)
    if market.is_dust(held.quantity, Decimal(90)):
        assert covered == ZERO
    else:
        assert held.quantity - covered < market.quantity_step
