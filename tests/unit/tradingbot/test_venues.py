"""Adapters: the paper account, recordings, clocks, the dialect, and what each answer means."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, bars, candle, instrument, order, write
from tradingbot.domain.candle import Candle, Quote
from tradingbot.domain.errors import Misconfigured, VenueUnavailable
from tradingbot.domain.order import (
    Accepted,
    Cancel,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Purpose,
    Refused,
    Side,
    Unknown,
)
from tradingbot.start.adapters import due_open
from tradingbot.venues import binance
from tradingbot.venues.account import Account, PaperOrder, parse, written
from tradingbot.venues.clock import Measured, Pace, VenueClock, WallClock
from tradingbot.venues.consequence import Answered, outcome_of, retry_after
from tradingbot.venues.one_exchange import exchange_class
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock, ReplayFeed, load_candles, recorded_instrument
from tradingbot.venues.shadow import ShadowVenue
from tradingbot.venues.user_stream import Listener, _events

D = Decimal
MINUTE = timedelta(minutes=1)
STOP = order(side=Side.SELL, type=OrderType.STOP, purpose=Purpose.STOP, quantity=D(1), stop_price=D("98.00"))


def paper(price: str = "100", **coins: str) -> PaperVenue:
    """An account at *price*, with 10000 USDT unless *coins* say otherwise."""

    async def quoted(_: str) -> Decimal:
        return D(price)

    capital = {coin: D(amount) for coin, amount in (coins or {"USDT": "10000"}).items()}
    return PaperVenue({BTC: instrument()}, capital, ReplayClock(START), quoted)


def send(venue: PaperVenue, request: Order | Cancel, sequence: int = 1):
    return asyncio.run(venue.send(write(request, sequence)))


def found(venue: PaperVenue, sequence: int = 1):
    return asyncio.run(venue.order(BTC, write(sequence=sequence).client_id))


def seen(venue: PaperVenue, bar: Candle) -> int:
    """How often the venue let the trader answer."""
    return len(list(venue.observe(bar)))


def test_a_paper_order_waits_for_the_next_open():
    """Accepted at once, filled at the open of the bar that comes, with the fee in the coin received."""
    venue = paper()
    assert send(venue, order()).report.status is OrderStatus.OPEN
    assert seen(venue, candle(0, "101 102 100 101")) == 1
    assert found(venue).status is OrderStatus.FILLED
    (fill,) = asyncio.run(venue.fills(BTC, START))
    assert (fill.price, fill.commission, fill.commission_asset, fill.bar) == (D(101), D("0.00100000"), "BTC", START)
    assert asyncio.run(venue.balances()) == {"BTC": D("0.99900000"), "USDT": D(9899)}


def test_the_trader_answers_to_the_open_before_the_bar_goes_on():
    """A stop placed on the fill at the open is hit by the low of the same bar."""
    venue = paper()
    send(venue, order())
    for _ in venue.observe(candle(0, "100 101 97 100")):
        send(venue, replace(STOP, quantity=D("0.999")), 2)
    assert found(venue, 2).status is OrderStatus.FILLED


def test_a_bar_is_matched_once():
    """A repeated or older bar moves nothing."""
    venue = paper()
    seen(venue, candle(1))
    send(venue, order())
    assert seen(venue, candle(1)) == 0
    assert seen(venue, candle(0)) == 0
    assert found(venue).status is OrderStatus.OPEN


REFUSALS = {
    "no money": (
        order(type=OrderType.LIMIT, price=D(200), quantity=D(60)),
        "-2010",
        "Account has insufficient balance for requested action.",
    ),
    "nothing to sell": (replace(STOP), "-2010", "Account has insufficient balance for requested action."),
    "off the step": (order(quantity=D("0.0000001")), "-1013", "Filter failure: LOT_SIZE"),
    "too large": (order(quantity=D(101), price=None), "-1013", "Filter failure: MARKET_LOT_SIZE"),
    "too little": (order(quantity=D("0.01")), "-1013", "Filter failure: NOTIONAL"),
    "off the tick": (
        order(type=OrderType.LIMIT, price=D("99.999")),
        "-1013",
        "Filter failure: PRICE_FILTER",
    ),
    "a stop above the price": (replace(STOP, stop_price=D(101)), "-2010", "Stop price would trigger immediately."),
    "a maker that takes": (
        order(type=OrderType.LIMIT_MAKER, price=D(100)),
        "-2010",
        "Order would immediately match and take.",
    ),
    "a selling maker that takes": (
        order(side=Side.SELL, type=OrderType.LIMIT_MAKER, price=D(100)),
        "-2010",
        "Order would immediately match and take.",
    ),
}


@pytest.mark.parametrize(("request_", "code", "message"), REFUSALS.values(), ids=REFUSALS)
def test_paper_refuses_what_the_venue_would_refuse(request_, code, message):
    """In the venue's own words."""
    rich = paper(USDT="1e9") if message.endswith("MARKET_LOT_SIZE") else paper()
    assert send(rich, request_) == Refused(code, message)


