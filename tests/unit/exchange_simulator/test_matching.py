"""Pure matching: the path of a candle, what a leg meets, what is taken at once; cases in tests/contract/matching."""

from dataclasses import replace
from decimal import Decimal

import pytest

from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.order import Kind, Order, Side, TimeInForce
from exchange_simulator.matching.outcomes import Expired, Filled, Quote, Triggered
from exchange_simulator.matching.path import Leg, legs, path
from exchange_simulator.matching.reach import reached
from exchange_simulator.matching.take import arrive
from exchange_simulator.matching.travel import Terms, travel

TICK = Decimal("0.1")
DOWN = Leg(Decimal(100), Decimal(94), jump=False)
UP = Leg(Decimal(100), Decimal(106), jump=False)


def bar(*prices):
    return Bar(0, *(Decimal(price) for price in prices), Decimal(100))


def order(number=1, side=Side.SELL, kind=Kind.LIMIT, price=0, stop=0, **changes):
    made = Order(
        number, "a", "BTCUSDT", "", side, kind, Decimal(1), 0, 0, price=Decimal(price), stop_price=Decimal(stop)
    )
    return replace(made, **changes)


def stop(number=1, at=95, kind=Kind.STOP_LOSS, **changes):
    return order(number, kind=kind, stop=at, **changes)


def told(outcomes):
    """Outcomes as short texts."""
    lines = []
    for one in outcomes:
        match one:
            case Filled():
                lines.append(f"{one.order.order_id} fill {one.quantity} at {one.price}{' maker' if one.maker else ''}")
            case Triggered():
                lines.append(f"{one.order.order_id} trigger at {one.price}")
            case Expired():
                lines.append(f"{one.order.order_id} expire")
    return lines


def met(leg, *orders, spread="0", room=10):
    return told(travel(leg, orders, Terms(TICK, Decimal(spread), lambda order, price: Decimal(room))))


@pytest.mark.parametrize(
    ("prices", "points"),
    [
        ((100, 103, 94, 96), (100, 103, 94, 96)),
        ((100, 106, 97, 104), (100, 97, 106, 104)),
        ((100, 105, 95, 100), (100, 95, 105, 100)),
    ],
)
def test_the_nearer_extreme_comes_first_and_on_a_tie_the_low(prices, points):
    """Open, nearer extreme, other extreme, close."""
    assert path(bar(*prices)) == points


def test_a_candle_is_a_jump_and_three_legs():
    """Each leg knows what the candle still shows after it."""
    assert [(leg.start, leg.end, leg.jump, leg.ahead) for leg in legs(bar(100, 103, 94, 96), Decimal(99))] == [
        (99, 100, True, (103, 94, 96)),
        (100, 103, False, (94, 96)),
        (103, 94, False, (96,)),
        (94, 96, False, ()),
    ]


@pytest.mark.parametrize(
    ("made", "leg", "price"),
    [
        (stop(), DOWN, 95),
        (stop(at=94), DOWN, 94),
        (stop(at=93), DOWN, None),
        (stop(at=101), DOWN, 100),
        (stop(), replace(DOWN, jump=True), 94),
        (stop(at=93), replace(DOWN, jump=True), None),
        (stop(side=Side.BUY, at=105), UP, 105),
        (stop(kind=Kind.TAKE_PROFIT, at=105), UP, 105),
        (stop(kind=Kind.TAKE_PROFIT, side=Side.BUY), DOWN, 95),
        (order(side=Side.BUY, price=95), DOWN, Decimal("94.9")),
        (order(side=Side.BUY, price=94), DOWN, None),
        (order(price=105), UP, Decimal("105.1")),
        (order(price=106), UP, None),
    ],
)
def test_an_order_is_met_where_its_rule_says(made, leg, price):
    """Stops by touch, resting limits by a tick beyond; on a jump only the end counts."""
    assert reached(made, leg, TICK) == price


def test_a_stop_fills_at_its_price_and_at_the_open_when_jumped():
    """Inside a candle the price passes the stop; a jump does not."""
    assert met(DOWN, stop()) == ["1 trigger at 95", "1 fill 1 at 95"]
    assert met(replace(DOWN, jump=True), stop()) == ["1 trigger at 94", "1 fill 1 at 94"]


def test_a_taker_pays_the_spread_and_a_maker_does_not():
    """A triggered buy pays a tick more; a resting buy pays its own price."""
    assert met(UP, stop(side=Side.BUY, at=105), spread="0.1") == ["1 trigger at 105", "1 fill 1 at 105.1"]
    assert met(DOWN, order(side=Side.BUY, price=95), spread="0.1") == ["1 fill 1 at 95 maker"]


