"""What venues do in several steps or say in their own words: replacing, refusals, keys, and whom nobody asks."""

import asyncio
from urllib.parse import parse_qsl

import pytest

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.domain.order import Accepted, Cancel, Order, OrderStatus, OrderType, Refused, Side, Unknown
from tradingbot.venues.dialect import Call
from venuerig import STUBS, VENUES, D, Rig, at

PLACES = {
    "coinbase": "/api/v3/brokerage/orders",
    "kraken": "/0/private/AddOrder",
    "kucoin": "/api/v1/hf/orders",
}
CANCELS = {
    "coinbase": "/api/v3/brokerage/orders/batch_cancel",
    "kraken": "/0/private/CancelOrder",
    "kucoin": "/api/v1/stop-order/cancelOrderByClientOid",
}
# As each venue says it: no money, and that it fell over.
POOR = {
    "coinbase": (
        200,
        {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "Insufficient balance"}},
    ),
    "kraken": (200, {"error": ["EOrder:Insufficient funds"]}),
    "kucoin": (200, {"code": "200004", "msg": "Balance insufficient!"}),
}
FELL = {
    "coinbase": (500, {"error": "INTERNAL", "message": "internal error"}),
    "kraken": (200, {"error": ["EService:Busy"]}),
    "kucoin": (200, {"code": "500000", "msg": "Internal Server Error"}),
}
WORDS = {"coinbase": "INSUFFICIENT_FUND", "kraken": "EOrder:Insufficient funds", "kucoin": "200004"}


def exit_of(rig: Rig, stop: str):
    return rig.wish(side=Side.SELL, quantity=D("0.005"), replaces=stop)


@pytest.mark.parametrize("name", STUBS)
def test_an_exit_takes_its_stop_back_first(name: str) -> None:
    """The stop was cancelled before the sale was sent, and was still untouched."""

    async def act(rig: Rig) -> None:
        stop, _ = await rig.send(rig.stop())
        sold, outcome = await rig.send(exit_of(rig, stop))
        assert isinstance(outcome, Accepted)
        assert (outcome.report.client_id, outcome.report.status) == (sold, OrderStatus.FILLED)
        assert [each.status for each in rig.book.orders.values()] == ["cancelled", "filled"]

    book = at(name, act)
    order = [seen.path for seen in book.seen if seen.path in (CANCELS[name], PLACES[name])]
    assert order[-2:] == [CANCELS[name], PLACES[name]]


@pytest.mark.parametrize("name", VENUES)
def test_no_write_weighs_more_than_was_asked_for(name: str) -> None:
    """The gate gives room for a write as a whole: its cancel, its order, and how both are looked after."""

    async def act(rig: Rig) -> None:
        traits, through, weighed = rig.venue._dialect.traits, rig.venue._through, 0

        async def counted(call: Call) -> object:
            nonlocal weighed
            weighed += (traits.weights or {}).get(call.method, 1)
            return await through(call)

        async def weight(request: Order | Cancel) -> tuple[str, int]:
            nonlocal weighed
            weighed = 0
            sent, outcome = await rig.send(request)
            assert isinstance(outcome, Accepted)
            return sent, traits.writes.use(request).weight - weighed

        rig.venue._through = counted
        resting, spare = await weight(rig.limit())
        left = [spare, (await weight(Cancel(rig.symbol, resting)))[1], (await weight(rig.wish()))[1]]
        stop, spare = await weight(rig.stop())
        assert min(*left, spare, (await weight(exit_of(rig, stop)))[1]) >= 0

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_nothing_is_placed_for_a_stop_that_has_sold_already(name: str) -> None:
    """Not one coin is sold twice: the engine hears that nothing was placed, and asks how the stop stands."""

    async def act(rig: Rig) -> None:
        stop, _ = await rig.send(rig.stop())
        rig.book.fill(rig.book.named(stop).number)
        _, outcome = await rig.send(exit_of(rig, stop))
        assert (outcome.code, outcome.cancelled_first) == ("NotReplaced", False)
        assert len(rig.book.orders) == 1

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_nothing_is_placed_for_an_order_that_was_filled_in_part(name: str) -> None:
    """It was taken back, and what it had filled must be counted before anything else is sold."""

    async def act(rig: Rig) -> None:
        old, _ = await rig.send(rig.limit(side=Side.SELL, price=D(150)))
        rig.book.fill(rig.book.named(old).number, D("0.004"))
        _, outcome = await rig.send(exit_of(rig, old))
        assert (outcome.code, outcome.cancelled_first) == ("NotReplaced", False)
        assert "0.004 of the old order had been filled" in outcome.message
        assert len(rig.book.orders) == 1
        assert (await rig.venue.order(rig.symbol, old)).status is OrderStatus.CANCELLED

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_nothing_is_placed_when_nobody_knows_of_the_cancel(name: str) -> None:
    """The stop may or may not stand: the sale is not sent."""

    async def act(rig: Rig) -> None:
        stop, _ = await rig.send(rig.stop())
        rig.book.wrong[CANCELS[name]] = FELL[name]
        _, outcome = await rig.send(exit_of(rig, stop))
        assert (type(outcome), outcome.code) == (Refused, "NotReplaced")
        assert len(rig.book.orders) == 1

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_sale_refused_after_the_cancel_says_so(name: str) -> None:
    """The position is bare then, and the engine covers it again before anything else."""

    async def act(rig: Rig) -> None:
        stop, _ = await rig.send(rig.stop())
        rig.book.wrong[PLACES[name]] = POOR[name]
        _, outcome = await rig.send(exit_of(rig, stop))
        assert (outcome.code, outcome.cancelled_first) == (WORDS[name], True)

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_refusal_carries_the_venues_word(name: str) -> None:
    """Also where it comes with the status of a success."""

    async def act(rig: Rig) -> None:
        rig.book.wrong[PLACES[name]] = POOR[name]
        _, outcome = await rig.send(rig.wish())
        assert (type(outcome), outcome.code) == (Refused, WORDS[name])

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_a_venue_that_fell_over_may_have_placed_the_order(name: str) -> None:
    """Nothing is sent again; a read that it answers so is to be asked again later."""

    async def act(rig: Rig) -> None:
        rig.book.wrong[PLACES[name]] = FELL[name]
        _, outcome = await rig.send(rig.wish())
        assert isinstance(outcome, Unknown)
        reads = {"coinbase": "/api/v3/brokerage/accounts", "kraken": "/0/private/Balance", "kucoin": "/api/v1/accounts"}
        rig.book.wrong[reads[name]] = FELL[name]
        with pytest.raises(VenueUnavailable):
            await rig.venue.balances()

    at(name, act)