def test_an_id_in_use_is_refused():
    """While the first order is open."""
    venue = paper()
    resting = order(type=OrderType.LIMIT, price=D(90))
    send(venue, resting)
    assert send(venue, resting) == Refused("-2010", "Duplicate order sent.")


def test_an_open_order_locks_what_it_spends_and_a_cancel_frees_it():
    """The locked coins cannot be spent twice."""
    venue = paper()
    resting = order(type=OrderType.LIMIT, price=D(90), quantity=D(100))
    send(venue, resting)
    assert send(venue, resting, 2).message == "Account has insufficient balance for requested action."
    assert send(venue, Cancel(BTC, write(sequence=1).client_id), 3).report.status is OrderStatus.CANCELLED
    assert isinstance(send(venue, resting, 4), Accepted)
    assert asyncio.run(venue.balances())["USDT"] == D(10000)


def test_a_cancel_of_what_is_not_open_is_refused():
    """Filled, cancelled or never known."""
    assert send(paper(), Cancel(BTC, "nix")) == Refused("-2011", "Unknown order sent.")


def holding(quantity: str = "1") -> PaperVenue:
    """An account that holds coins and a stop for one of them, number 1."""
    venue = paper(BTC=quantity, USDT="0")
    assert isinstance(send(venue, STOP), Accepted)
    return venue


def test_a_replacement_cancels_and_places():
    """The coins the stop had locked are sold."""
    venue = holding()
    leaving = order(side=Side.SELL, purpose=Purpose.EXIT, replaces=write(sequence=1).client_id)
    assert isinstance(send(venue, leaving, 2), Accepted)
    assert found(venue, 1).status is OrderStatus.CANCELLED


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"replaces": "nix"}, Refused("-2011", "Unknown order sent.")),
        ({"quantity": D("0.0000001")}, Refused("-1013", "Filter failure: LOT_SIZE")),
        (
            {"quantity": D(2)},
            Refused("-2010", "Account has insufficient balance for requested action.", cancelled_first=True),
        ),
    ],
)
def test_a_replacement_that_fails_says_how_far_it_came(changes, refused):
    """Filters are looked at before anything is cancelled."""
    venue = holding()
    leaving = order(side=Side.SELL, purpose=Purpose.EXIT, replaces=write(sequence=1).client_id)
    assert send(venue, replace(leaving, **changes), 2) == refused
    assert found(venue, 1).status is (OrderStatus.CANCELLED if refused.cancelled_first else OrderStatus.OPEN)


def test_an_order_that_was_filled_in_part_is_not_replaced():
    """Its rest may be on its way; the caller asks first."""
    venue = paper()
    send(venue, order(type=OrderType.LIMIT, price=D(99), quantity=D(10)))
    seen(venue, candle(0, "100 100 98 98", volume=D(50)))
    assert found(venue).filled == D(5)
    again = order(type=OrderType.LIMIT, price=D(98), quantity=D(1), replaces=write(sequence=1).client_id)
    assert send(venue, again, 2) == Refused("-2011", "Order was not canceled due to cancel restrictions.")


def test_the_account_is_stored_only_when_it_changed():
    """And comes back as it was."""
    venue = paper()
    assert venue.book() is None
    send(venue, order())
    stored = venue.book()
    assert venue.book() is None
    again = paper()
    again.restore(stored)
    for each in (venue, again):
        seen(each, candle(0))
    assert asyncio.run(venue.fills(BTC, START)) == asyncio.run(again.fills(BTC, START))
    assert again.book() == venue.book()


def test_a_new_account_begins_with_its_capital():
    """Nothing stored is a new account."""
    venue = paper()
    send(venue, order())
    venue.restore(None)
    assert asyncio.run(venue.balances()) == {"USDT": D(10000)}


def test_an_account_forgets_what_the_ledger_has():
    """It does not grow with every trade; what is open stays."""
    account = Account(free={})
    for serial in range(500):
        status = OrderStatus.OPEN if serial == 3 else OrderStatus.FILLED
        made = PaperOrder(f"t{serial}", serial, BTC, Side.BUY, OrderType.LIMIT, D(1), D(1), D(0), START, status)
        account.orders[serial] = made
        account.fills.append(fill(str(serial)))
    account.forget()
    assert (len(account.orders), 3 in account.orders, len(account.fills)) == (21, True, 20)


