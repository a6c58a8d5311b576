"""Paper and replay keep the matching contract: every case of tests/contract/matching, pure and on the paper venue."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from trading import BTC, START, instrument, write
from tradingbot.domain.candle import Candle
from tradingbot.domain.instrument import ZERO, floored
from tradingbot.domain.order import Accepted, Order, Purpose, Side
from tradingbot.venues.binance import KINDS
from tradingbot.venues.matching import LIMITED, Expired, Happening, Resting, Traded, Triggered, legs, take, walk
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock

FOLDER = Path(__file__).parent / "matching"
MINUTE = timedelta(minutes=1)


def cases(*, lasting_only: bool = False) -> list:
    return [
        pytest.param(one, id=f"{file.stem}: {one['name']}")
        for file in sorted(FOLDER.glob("*.json"))
        for one in json.loads(file.read_text())
        if not lasting_only or all(order.get("time_in_force", "GTC") == "GTC" for order in one["orders"])
    ]


def bars(case: dict) -> list[Candle]:
    return [
        Candle(BTC, "1m", START + MINUTE * i, *(Decimal(bar[n]) for n in ("open", "high", "low", "close", "volume")))
        for i, bar in enumerate(case["bars"])
    ]


def resting(order: dict) -> Resting:
    kind, lasts = KINDS[order["type"]], order.get("time_in_force", "GTC") == "GTC"
    return Resting(
        name=str(order["id"]),
        serial=order["id"],
        side=Side(order["side"].lower()),
        type=kind,
        remaining=Decimal(order["quantity"]),
        price=Decimal(order.get("price", 0)),
        stop_price=Decimal(order.get("stop_price", 0)),
        waiting="stop_price" in order,
        rests=kind in LIMITED and lasts,
        whole=order.get("time_in_force") == "FOK",
    )


class Walk:
    """Pure matching over the bars of a case, with a plain book."""

    def __init__(self, case: dict) -> None:
        self.case, self.book, self.happened, self.left = case, {}, [], ZERO

    def run(self) -> None:
        last, tick, step = (Decimal(self.case[name]) for name in ("last", "tick", "step"))
        for index, bar in enumerate(bars(self.case)):
            self.left = floored(bar.volume / 10, step)
            for order in (resting(one) for one in self.case["orders"] if one["placed_on"] == index - 1):
                self.book[order.serial] = order
                if not order.waiting:
                    self.note(index, take(order, bar.open, self.room))
            for leg in legs(bar, last):
                self.note(index, walk(leg, list(self.book.values()), tick, self.room))
            last = bar.close

    def room(self, order: Resting, price: Decimal) -> Decimal:
        return self.left

    def note(self, index: int, happenings: Iterable[Happening]) -> None:
        for happening in happenings:
            order = self.book[happening.order.serial]
            line = {"bar": index, "order": order.serial}
            match happening:
                case Traded(_, price, quantity, maker):
                    self.left -= quantity
                    order = replace(order, remaining=order.remaining - quantity)
                    line |= {"event": "fill", "price": price, "quantity": quantity, "maker": maker}
                case Triggered(_, price):
                    order = replace(order, waiting=False)
                    line |= {"event": "trigger", "price": price}
                case Expired():
                    order = replace(order, remaining=ZERO)
                    line |= {"event": "expire"}
            self.book[order.serial] = order
            if not order.remaining:
                del self.book[order.serial]
            self.happened.append(line)


def expected(case: dict, *names: str) -> list[dict]:
    return [
        {**{k: v for k, v in line.items() if k != "fee"}, **{n: Decimal(line[n]) for n in names if n in line}}
        for line in case["expected"]
    ]


@pytest.mark.parametrize("case", cases())
def test_pure_matching_keeps_the_contract(case):
    """Outcomes and open rests of every case are the literals of the case."""
    walked = Walk(case)
    walked.run()
    assert walked.happened == expected(case, "price", "quantity")
    assert {str(order.serial): order.remaining for order in walked.book.values()} == {
        key: Decimal(value) for key, value in case["open"].items()
    }


async def played(case: dict) -> tuple[PaperVenue, dict[str, int]]:
    """The case on a paper venue that has seen the price before the first bar."""
    step = Decimal(case["step"])
    market = instrument(
        price_step=Decimal(case["tick"]),
        quantity_step=step,
        minimum_quantity=step,
        minimum_notional=ZERO,
        maximum_quantity=Decimal(10**6),
    )
    plenty = {"BTC": Decimal(10**7), "USDT": Decimal(10**7)}
    clock, upcoming = ReplayClock(START), bars(case)
    last = Decimal(case["last"])
    before = Candle(BTC, "1m", START - MINUTE, last, last, last, last, Decimal(100))

    async def price(_: str) -> Decimal:
        return next((bar.open for bar in upcoming if bar.open_time >= clock.now()), last)

    venue, names = PaperVenue({BTC: market}, plenty, clock, price), {}
    list(venue.observe(before))
    for index, bar in enumerate(upcoming):
        for order in (one for one in case["orders"] if one["placed_on"] == index - 1):
            sent = write(request(order), sequence=order["id"], at=clock.now())
            assert isinstance(await venue.send(sent), Accepted)
            names[sent.client_id] = order["id"]
        list(venue.observe(bar))
        clock.move_to(bar.close_time)
    return venue, names


def request(order: dict) -> Order:
    price, stop = (Decimal(order[name]) if name in order else None for name in ("price", "stop_price"))
    side = Side(order["side"].lower())
    return Order(BTC, side, KINDS[order["type"]], Purpose.ENTRY, Decimal(order["quantity"]), price, stop)


@pytest.mark.parametrize("case", cases(lasting_only=True))
def test_the_paper_venue_keeps_the_contract(case):
    """The same cases, sent to the paper venue and shown bar by bar, give the same fills with their fees."""
    venue, names = asyncio.run(played(case))
    fills = asyncio.run(venue.fills(BTC, START))
    lines = [
        ((fill.bar - START) // MINUTE, names[fill.client_id], fill.price, fill.quantity, fill.maker, fill.commission)
        for fill in fills
    ]
    wanted = [
        (e["bar"], e["order"], Decimal(e["price"]), Decimal(e["quantity"]), e["maker"], Decimal(e["fee"]))
        for e in case["expected"]
        if e["event"] == "fill"
    ]
    still = {str(names[o.client_id]): o.quantity - o.filled for o in asyncio.run(venue.open_orders(BTC))}
    assert lines == wanted
    assert still == {key: Decimal(value) for key, value in case["open"].items()}
