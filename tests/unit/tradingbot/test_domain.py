"""The words of trading: steps, ids, halts, the transition table, and positions derived from fills."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, START, candle, instrument, order, write
from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.domain.clientid import ClientId, base36, newest_from, parse_client_id
from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import SEVERITY, Halt, HaltKind, most_restrictive, parse_halt
from tradingbot.domain.instrument import floored
from tradingbot.domain.lease import Instance
from tradingbot.domain.order import NEXT, UNSETTLED, WORKING, Fill, IllegalMove, OrderStatus, Side, moved
from tradingbot.domain.position import Position, position_of, with_fill
from tradingbot.domain.snapshot import EngineState, NoMetrics, Snapshot
from tradingbot.domain.window import window_of

D = Decimal


def fill(side: Side = Side.BUY, quantity: str = "1", price: str = "100", **changes: object) -> Fill:
    name = changes.pop("trade_id", "1")
    made = Fill(BTC, name, "t" * 18, "7", side, D(quantity), D(price), D(0), "USDT", START, bar=START)
    return replace(made, **changes)


def test_a_bar_ends_where_the_next_begins():
    """The close time is no longer part of the bar."""
    assert candle(1).close_time == candle(2).open_time
    assert TIMEFRAMES["4h"] == timedelta(hours=4)


def test_a_window_shows_its_newest_bar_and_closes_as_floats():
    """Floats are for indicators only."""
    window = window_of([candle(0), candle(1, "1 4 1 3.5")])
    assert window.newest == candle(1, "1 4 1 3.5")
    assert window.closes == [100.0, 3.5]


@pytest.mark.parametrize(
    ("value", "step", "result"), [("1.234567", "0.001", "1.234"), ("1.2", "0", "1.2"), ("0.0009", "0.001", "0.000")]
)
def test_flooring_never_gives_more(value, step, result):
    """A step of zero changes nothing."""
    assert floored(D(value), D(step)) == D(result)


@given(st.decimals("0", "1e9", places=8), st.sampled_from(["1", "0.1", "0.00001", "0.25"]))
def test_floored_quantities_are_whole_steps_just_below(value, step):
    """Less than one step is lost."""
    result = instrument(quantity_step=D(step)).floor_quantity(value)
    assert result % D(step) == 0
    assert 0 <= value - result < D(step)


@pytest.mark.parametrize(("step", "up", "down"), [("0.01", "1.24", "1.23"), ("0", "1.234", "1.234")])
def test_prices_are_rounded_by_side(step, up, down):
    """Up for asks, down for bids, onto the tick."""
    market = instrument(price_step=D(step))
    assert market.ceil_price(D("1.234")) == D(up)
    assert market.floor_price(D("1.234")) == D(down)


def test_market_quantities_keep_their_own_step_and_maximum():
    """A market order may have coarser bounds; nothing below zero comes out."""
    market = instrument(market_quantity_step=D("0.5"), maximum_quantity=D(3))
    assert market.market_quantity(D("1.74")) == D("1.5")
    assert market.market_quantity(D(9)) == D(3)
    assert market.market_quantity(D(-1)) == D(0)


@pytest.mark.parametrize(
    ("quantity", "dust"),
    [("0", True), ("-1", True), ("0.000001", True), ("0.04", True), ("0.05", False), ("0.000019", True)],
)
def test_dust_is_what_the_venue_would_not_let_one_sell(quantity, dust):
    """Below the step, the least quantity or the least notional (5 at a price of 100)."""
    assert instrument().is_dust(D(quantity), D(100)) is dust


def test_dust_knows_the_least_quantity():
    """A step may be finer than the least quantity."""
    assert instrument(minimum_quantity=D(1)).is_dust(D("0.9"), D(100)) is True


def test_a_client_id_is_eighteen_characters_and_reads_back():
    """Ledger, epoch and sequence in base36, fixed width."""
    made = ClientId("q3v9zk", 1, 361)
    assert str(made) == "tq3v9zk000100000a1"
    assert parse_client_id("tq3v9zk000100000a1") == made


@pytest.mark.parametrize("text", ["", "tq3v9zk000100000a", "xq3v9zk000100000a1", "tQ3v9zk000100000a1", "web_1"])
def test_foreign_ids_are_not_ours(text):
    """Another length, another first letter, another alphabet."""
    assert parse_client_id(text) is None


def test_the_ids_of_an_epoch_and_of_later_ones():
    """Of this ledger only: another bot's, and a person's, tell nothing about our epochs."""
    ours = [ClientId("q3v9zk", epoch, 1) for epoch in (1, 2, 3)]
    names = [*map(str, ours), str(ClientId("zzzzzz", 9, 1)), "web_1"]
    assert newest_from(names, "q3v9zk", 2) == tuple(ours[1:])
    assert newest_from(names, "q3v9zk", 4) == ()


@pytest.mark.parametrize("number", [-1, 36**4])
def test_a_number_too_large_for_its_place_is_refused(number):
    """An id never overflows silently into another."""
    with pytest.raises(OverflowError):
        base36(number, 4)


@given(st.integers(0, 36**4 - 1), st.integers(0, 36**7 - 1))
def test_client_ids_round_trip(epoch, sequence):
    """Every epoch and sequence has one id, and every id one of each."""
    assert parse_client_id(str(ClientId("abc123", epoch, sequence))) == ClientId("abc123", epoch, sequence)


def test_the_most_restrictive_halt_rules():
    """Flatten over halt over reduce; none when nothing halts."""
    halts = [Halt(kind.value, kind, "s", "r", START) for kind in HaltKind]
    assert most_restrictive(halts) is HaltKind.FLATTEN
    assert most_restrictive(halts[:2]) is HaltKind.HALT
    assert most_restrictive(()) is None
    assert set(SEVERITY) == set(HaltKind)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("reduce: too hot", HaltKind.REDUCE, "too hot"),
        ("flatten:now", HaltKind.FLATTEN, "now"),
        ("halt:", HaltKind.HALT, ""),
        ("spread looks wrong", HaltKind.HALT, "spread looks wrong"),
        ("note: see ticket", HaltKind.HALT, "note: see ticket"),
        ("reduce", HaltKind.HALT, "reduce"),
        ("", HaltKind.HALT, ""),
    ],
)
def test_any_value_at_all_halts(text, kind, reason):
    """A known word and a colon choose the kind; everything else is a plain halt."""
    assert parse_halt(text) == (kind, reason)


def test_the_table_names_every_status():
    """No status is forgotten, none leads to one that is not there, and working ones can move."""
    assert set(NEXT) == set(OrderStatus)
    assert all(to in NEXT for row in NEXT.values() for to in row)
    assert all(NEXT[status] for status in WORKING)
    assert UNSETTLED < WORKING


def test_an_order_only_moves_forward():
    """From each status to each: what the table does not allow raises, and staying is always allowed."""
    for now, to in product(OrderStatus, repeat=2):
        if to == now or to in NEXT[now]:
            assert moved(now, to) is to
        else:
            with pytest.raises(IllegalMove, match=f"an order cannot go from {now} to {to}"):
                moved(now, to)


@given(st.lists(st.sampled_from(OrderStatus), min_size=1, max_size=12))
def test_no_path_leads_back_to_an_order_that_works(path):
    """Once nothing works any more, nothing will."""
    status, ended = OrderStatus.INTENDED, False
    for to in path:
        if to in NEXT[status]:
            status = to
        ended = ended or status not in WORKING
        assert not (ended and status in WORKING)


def test_a_buy_adds_what_it_cost():
    """A commission in the base coin lowers the quantity, one in the quote coin the result, a third coin neither."""
    bought = with_fill(Position(BTC), fill(commission=D("0.001"), commission_asset="BTC"), "BTC", "USDT")
    assert (bought.quantity, bought.cost, bought.realised) == (D("0.999"), D(100), D(0))
    quoted = with_fill(Position(BTC), fill(commission=D("0.1")), "BTC", "USDT")
    assert (quoted.quantity, quoted.realised, quoted.fees_quote) == (D(1), D("-0.1"), D("0.1"))
    third = with_fill(Position(BTC), fill(commission=D(1), commission_asset="BNB"), "BTC", "USDT")
    assert (third.quantity, third.realised) == (D(1), D(0))


def test_a_sell_realises_against_the_average_price():
    """Half of what cost 300 for 2, sold at 200, gains 50."""
    fills = [fill(), fill(price="200", trade_id="2"), fill(Side.SELL, price="200", trade_id="3")]
    position = position_of(BTC, fills, "BTC", "USDT")
    assert (position.quantity, position.cost, position.realised) == (D(1), D(150), D(50))
    assert position.average_price == D(150)
    assert (position.opened_at, position.entry_bar) == (START, START)


def test_a_closed_position_forgets_when_it_was_opened():
    """The next entry has its own bar; a flat position has no average price."""
    later = START + timedelta(minutes=5)
    flat = position_of(BTC, [fill(), fill(Side.SELL, trade_id="2")], "BTC", "USDT")
    assert (flat.quantity, flat.opened_at, flat.entry_bar, flat.average_price) == (D(0), None, None, D(0))
    again = with_fill(flat, fill(at=later, bar=later), "BTC", "USDT")
    assert again.entry_bar == later


def test_a_sell_without_a_position_is_shown_and_not_hidden():
    """More sold than held leaves a negative quantity for people to see."""
    assert with_fill(Position(BTC), fill(Side.SELL), "BTC", "USDT").quantity == D(-1)


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.decimals("0.001", "10", places=3), st.decimals("1", "1000", places=2)),
        max_size=20,
    )
)
def test_positions_are_the_sum_of_their_fills(trades):
    """Quantity is what was bought less what was sold; cash and position together show every fill."""
    fills = [fill(side, str(q), str(p), trade_id=str(i)) for i, (side, q, p) in enumerate(trades)]
    position = position_of(BTC, fills, "BTC", "USDT")
    assert position.quantity == sum((f.quantity if f.side is Side.BUY else -f.quantity for f in fills), D(0))
    flow = sum((f.quantity * f.price * (1 if f.side is Side.SELL else -1) for f in fills), D(0))
    assert abs(position.realised - position.cost - flow) < D("1e-15")


def test_an_exposure_knows_what_is_held():
    """Nothing is held of a symbol without a position."""
    picture = Exposure(START, {}, {BTC: Position(BTC, D(2))}, {}, D(0), D(0), D(0), D(0), 0)
    assert picture.quantity(BTC) == D(2)
    assert picture.quantity("ETH/USDT") == D(0)


def test_an_instance_is_named_by_pod_and_start():
    """Two starts of one pod are two instances."""
    assert Instance("blue", "uid", "s1", "r").name == "uid/s1"


def test_a_snapshot_trades_only_in_state_trading():
    """Halted by any halt, active in one state only."""
    assert Snapshot(EngineState.TRADING).trading_active is True
    assert Snapshot(EngineState.BLOCKED).trading_active is False
    assert Snapshot(halts=(Halt("a", HaltKind.HALT, "s", "r", START),)).halted is True
    assert Snapshot().halted is False


def test_counting_nothing_counts_nothing():
    """Every method of the port is there and silent."""
    nothing = NoMetrics()
    nothing.candle(BTC, "closed")
    nothing.decision("s", BTC, "hold")
    nothing.refusal("r")
    nothing.order(BTC, "buy", "entry", "accepted")
    nothing.order_latency(0.1)
    nothing.fill(BTC, "buy", D(1), D(0))
    nothing.fenced()
    nothing.reconnect("feed")
    nothing.failure("venue")


def test_a_write_carries_its_request():
    """The one thing that may be sent, at most once."""
    assert write(order()).request == order()