def fill(trade: str) -> Fill:
    return Fill(BTC, trade, "t1", "1", Side.BUY, D(1), D(1), D(0), "USDT", START, bar=None)


@given(
    st.dictionaries(st.sampled_from(["BTC", "USDT", "BNB"]), st.decimals("0", "1e9", places=8), max_size=3),
    st.integers(0, 5),
)
def test_an_account_round_trips_through_json(coins, number):
    """To the last digit, with times and states."""
    account = Account(free=coins, serial=number, trade=number, matched={BTC: START}, last={BTC: D("1.50")})
    for serial in range(number):
        account.orders[serial] = PaperOrder(
            "t", serial, BTC, Side.SELL, OrderType.STOP, D(1), D(0), D("98.00"), START, filled=D("0.1"), triggered=True
        )
        account.fills.append(replace(fill(str(serial)), bar=START))
    assert parse(written(account)) == account


def test_a_paper_venue_has_no_events_and_closes():
    """What happens, happens inside observe and send."""

    async def events() -> list:
        venue = paper()
        await venue.close()
        return [event async for event in venue.events()]

    assert asyncio.run(events()) == []


def feed(*minutes: int, start: int = 0) -> tuple[ReplayFeed, ReplayClock]:
    clock = ReplayClock(START)
    played = [candle(minute, f"{100 + minute} 120 90 110") for minute in minutes]
    return ReplayFeed(played, {BTC: recorded_instrument(BTC)}, clock, START + start * MINUTE), clock


def test_a_recording_moves_the_clock_to_each_close():
    """Bars before the start are history."""
    made, clock = feed(0, 1, 2, start=1)

    async def played() -> list:
        assert [bar.open_time for bar in await made.history(BTC, "1m", 5)] == [START]
        return [(bar.open_time, clock.now()) async for bar in made.candles([BTC], "1m")]

    assert asyncio.run(played()) == [(START + MINUTE, START + 2 * MINUTE), (START + 2 * MINUTE, START + 3 * MINUTE)]
    asyncio.run(made.close())


def test_a_recorded_quote_is_the_open_that_is_due():
    """Where a bar is missing it is the last close; before everything there is none."""
    made, clock = feed(1, 3)
    clock.move_to(START + MINUTE)
    assert asyncio.run(made.quote(BTC)).bid == D(101)
    clock.move_to(START + 2 * MINUTE)
    assert asyncio.run(made.quote(BTC)).bid == D(110)
    early, _ = feed(1)
    with pytest.raises(VenueUnavailable, match="no price of BTC/USDT is recorded"):
        asyncio.run(early.quote(BTC))


def test_paper_trades_at_the_open_that_is_due_without_the_spread():
    """The venue's last price is the open in a lockstep; the tick that real takers pay on top is not in it."""

    class Spread:
        async def quote(self, symbol: str) -> Quote:
            return Quote(symbol, D("100.00"), D("100.01"), START)

    assert asyncio.run(due_open(Spread(), BTC)) == D("100.00")


def test_a_symbol_that_is_not_recorded_is_refused():
    """Field, value and cure."""
    made, _ = feed(0)
    assert asyncio.run(made.instruments([BTC]))[BTC].base == "BTC"
    with pytest.raises(Misconfigured, match=r"exchange\.symbols names ETH/USDT, which is not recorded; use BTC/USDT"):
        asyncio.run(made.instruments(["ETH/USDT"]))


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    """Its first line tells."""
    file = tmp_path / "x.csv"
    file.write_text("time,open\n")
    with pytest.raises(Misconfigured, match=r"data file x\.csv does not begin with open_time_ms,open"):
        load_candles(file, BTC, "1m")


def test_waiting_in_a_recording_takes_no_time():
    """The clock moves on at once, monotonic time too."""
    clock = ReplayClock(START)
    before = clock.monotonic()
    asyncio.run(clock.sleep(MINUTE))
    assert clock.now() == START + MINUTE
    assert clock.monotonic() - before >= 60
    assert (clock.scaled(MINUTE), clock.doubt()) == (MINUTE, None)


def venue_clock(**measured: object) -> VenueClock:
    clock = VenueClock(None, "http://nowhere", None)  # type: ignore[arg-type]
    now, boot = datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME)
    clock._measured = replace(Measured(now, boot, now), **measured)
    return clock


