"""What the ledger tells of all trades, in one look: summed up as it grows, and always what the fills say."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from ledgers import (  # noqa: F401
    NOW,
    TIMES,
    Place,
    claimed,
    each_place,
    fill,
    migrated_file,
    order,
    running_server,
    sqlite_place,
)
from tradingbot.domain.intent import Action, Decision, Intent
from tradingbot.domain.order import Fill, Side
from tradingbot.domain.trade import Trade, Walked, together, walk
from tradingbot.ledger import query, rows
from tradingbot.ledger.reader import LedgerReader

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def added_up(fills: list[Fill]) -> dict[tuple[str, str], Trade]:
    """All fills in the order of time, from the first on."""
    walks, trades = {symbol: Walked(symbol) for symbol in SYMBOLS}, {}
    for each in sorted(fills, key=rows.in_time):
        walks[each.symbol], part = walk(walks[each.symbol], each)
        if part is not None:
            key = (each.symbol, each.client_id)
            trades[key] = together(trades[key], part) if key in trades else part
    return trades


@st.composite
def batches(draw: st.DrawFn) -> list[list[tuple[int, Side, str, Decimal]]]:
    """Fills as they come in: some late, some of one order."""
    one = st.tuples(
        st.integers(0, 40), st.sampled_from(Side), st.sampled_from(SYMBOLS), st.decimals("0.001", "9", places=3)
    )
    return draw(st.lists(st.lists(one, max_size=4), min_size=1, max_size=5))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches())
def test_the_sums_are_those_of_all_fills_however_they_came(
    place: Place, drawn: list[list[tuple[int, Side, str, Decimal]]]
) -> None:
    """After each batch a reader that has read on and one that has not tell the same, digit by digit."""
    ledger = place.open()
    lease = claimed(ledger, start=f"start-{ledger.lease_row().epoch}")
    known = list(ledger.fills())
    on = LedgerReader(ledger.engine)
    for batch in drawn:
        new = []
        for second, side, symbol, quantity in batch:
            number = len(known) + len(new) + 1
            about = {"symbol": symbol, "client_id": f"order-{number // 3}", "at": NOW + timedelta(seconds=second)}
            new.append(fill(number, str(quantity), side, **about))
        known += ledger.record_fills(lease, new)
        told = on.account().trades
        assert sorted(told, key=str) == sorted(added_up(known).values(), key=str)
        assert set(told) == set(LedgerReader(ledger.engine).account().trades)


def test_they_are_what_the_views_say(place: Place) -> None:
    """People who ask in SQL are told the same, as far as the database counts."""
    ledger = place.open()
    lease = claimed(ledger)
    ledger.record_fills(lease, [fill(1, "3", price=Decimal(100)), fill(2, "1", Side.SELL, client_id="s")])
    (row,) = query(place.url, "SELECT sum(pnl), sum(fees), count(*) FROM trades").rows
    (trade,) = LedgerReader(ledger.engine).account().trades
    assert abs(Decimal(row[0]) - trade.pnl) < Decimal("1e-9")
    assert abs(Decimal(row[1]) - trade.fees) < Decimal("1e-9")


def test_what_was_read_is_not_read_again(sqlite: Place) -> None:
    """A look at a ledger that has grown asks for what came after the last one, and for nothing else."""
    ledger = sqlite.open()
    lease = claimed(ledger)
    reader, asked = LedgerReader(ledger.engine), []
    event.listen(ledger.engine, "before_cursor_execute", lambda *about: asked.append((about[2], about[3])))
    for number in (1, 2, 3):
        ledger.record_fills(lease, [fill(number)])
        reader.account()
    assert [values for text, values in asked if text.startswith("SELECT fills.id")] == [(0,), (1,), (2,)]


def test_a_trade_is_of_the_strategy_whose_decision_bought(place: Place) -> None:
    """By the bar of a candle, whatever its length, and by the instant of a beat; a stop sells and changes nothing."""
    ledger = place.open()
    lease, number = claimed(ledger), count(1)
    bought = {"sma_cross": timedelta(minutes=1), "rsi": timedelta(hours=4), "metronome": timedelta(0)}
    for strategy, length in bought.items():
        intent = Intent("BTC/USDT", strategy, NOW - length, Action.ENTER, Decimal(100), NOW, "up")
        decision = Decision(strategy, "BTC/USDT", NOW - length, intent)
        write = ledger.decide(lease, decision, order(), TIMES)
        assert write is not None
        ledger.record_fills(lease, [fill(next(number), "1", client_id=write.client_id, commission=Decimal(0))])
        ledger.record_fills(lease, [fill(next(number), "1", Side.SELL, client_id=f"stop-{strategy}")])
    ledger.record_fills(lease, [fill(next(number), "1", client_id="imported", commission=Decimal(0))])
    ledger.record_fills(lease, [fill(next(number), "1", Side.SELL, client_id="stop-imported")])
    told = LedgerReader(ledger.engine).account().trades
    assert [trade.strategy for trade in sorted(told, key=lambda trade: trade.ended_at)] == [*bought, ""]