def test_a_triggered_limit_beyond_the_price_rests_and_is_met_again_on_the_same_leg():
    """A sell limit above its stop waits for the price to come back; here it does not, so it rests."""
    resting = stop(kind=Kind.STOP_LOSS_LIMIT, price=96)
    assert met(DOWN, resting) == ["1 trigger at 95"]
    above = stop(kind=Kind.TAKE_PROFIT_LIMIT, at=103, price=105)
    assert met(UP, above) == ["1 trigger at 103", "1 fill 1 at 105 maker"]


def test_a_triggered_limit_that_may_not_rest_expires():
    """IOC after the trigger."""
    beyond = stop(kind=Kind.STOP_LOSS_LIMIT, price=96, time_in_force=TimeInForce.IOC)
    assert met(DOWN, beyond) == ["1 trigger at 95", "1 expire"]


def test_without_room_a_resting_order_stays_and_a_triggered_one_expires():
    """Nothing is filled with nothing."""
    assert met(DOWN, order(side=Side.BUY, price=95), room=0) == []
    assert met(DOWN, stop(), room=0) == ["1 trigger at 95", "1 expire"]


def test_orders_are_met_along_the_leg_stops_first_then_by_age():
    """Distance, then kind, then id."""
    found = met(DOWN, order(1, Side.BUY, price="95.1"), stop(2), stop(3), stop(4, at=97))
    assert found == [
        "4 trigger at 97",
        "4 fill 1 at 97",
        "2 trigger at 95",
        "2 fill 1 at 95",
        "3 trigger at 95",
        "3 fill 1 at 95",
        "1 fill 1 at 95.1 maker",
    ]


@pytest.mark.parametrize(
    ("other", "held"),
    [
        (stop(1), True),
        (stop(1, kind=Kind.STOP_LOSS_LIMIT, price=90), True),
        (stop(1, at=93), False),
        (stop(1, triggered=True, kind=Kind.STOP_LOSS_LIMIT, price=120), False),
        (stop(1, account="b"), False),
        (stop(1, side=Side.BUY, at=120), False),
        (stop(1, kind=Kind.TAKE_PROFIT, at=130), False),
    ],
)
def test_a_take_profit_waits_for_a_stop_of_its_account_and_side_in_the_same_candle(other, held):
    """Whatever the path: the stop still to come holds it back."""
    leg = Leg(Decimal(100), Decimal(106), jump=False, ahead=(Decimal(94), Decimal(98)))
    found = met(leg, other, stop(2, kind=Kind.TAKE_PROFIT, at=105))
    assert ("2 trigger at 105" not in found) is held


def test_at_the_open_a_take_profit_waits_for_nothing():
    """The order of a jump is certain."""
    leg = Leg(Decimal(100), Decimal(106), jump=True, ahead=(Decimal(94), Decimal(98)))
    assert met(leg, stop(1), stop(2, kind=Kind.TAKE_PROFIT, at=105)) == ["2 trigger at 106", "2 fill 1 at 106"]


@pytest.mark.parametrize(
    ("made", "room", "outcome"),
    [
        (order(side=Side.BUY, kind=Kind.MARKET), 10, ["1 fill 1 at 101"]),
        (order(kind=Kind.MARKET), 10, ["1 fill 1 at 100"]),
        (order(kind=Kind.MARKET), 0, ["1 expire"]),
        (order(kind=Kind.MARKET), "0.4", ["1 fill 0.4 at 100", "1 expire"]),
        (order(price=99), 10, ["1 fill 1 at 100"]),
        (order(price=100), "0.4", ["1 fill 0.4 at 100"]),
        (order(price=101), 10, []),
        (order(side=Side.BUY, price=101), 10, ["1 fill 1 at 101"]),
        (order(side=Side.BUY, price=100), 10, []),
        (order(price=99, time_in_force=TimeInForce.IOC), "0.4", ["1 fill 0.4 at 100", "1 expire"]),
        (order(price=101, time_in_force=TimeInForce.IOC), 10, ["1 expire"]),
        (order(price=99, time_in_force=TimeInForce.FOK), "0.4", ["1 expire"]),
        (order(price=99, time_in_force=TimeInForce.FOK), 1, ["1 fill 1 at 100"]),
        (order(kind=Kind.LIMIT_MAKER, price=101), 10, []),
        (stop(), 10, []),
    ],
)
def test_a_new_order_takes_what_the_book_gives(made, room, outcome):
    """What does not rest expires; stops wait for the price to move."""
    assert told(arrive(made, Quote(Decimal(100), Decimal(101)), lambda order, price: Decimal(room))) == outcome