def test_a_clock_that_was_never_measured_is_doubted():
    """It tells our own time meanwhile."""
    clock = VenueClock(None, "http://nowhere", None)  # type: ignore[arg-type]
    assert clock.doubt() == "the venue's clock has not been measured"
    assert abs(clock.now() - datetime.now(UTC)) < MINUTE
    assert (clock.offset, clock.scaled(MINUTE), clock.pace) == (timedelta(0), MINUTE, Pace.WALL)


def test_a_measured_clock_is_trusted_for_ten_minutes():
    """An old measurement, a far venue and a moved wall clock are doubted."""
    now, boot = datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME)
    assert venue_clock().doubt() is None
    assert venue_clock(venue=now + timedelta(seconds=2)).doubt() == "the venue's clock is 2.0 s from ours"
    old = {"venue": now - timedelta(seconds=700), "wall": now - timedelta(seconds=700), "boot": boot - 700}
    assert venue_clock(**old).doubt() == "the venue's clock was last measured 700 s ago"
    moved = {"venue": now - timedelta(seconds=90), "wall": now - timedelta(seconds=90), "boot": boot - 60}
    assert venue_clock(**moved).doubt() == "our wall clock was moved by 30.0 s"


def test_a_standing_clock_stands_where_the_venue_last_spoke():
    """It goes forward with what is heard, never back, and never by itself."""
    clock = venue_clock(venue=START, pace=Pace.LOCKSTEP)
    assert clock.now() == START
    clock.observed(START + MINUTE)
    clock.observed(START)
    assert clock.now() == START + MINUTE
    assert clock.doubt() is None
    running = venue_clock()
    running.observed(START)
    assert abs(running.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_faster_clock_runs_faster():
    """An hour of ours is sixty of the venue's."""
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    clock = venue_clock(venue=START, boot=boot - 3600, pace=Pace.FREE, speed=60.0)
    assert clock.now() - START >= timedelta(hours=60)
    assert clock.scaled(timedelta(seconds=1)) == MINUTE


def test_our_own_clock_is_plain():
    """For modes that ask no venue."""
    clock = WallClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert (clock.scaled(MINUTE), clock.doubt()) == (MINUTE, None)
    before = clock.monotonic()
    asyncio.run(clock.sleep(timedelta(0)))
    assert clock.monotonic() >= before


REPLACED = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE"}
ANSWERS = {
    "refused": ((400, {"code": -2010, "msg": "no money"}), Refused("-2010", "no money")),
    "no JSON": ((403, None), Refused("403", "")),
    "server error": ((502, {"code": -1, "msg": "x"}), Unknown("502 -1 x")),
    "time-out": ((400, {"code": -1007, "msg": "Timeout"}), Unknown("400 -1007 Timeout")),
    "unknown": ((400, {"code": -1006, "msg": "x"}), Unknown("400 -1006 x")),
    "duplicate": ((400, {"code": -2010, "msg": "Duplicate order sent."}), Unknown("400 -2010 Duplicate order sent.")),
    "place failed": (
        (409, {"code": -2021, "data": {**REPLACED, "newOrderResponse": {"code": -2010, "msg": "no"}}}),
        Refused("-2010", "no", cancelled_first=True),
    ),
    "place unknown": (
        (409, {"code": -2021, "data": {**REPLACED, "newOrderResponse": {"code": -1007, "msg": "late"}}}),
        Unknown("-1007 late"),
    ),
    "cancel failed": (
        (400, {"code": -2022, "data": {"cancelResult": "FAILURE", "cancelResponse": {"code": -2011, "msg": "gone"}}}),
        Refused("-2011", "gone"),
    ),
    "nothing said": ((400, {"code": -2022, "data": {"cancelResult": "FAILURE"}}), Refused("0", "")),
}


@pytest.mark.parametrize(("answer", "outcome"), ANSWERS.values(), ids=ANSWERS)
def test_answers_are_judged_by_what_the_caller_does_next(answer, outcome):
    """Refused: done with. Unknown: ask. Nothing else."""
    assert outcome_of(Answered(*answer, {})) == outcome


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({"retry-after": "9999999"}, 3600.0), ({}, None), ({"Retry-After": "soon"}, None)],
)
def test_how_long_the_venue_wants_to_be_left_alone(headers, seconds):
    """What it says, at most an hour; nothing when it says nothing."""
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("number", "text"), [("1.500", "1.5"), ("100", "100"), ("1E-7", "0.0000001"), ("1E+2", "100"), ("0.0", "0")]
)
def test_numbers_go_out_plainly(number, text):
    """Without exponents, without zeros at the end."""
    assert binance.plain(D(number)) == text