@pytest.mark.parametrize("name", STUBS)
def test_an_order_that_cannot_be_looked_at_is_still_accepted(name: str) -> None:
    """The venue took it on; how far it was filled is asked later."""
    looks = {
        "coinbase": "/api/v3/brokerage/orders/historical/OSTUB-00001",
        "kraken": "/0/private/OpenOrders",
        "kucoin": "/api/v1/hf/orders/client-order/tstub0look",
    }

    async def act(rig: Rig) -> None:
        rig.book.wrong[looks[name]] = FELL[name]
        _, outcome = await rig.send(rig.wish(), "tstub0look")
        assert isinstance(outcome, Accepted)
        assert (outcome.report.status, outcome.fills) == (OrderStatus.OPEN, ())

    at(name, act)


def test_a_cancel_that_is_still_under_way_is_unknown() -> None:
    """The venue took it on and lists the order as working: only a later question settles it."""

    async def act(rig: Rig) -> None:
        old, _ = await rig.send(rig.limit())
        rig.book.cancel = lambda _number: None
        _, outcome = await rig.send(Cancel(rig.symbol, old))
        assert outcome == Unknown("the cancel was taken on, and the order still works")

    at("kraken", act)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("kraken", 200, {"error": ["EGeneral:Invalid arguments:cl_ord_id already in use"]}),
        ("kucoin", 200, {"code": "126044", "msg": "clientOid duplicate"}),
        ("coinbase", 200, {"success": False, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}}),
    ],
)
def test_an_id_in_use_or_no_reason_at_all_is_unknown(name: str, status: int, body: dict) -> None:
    """It may be this very order that has it."""

    async def act(rig: Rig) -> None:
        rig.book.wrong[PLACES[name]] = (status, body)
        _, outcome = await rig.send(rig.wish())
        assert isinstance(outcome, Unknown)

    at(name, act)


def test_the_numbers_of_kraken_count_up_on_the_wire() -> None:
    """Ten questions at once go one by one, since a number below the last one is refused."""

    async def act(rig: Rig) -> None:
        await asyncio.gather(*(rig.venue.balances() for _ in range(10)))

    numbers = [int(dict(parse_qsl(seen.body))["nonce"]) for seen in at("kraken", act).seen]
    assert len(numbers) == 10
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("name", ["coinbase", "kraken"])
def test_orders_of_other_markets_and_other_people_are_told_apart(name: str) -> None:
    """Only this market is told, and an order without our id bears the venue's number."""

    async def act(rig: Rig) -> None:
        await rig.send(rig.limit())
        await rig.send(rig.limit(type=OrderType.LIMIT_MAKER))
        mine, others = rig.book.orders.values()
        mine.client_id, others.market = "", "ETHUSD" if name == "kraken" else "ETH-USD"
        listed = await rig.venue.open_orders(rig.symbol)
        assert [(each.client_id, each.venue_id) for each in listed] == [(mine.number, mine.number)]

    at(name, act)
