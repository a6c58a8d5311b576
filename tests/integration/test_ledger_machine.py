"""Any order of reports, fills and restarts leaves the book as a plain model says, on both engines."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ledgers import (  # noqa: F401
    NOW,
    TIMES,
    Place,
    claimed,
    fill,
    hold,
    made_place,
    migrated_file,
    order,
    running_server,
)
from tradingbot.domain.errors import Fenced
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import NEXT, Fill, OrderReport, OrderStatus, OrderType, Side
from tradingbot.domain.position import position_of
from tradingbot.ledger import verify

BTC = Instrument("BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
AMOUNTS = st.decimals("0.00000001", "5", places=8)
STATUSES = st.sampled_from(sorted(OrderStatus))


class Book(RuleBasedStateMachine):
    """The ledger beside three dictionaries."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.place = self.fresh()
        self.ledger = self.place.open()
        self.starts = 0
        self.lease = claimed(self.ledger, "pod-1", "0")
        self.lost: list[Lease] = []
        self.statuses: dict[str, OrderStatus] = {}
        self.filled: dict[str, Decimal] = {}
        self.fills: dict[str, Fill] = {}
        self.decided = -1

    @staticmethod
    def fresh() -> Place:
        raise NotImplementedError

    @rule(minute=st.integers(0, 12), ordered=st.booleans())
    def decide(self, minute: int, ordered: bool) -> None:
        write = self.ledger.decide(self.lease, hold(minute), order() if ordered else None, TIMES if ordered else None)
        assert (write is not None) == (ordered and minute > self.decided)
        self.decided = max(self.decided, minute)
        if write:
            self.statuses[write.client_id], self.filled[write.client_id] = OrderStatus.INTENDED, Decimal(0)

    @precondition(lambda self: self.statuses)
    @rule(data=st.data(), status=STATUSES, filled=AMOUNTS)
    def report(self, data: st.DataObject, status: OrderStatus, filled: Decimal) -> None:
        client_id = data.draw(st.sampled_from(sorted(self.statuses)))
        said = OrderReport(
            "BTC/USDT", client_id, "9", status, Side.BUY, OrderType.MARKET, Decimal(5), filled, None, None, NOW
        )
        record = self.ledger.settle(self.lease, client_id, status, said, "")
        before = self.statuses[client_id]
        if status == before or status in NEXT[before]:
            self.statuses[client_id] = status
            self.filled[client_id] = max(self.filled[client_id], filled)
        assert (record.status, record.filled) == (self.statuses[client_id], self.filled[client_id])

    @rule(trades=st.lists(st.integers(1, 30), max_size=6), quantity=AMOUNTS, sold=st.booleans(), coin=st.booleans())
    def trade(self, trades: list[int], quantity: Decimal, sold: bool, coin: bool) -> None:
        asset = "BTC" if coin else "USDT"
        told = [
            fill(number, str(quantity), Side.SELL if sold else Side.BUY, commission_asset=asset) for number in trades
        ]
        new = []
        for one in told:
            if one.trade_id not in self.fills:
                self.fills[one.trade_id] = one
                new.append(one)
        assert self.ledger.record_fills(self.lease, told) == tuple(new)

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = self.place.open()
        self.lost.append(self.lease)
        self.starts += 1
        self.lease = claimed(self.ledger, "pod-1", str(self.starts))
        assert self.lease.epoch == self.starts + 1

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def the_dead_come_back(self, data: st.DataObject) -> None:
        with pytest.raises(Fenced):
            self.ledger.intend(data.draw(st.sampled_from(self.lost)), order(), *TIMES)

    @invariant()
    def position_is_the_sum_of_fills(self) -> None:
        in_time = sorted(self.fills.values(), key=lambda one: one.at)
        assert self.ledger.position(BTC) == position_of("BTC/USDT", in_time, "BTC", "USDT")
        bought = sum((one.quantity for one in in_time if one.side is Side.BUY), Decimal(0))
        sold = sum((one.quantity for one in in_time if one.side is Side.SELL), Decimal(0))
        fees = sum((one.commission for one in in_time if one.commission_asset == "BTC"), Decimal(0))
        assert self.ledger.position(BTC).quantity == bought - sold - fees

    @invariant()
    def orders_stand_where_they_were_moved(self) -> None:
        orders = self.ledger.orders()
        assert {one.write.client_id: one.status for one in orders} == self.statuses
        assert [one.write.sequence for one in orders] == list(range(len(orders), 0, -1))

    def teardown(self) -> None:
        known = {"fills without intent", "filled quantities", "position BTC/USDT"}  # the reports here are made up
        assert {finding.check for finding in verify(self.place.url) if not finding.ok} <= known
        self.place.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_book_agrees_with_the_model(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """Orders only move forward, no fill counts twice, position = sum of fills, and no lost epoch writes."""

    class Machine(Book):
        @staticmethod
        def fresh() -> Place:
            return made_place(request, engine, tmp_path)

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=checks)
    )