def test_an_entry_does_not_send_its_protective_stop():
    """A market order has no stop price at the venue."""
    assert "stopPrice" not in binance.order_parameters(order(stop_price=D(98)), "t")


def test_a_limit_goes_out_with_its_price_and_lasts():
    """A maker has a price and no time in force."""
    limit = binance.order_parameters(order(type=OrderType.LIMIT, price=D("99.50")), "t")
    assert (limit["price"], limit["timeInForce"]) == ("99.5", "GTC")
    assert "timeInForce" not in binance.order_parameters(order(type=OrderType.LIMIT_MAKER, price=D(99)), "t")


def test_old_filters_are_understood():
    """MIN_NOTIONAL for NOTIONAL, and no market lot size at all."""
    row = {
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET", "OCO"],
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "0", "stepSize": "0.1"},
            {"filterType": "MIN_NOTIONAL", "minNotional": "10"},
        ],
    }
    made = binance.instrument(BTC, row)
    assert (made.minimum_notional, made.maximum_quantity, made.minimum_quantity) == (D(10), D("1e30"), D("0.1"))
    assert made.order_types == {"limit", "market"}


EVENT = {
    "e": "executionReport", "s": "BTCUSDT", "c": "web_cancel", "C": "t1", "T": 1670889600000, "i": 7, "X": "CANCELED",
    "x": "CANCELED", "S": "SELL", "o": "STOP_LOSS", "q": "1", "z": "0", "p": "0", "P": "98", "t": -1, "l": "0",
    "L": "0", "n": "0", "N": None, "m": False,
}  # fmt: skip


def message(event: dict) -> aiohttp.WSMessage:
    return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, __import__("json").dumps({"event": event}), None)


def test_a_cancel_event_names_the_order_and_not_the_cancel():
    """The venue gives the cancel an id of its own."""
    (report,) = _events(message(EVENT), {"BTCUSDT": BTC})
    assert (report.client_id, report.status, report.stop_price, report.price) == (
        "t1",
        OrderStatus.CANCELLED,
        D(98),
        None,
    )


def test_a_trade_event_gives_the_fill_first():
    """An order known to be filled without its fills counts as unsettled."""
    trade = {
        **EVENT,
        "c": "t1",
        "C": "",
        "x": "TRADE",
        "X": "FILLED",
        "t": 5,
        "l": "1",
        "L": "97.5",
        "n": "0.1",
        "z": "1",
    }
    fill_, report = _events(message({**trade, "N": "USDT"}), {"BTCUSDT": BTC})
    assert (fill_.trade_id, fill_.price, fill_.commission, fill_.at) == ("5", D("97.5"), D("0.1"), START)
    assert report.status is OrderStatus.FILLED


def test_other_messages_say_nothing():
    """Balances, other markets, and what is not text."""
    assert _events(message({**EVENT, "s": "ETHUSDT"}), {"BTCUSDT": BTC}) == ()
    assert _events(message({"e": "outboundAccountPosition"}), {"BTCUSDT": BTC}) == ()
    assert _events(aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None), {}) == ()


def test_where_events_are_heard():
    """At the endpoint, or at the venue's own address."""
    assert Listener("k", "s", "http://x:1", "a").url == "ws://x:1/ws-api/v3"
    assert Listener("k", "s", None, "a").url == "wss://ws-api.binance.com:443/ws-api/v3"


def test_a_shadow_venue_sends_nothing():
    """Every question has an empty answer."""

    async def asked() -> list:
        venue = ShadowVenue({"USDT": D(1)})
        assert await venue.send(write()) == Refused("DryRun", f"{write().client_id} was decided and not sent")
        assert (await venue.order(BTC, "t"), await venue.open_orders(BTC), await venue.fills(BTC, START)) == (
            None,
            (),
            (),
        )
        assert await venue.balances() == {"USDT": D(1)}
        assert (list(venue.observe(candle())), venue.book()) == ([], None)
        venue.restore(None)
        await venue.close()
        return [event async for event in venue.events()]

    assert asyncio.run(asked()) == []


def test_an_exchange_nobody_knows_is_refused():
    """In one sentence."""
    with pytest.raises(Misconfigured, match=r"exchange\.name 'nix' is no exchange of ccxt"):
        exchange_class("nix")


def test_bars_of_a_maker_open_where_the_last_closed():
    """The maker of these tests itself."""
    first, second = bars(100, 101)
    assert (first.close, second.open, second.close) == (D(100), D(100), D(101))
