"""Limits that halt by themselves: a fall within an hour, too many orders, too few winners; and what a day clears."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import BTC, LIMITS, START, bars, instrument, replay, sma
from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import HaltKind, cause
from tradingbot.domain.order import Fill, Side
from tradingbot.domain.position import Position, with_fill
from tradingbot.execution.results import Results
from tradingbot.risk.highs import Highs
from tradingbot.risk.limits import broken, runaway

D = Decimal
HOUR = timedelta(hours=1)
PATIENT = replace(LIMITS, max_daily_loss=D(100000), max_daily_loss_percent=D(100), max_drawdown_percent=D(100))


def exposure(**changes: object) -> Exposure:
    """Flat at ten thousand, with nothing lost."""
    flat = Exposure(
        now=START,
        instruments={BTC: instrument()},
        positions={},
        marks={BTC: D(100)},
        free_cash=D(10000),
        equity=D(10000),
        day_start_equity=D(10000),
        peak_equity=D(10000),
        orders_last_minute=0,
    )
    return replace(flat, **changes)


def test_a_fifth_lost_within_an_hour_closes_everything_until_a_person_resumes():
    """The halt flattens, names the height it fell from, and no new day clears it."""
    (halt,) = broken(PATIENT, exposure(hour_peak_equity=D(12500)), START)
    assert (halt.id, halt.kind, halt.limit) == ("flash-drawdown-12500", HaltKind.FLATTEN, False)
    assert halt.reason == "lost 2500 within an hour, 20 % of 12500 is the limit"
    assert broken(PATIENT, exposure(hour_peak_equity=D("12499.99")), START) == ()


@pytest.mark.row("S1-090")
def test_halt_on_low_win_rate(evidence: Callable[[str, str], None]) -> None:
    """Seven winners of twenty on a losing day halt entries; eight, a winning day, or nineteen trades do not."""
    limits = replace(PATIENT, min_win_rate_percent=D(40))
    lost, won = (D(-2),) * 13, (D(1),) * 7
    (halt,) = broken(limits, exposure(day_results=lost + won), START)
    evidence("broken(min_win_rate_percent=40, 7 of 20 won, sum -19)", f"{halt.id}: {halt.reason}")
    assert (halt.id, halt.kind) == ("low-win-rate-2022-12-13T00:00:00+00:00", HaltKind.REDUCE)
    assert halt.reason == "7 of 20 trades won today, at least 40 % must"
    assert broken(limits, exposure(day_results=(D(-2),) * 12 + (D(1),) * 8), START) == ()
    assert broken(limits, exposure(day_results=(D(-1),) * 13 + (D(2),) * 7), START) == ()
    assert broken(limits, exposure(day_results=(D(-2),) * 12 + won), START) == ()
    assert broken(PATIENT, exposure(day_results=lost + won), START) == ()


@pytest.mark.parametrize(
    ("halt_id", "word"),
    [
        ("daily-loss-2022-12-13T00:00:00+00:00", "DailyLossLimit"),
        ("drawdown-12000", "DrawdownLimit"),
        ("flash-drawdown-12500", "FlashDrawdown"),
        ("runaway-2022-12-13T00:00:00+00:00", "Runaway"),
        ("low-win-rate-2022-12-13T00:00:00+00:00", "LowWinRate"),
        ("key-revoked-1", "KeyRevoked"),
        ("h1234abcd", "Requested"),
    ],
)
def test_every_halt_has_one_word(halt_id: str, word: str) -> None:
    """The word of a halt is read from its id, so that old and new versions agree on it."""
    assert cause(halt_id) == word


def test_the_highest_of_an_hour_is_forgotten_when_the_hour_is_over():
    """An equity counts for as long as it held, not from when it was written down."""
    highs = Highs()
    assert highs.highest(START) == 0
    highs.add(START, D(100))
    assert highs.highest(START + 5 * HOUR) == 100
    highs.add(START + 5 * HOUR, D(80))
    highs.add(START + 5 * HOUR + timedelta(minutes=10), D(90))
    assert highs.highest(START + 5 * HOUR + timedelta(minutes=59)) == 100
    assert highs.highest(START + 6 * HOUR) == 90


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), min_size=1, max_size=30))
def test_the_highest_of_an_hour_is_the_largest_that_held_in_it(steps: list[tuple[int, int]]) -> None:
    """Whatever the history, the answer equals that of a list that forgets nothing."""
    highs, history, now = Highs(), [], START
    for minutes, equity in steps:
        now += timedelta(minutes=minutes)
        highs.add(now, D(equity))
        ends = [at for at, _ in history[1:]] + [now]
        history = [*history, (now, D(equity))]
        held = [value for (_, value), end in zip(history, [*ends, now], strict=False) if end > now - HOUR]
        assert highs.highest(now) == max([*held, D(equity)])


def test_a_round_trip_ends_when_no_more_than_dust_is_left_and_counts_its_fees():
    """Two sells of one position are one trade; its fees of both sides are in its result."""
    results, position = Results(), Position(BTC)
    for minute, (side, quantity, price) in enumerate(
        [(Side.BUY, "2", "100"), (Side.SELL, "1", "110"), (Side.SELL, "1", "90")]
    ):
        at = START + timedelta(minutes=minute)
        fill = Fill(BTC, str(minute), "c", "v", side, D(quantity), D(price), D(1), "USDT", at)
        position = with_fill(position, fill, "BTC", "USDT")
        results.take(fill, position, instrument())
    assert results.since(START) == (D(-3),)
    assert results.since(START + HOUR) == ()


def test_one_order_too_many_in_a_minute_halts_entries_until_a_person_resumes():
    """The halt says how many there were; exits stay possible."""
    halt = runaway(LIMITS, exposure(orders_last_minute=10))
    assert (halt.id, halt.kind, halt.limit) == ("runaway-2022-12-13T00:00:00+00:00", HaltKind.REDUCE, False)
    assert halt.reason == "10 orders within a minute and one more asked for, 10 are the limit"


@pytest.mark.asyncio
async def test_a_price_that_falls_by_a_fifth_is_left_and_nothing_is_entered_again():
    """The position is sold with the halt's own reason, and rising prices afterwards tempt nobody."""
    closes = [100, 101, 102, 103, 104, 76, *range(77, 100)]
    limits = replace(
        PATIENT,
        max_order_notional=D(10000),
        max_position_notional=D(10000),
        order_fraction_percent=D(99),
        stop_loss_percent=D(90),
    )
    story = replay(bars(*closes), sma(), limits)
    await story.engine.run()
    (halt,) = story.ledger.halts()
    assert cause(halt.id) == "FlashDrawdown"
    sells = [fill for fill in story.ledger.fills() if fill.side is Side.SELL]
    assert {story.ledger.records[fill.client_id].write.request.reason for fill in sells} == {halt.reason}
    assert instrument().is_dust(story.ledger.position(instrument()).quantity, D(99))
    assert max(fill.at for fill in story.ledger.fills()) == max(fill.at for fill in sells)
