"""The simulator keeps every case of the matching contract, by pure matching and on the venue."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange_simulator import desk
from exchange_simulator.domain.account import Account, Balance
from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.numbers import floored
from exchange_simulator.domain.order import Kind, Order, Side, TimeInForce
from exchange_simulator.domain.request import NewOrder, Sender
from exchange_simulator.domain.rules import Fees, Rules
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import Mode, Pace, VenueClock
from exchange_simulator.market.pit import Pit
from exchange_simulator.market.recording import Recording
from exchange_simulator.matching.outcomes import Expired, Filled, Outcome, Quote, Triggered
from exchange_simulator.matching.path import legs, path
from exchange_simulator.matching.take import arrive
from exchange_simulator.matching.travel import Terms, travel

FOLDER = Path(__file__).parent / "matching"
MINUTE = 60_000
PLENTY = Balance(free=Decimal(10_000_000))


def cases() -> list[Any]:
    files = sorted(FOLDER.glob("*.json"))
    return [
        pytest.param(one, id=f"{file.stem}: {one['name']}") for file in files for one in json.loads(file.read_text())
    ]


def bars(case: dict) -> list[Bar]:
    return [
        Bar(MINUTE * index, *(Decimal(bar[name]) for name in ("open", "high", "low", "close", "volume")))
        for index, bar in enumerate(case["bars"])
    ]


def wish(order: dict) -> NewOrder:
    return NewOrder(
        symbol="BTCUSDT",
        side=Side(order["side"]),
        kind=Kind(order["type"]),
        quantity=Decimal(order["quantity"]),
        price=Decimal(order.get("price", 0)),
        stop_price=Decimal(order.get("stop_price", 0)),
        time_in_force=TimeInForce(order.get("time_in_force", "GTC")),
        client_id=str(order["id"]),
    )


class Walk:
    """Pure matching over the bars of a case, with a plain book."""

    def __init__(self, case: dict) -> None:
        self.case, self.book, self.happened, self.left = case, {}, [], Decimal(0)

    def run(self) -> None:
        last, tick, step = (Decimal(self.case[name]) for name in ("last", "tick", "step"))
        for index, bar in enumerate(bars(self.case)):
            self.left = floored(bar.volume / 10, step)
            for order in [order for order in self.case["orders"] if order["placed_on"] == index - 1]:
                self.enter(index, order, bar.open)
            terms = Terms(tick, Decimal(0), lambda order, price: self.left)
            for leg in legs(bar, last):
                self.note(index, travel(leg, list(self.book.values()), terms))
            last = bar.close

    def enter(self, index: int, order: dict, price: Decimal) -> None:
        new = wish(order)
        made = Order(
            order_id=order["id"], account="a", symbol="BTCUSDT", client_id="", side=new.side, kind=new.kind,
            quantity=new.quantity, created_ms=0, updated_ms=0, price=new.price, stop_price=new.stop_price,
            time_in_force=new.time_in_force,
        )  # fmt: skip
        self.book[made.order_id] = made
        self.note(index, arrive(made, Quote(price, price), lambda order, price: self.left))

    def note(self, index: int, outcomes: Iterator[Outcome]) -> None:
        for outcome in outcomes:
            order = self.book[outcome.order.order_id]
            line: dict[str, Any] = {"bar": index, "order": order.order_id}
            match outcome:
                case Filled(price=price, quantity=quantity, maker=maker):
                    self.left -= quantity
                    order = replace(order, executed=order.executed + quantity)
                    line |= {"event": "fill", "price": price, "quantity": quantity, "maker": maker}
                case Triggered(price=price):
                    order = replace(order, triggered=True)
                    line |= {"event": "trigger", "price": price}
                case Expired():
                    order = replace(order, executed=order.quantity)
                    line |= {"event": "expire"}
            self.book[order.order_id] = order
            if not order.remaining:
                del self.book[order.order_id]
            self.happened.append(line)


def expected(case: dict, *, fees: bool) -> list[dict]:
    lines = []
    for line in case["expected"]:
        amounts = {name: Decimal(line[name]) for name in ("price", "quantity", "fee") if name in line}
        lines.append({**line, **amounts} if fees else {k: v for k, v in {**line, **amounts}.items() if k != "fee"})
    return lines


@pytest.mark.parametrize("case", cases())
def test_pure_matching_keeps_the_contract(case):
    """Outcomes and open rests of every case are the literals of the case."""
    walk = Walk(case)
    walk.run()
    assert walk.happened == expected(case, fees=False)
    assert {str(order.order_id): str(order.remaining.normalize()) for order in walk.book.values()} == {
        key: str(Decimal(value).normalize()) for key, value in case["open"].items()
    }


def venue(case: dict) -> Exchange:
    """A lockstep venue that stands at the close of a bar before the first bar of the case."""
    last = Decimal(case["last"])
    before = Bar(MINUTE, last, last, last, last, Decimal(100))
    shifted = [replace(bar, open_ms=bar.open_ms + 2 * MINUTE) for bar in bars(case)]
    recording = Recording("BTCUSDT", "1m", MINUTE, (before, *shifted, before))
    rules = Rules(
        "BTCUSDT", "BTC", "USDT", tick=Decimal(case["tick"]), step=Decimal(case["step"]), min_notional=Decimal(0),
        min_quantity=Decimal(case["step"]), max_quantity=Decimal(10**6), max_market_quantity=Decimal(10**6),
    )  # fmt: skip
    clock = VenueClock.started(Pace(Mode.LOCKSTEP), lambda: 0.0, None, 2 * MINUTE)
    pit = Pit(recording, rules, path)
    pit.set_to(2 * MINUTE, standing=True)
    account = Account("a", "s", {"BTC": PLENTY, "USDT": PLENTY})
    return Exchange(clock, {"BTCUSDT": pit}, Fees(), itertools.count(1), accounts={"a": account})


def played(exchange: Exchange, case: dict) -> None:
    for index in range(len(case["bars"])):
        for order in [order for order in case["orders"] if order["placed_on"] == index - 1]:
            sender = Sender("a", "test", "", exchange.clock.now_ms())
            done = desk.place(exchange, wish(order), sender)
            assert isinstance(done, desk.Placed), done
        exchange.step(1)


@pytest.mark.parametrize("case", cases())
def test_the_venue_in_lockstep_keeps_the_contract(case):
    """The same cases, placed through the counter and stepped, give the same fills with their fees."""
    exchange = venue(case)
    played(exchange, case)
    names = {order.order_id: int(order.client_id) for order in exchange.register.orders.values()}
    lines = []
    for entry in exchange.log.entries:
        if entry.action in ("fill", "trigger", "expire"):
            line = {"bar": entry.at_ms // MINUTE - 2, "order": names[entry.order_id], "event": entry.action}
            if entry.action != "expire":
                line["price"] = entry.price
            if entry.action == "fill":
                line |= {"quantity": entry.quantity, "maker": entry.maker, "fee": entry.commission}
            lines.append(line)
    wanted = expected(case, fees=True)
    opens = {order.client_id: order.remaining for order in exchange.register.open()}
    assert lines == wanted
    assert opens == {key: Decimal(value) for key, value in case["open"].items()}


def test_there_are_at_least_two_hundred_cases():
    """The contract is worth its name only with cases enough."""
    assert len(cases()) >= 200


def test_no_two_cases_have_the_same_name():
    """A failing case is found by its name."""
    names = [case.id for case in cases()]
    assert len(set(names)) == len(names)
