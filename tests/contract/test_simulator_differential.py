"""Ten thousand random cases: the simulator, the paper venue and a plain walk tick by tick agree on every outcome."""

import importlib.util
import json
from pathlib import Path
from random import Random

import pytest

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent
EXAMPLES, SEED = 10_000, 20221213
RESTING = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")


def sibling(name):
    """Another test module of this folder, for its walk over a case."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bar(random: Random) -> dict:
    prices = [random.randint(90, 110) for _ in range(4)]
    high, low = max(prices), min(prices)
    volume = random.choice([0, 30, 100, 100, 500])
    return {"open": prices[0], "high": high, "low": low, "close": prices[3], "volume": volume}


def order(random: Random, number: int, bars: int) -> dict:
    kind = random.choice(["MARKET", *RESTING, "STOP_LOSS", "STOP_LOSS", "TAKE_PROFIT", "TAKE_PROFIT"])
    made = {
        "id": number,
        "placed_on": random.randint(-1, bars - 2),
        "side": random.choice(["BUY", "SELL"]),
        "type": kind,
        "quantity": random.randint(1, 20),
    }
    if kind in RESTING:
        made["price"] = random.randint(90, 110)
        made["time_in_force"] = "GTC" if kind == "LIMIT_MAKER" else random.choice(["GTC", "GTC", "GTC", "IOC", "FOK"])
    if kind.startswith(("STOP", "TAKE")):
        made["stop_price"] = random.randint(90, 110)
    return made


def case(random: Random) -> dict:
    bars = [bar(random) for _ in range(random.randint(1, 4))]
    orders = [order(random, number, len(bars)) for number in range(1, random.randint(2, 7))]
    return {"tick": 1, "step": 1, "last": random.randint(90, 110), "bars": bars, "orders": orders}


class TickWalk:
    """The contract read plainly: the price takes every tick, and at each tick whoever is met acts, stops first."""

    def __init__(self, case: dict) -> None:
        self.case, self.book, self.happened = case, {}, []

    def run(self) -> None:
        for index, bar in enumerate(self.case["bars"]):
            self.index, self.left = index, bar["volume"] // 10
            for order in self.case["orders"]:
                if order["placed_on"] == self.index - 1:
                    made = {**order, "waiting": "stop_price" in order, "left": order["quantity"]}
                    self.book[order["id"]] = made
                    if not made["waiting"]:
                        self.take(made, bar["open"])
            self.path(bar)

    def path(self, bar: dict) -> None:
        high_first = bar["high"] - bar["open"] < bar["open"] - bar["low"]
        extremes = [bar["high"], bar["low"]] if high_first else [bar["low"], bar["high"]]
        points = [bar["open"], *extremes, bar["close"]]
        self.visit([points[0]], [])
        for number in range(3):
            start, end = points[number], points[number + 1]
            way = 1 if end > start else -1
            self.visit([*range(start, end, way), end], [end, *points[number + 2 :]])

    def visit(self, prices: list[int], ahead: list[int]) -> None:
        acted: set[int] = set()
        for price in prices:
            while met := [one for one in self.book.values() if self.is_met(one, price, acted) and self.may(one, ahead)]:
                chosen = min(met, key=lambda one: (not one["type"].startswith("STOP"), one["id"]))
                self.act(chosen, price, acted)

    def is_met(self, order: dict, price: int, acted: set[int]) -> bool:
        if order["id"] in acted:
            return False
        if order["waiting"]:
            return self.triggers(order, price)
        return price < order["price"] if order["side"] == "BUY" else price > order["price"]

    def triggers(self, order: dict, price: int) -> bool:
        falling = (order["side"] == "SELL") == order["type"].startswith("STOP")
        return price <= order["stop_price"] if falling else price >= order["stop_price"]

    def may(self, order: dict, ahead: list[int]) -> bool:
        if not (order["waiting"] and order["type"].startswith("TAKE")):
            return True
        stops = [one for one in self.book.values() if one["waiting"] and one["type"].startswith("STOP")]
        return not any(
            one["side"] == order["side"] and any(self.triggers(one, price) for price in ahead) for one in stops
        )

    def act(self, order: dict, price: int, acted: set[int]) -> None:
        if order["waiting"]:
            order["waiting"] = False
            self.tell(order, "trigger", price=price)
            if not self.rests(order) or self.takes(order, price):
                acted.add(order["id"])
                self.take(order, price)
            return
        acted.add(order["id"])
        self.fill(order, min(order["left"], self.left), order["price"], maker=True)

    def takes(self, order: dict, price: int) -> bool:
        if order["type"] not in RESTING:
            return True
        return order["price"] >= price if order["side"] == "BUY" else order["price"] <= price

    def rests(self, order: dict) -> bool:
        return order["type"] in RESTING and order["time_in_force"] == "GTC"

    def take(self, order: dict, price: int) -> None:
        quantity = min(order["left"], self.left) if self.takes(order, price) else 0
        if order.get("time_in_force") == "FOK" and quantity < order["left"]:
            quantity = 0
        self.fill(order, quantity, price, maker=False)
        if order["left"] and not self.rests(order):
            self.tell(order, "expire")
            del self.book[order["id"]]

    def fill(self, order: dict, quantity: int, price: int, *, maker: bool) -> None:
        if quantity:
            self.left -= quantity
            order["left"] -= quantity
            self.tell(order, "fill", price=price, quantity=quantity, maker=maker)
        if not order["left"]:
            del self.book[order["id"]]

    def tell(self, order: dict, event: str, **more: object) -> None:
        self.happened.append({"bar": self.index, "order": order["id"], "event": event, **more})


def test_three_readings_of_the_contract_agree():
    """Simulator, paper venue and plain walk tell the same outcomes in the same order, with the same open rests."""
    simulator, paper = sibling("test_simulator_matching").Walk, sibling("test_venue_matching").Walk
    random = Random(SEED)
    events = 0
    for number in range(EXAMPLES):
        one = case(random)
        walks = [kind(one) for kind in (TickWalk, simulator, paper)]
        for walk in walks:
            walk.run()
        plain, *others = walks
        for other in others:
            assert other.happened == plain.happened, f"case {number}: {json.dumps(one)}"
            assert set(other.book) == set(plain.book), f"case {number}: {json.dumps(one)}"
        events += len(plain.happened)
    assert events > 2 * EXAMPLES
