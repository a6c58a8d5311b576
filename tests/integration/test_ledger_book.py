"""What the book keeps: bars decided once, writes in sequence, no fill twice, money to the digit; on both engines."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from ledgers import (  # noqa: F401
    BOOK,
    NOW,
    OWNER,
    TIMES,
    Place,
    bar,
    claimed,
    each_place,
    fill,
    hold,
    instance,
    migrated_file,
    order,
    postgresql_place,
    running_server,
    sqlite_place,
)
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.instrument import Instrument
from tradingbot.domain.intent import Action, Decision, Intent, Refusal
from tradingbot.domain.lease import NotClaimed
from tradingbot.domain.order import Cancel, OrderRecord, OrderReport, OrderStatus, OrderType, Side, VenueWrite
from tradingbot.domain.position import Position
from tradingbot.ledger import Book, HighWater, Owner, SqlLedger, open_reader, query, verify
from tradingbot.ledger.highwater import load, path_of
from tradingbot.ledger.tables import JOURNAL_FROM

BTC = Instrument("BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))


def report(write: VenueWrite, status: OrderStatus, filled: str = "0", venue_id: str = "9001") -> OrderReport:
    return OrderReport(
        symbol="BTC/USDT",
        client_id=write.client_id,
        venue_id=venue_id,
        status=status,
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=Decimal("0.5"),
        filled=Decimal(filled),
        price=None,
        stop_price=None,
        at=NOW,
    )


def test_a_write_is_numbered_and_named_by_ledger_epoch_and_sequence(place: Place) -> None:
    """Sequences go on across epochs and are never used again."""
    ledger = place.open()
    first = claimed(ledger, "pod-1", "a")
    one = ledger.intend(first, order(), *TIMES)
    two = ledger.intend(first, Cancel("BTC/USDT", one.client_id, "too old"), *TIMES)
    second = claimed(ledger, "pod-1", "b")
    three = ledger.intend(second, order(), *TIMES)
    assert ledger.ledger_id == "k9p34y"
    assert [one.client_id, two.client_id, three.client_id] == [
        "tk9p34y00010000001",
        "tk9p34y00010000002",
        "tk9p34y00020000003",
    ]
    assert ledger.highest() == HighWater(2, 3)


def test_writes_from_the_journal_do_not_move_the_sequence(place: Place) -> None:
    """The journal of the state volume numbers its writes in a range of its own."""
    ledger = place.open()
    lease = claimed(ledger)
    place.raw(
        "INSERT INTO intents (sequence, client_id, epoch, instance, kind, symbol, target, reason, timestamp, "
        f"expires_at) VALUES ({JOURNAL_FROM}, 'journal', 1, 'pod-1/a', 'cancel', 'BTC/USDT', 'x', '', "
        "'2026-11-21T12:00:00.000000Z', '2026-11-21T12:00:02.000000Z')"
    )
    assert ledger.intend(lease, order(), *TIMES).sequence == 1
    assert ledger.highest() == HighWater(1, 1)


def test_a_ledger_that_was_set_back_is_refused_and_halted(sqlite: Place, tmp_path: Path) -> None:
    """An older copy is not traded on by any later start, until it is restored with an epoch far above."""
    path, older = Path(sqlite.url.removeprefix("sqlite:///")), tmp_path / "older.sqlite"
    ledger = watched(sqlite, tmp_path)
    first = claimed(ledger, "pod-1", "a")
    ledger.intend(first, order(), *TIMES)
    ledger.heartbeat(instance("pod-1", "a"), "active", NOW)
    sqlite.close()
    shutil.copy(path, older)
    ledger = watched(sqlite, tmp_path)
    second = claimed(ledger, "pod-1", "b")
    ledger.intend(second, order(), *TIMES)
    ledger.heartbeat(instance("pod-1", "b"), "active", NOW)
    sqlite.close()
    shutil.copy(older, path)
    for start in ("c", "d", "e"):
        ledger = watched(sqlite, tmp_path)
        found = ledger.claim(instance("pod-1", start), NOW)
        assert isinstance(found, NotClaimed)
        assert (found.reason, found.retry) == ("LedgerSetBack", False)
        assert [(halt.id, halt.kind, halt.source) for halt in ledger.halts()] == [
            ("set-back-2-2", HaltKind.HALT, "ledger")
        ]
        assert ledger.lease_row().released_at is not None
        sqlite.close()
    sqlite.raw("UPDATE lease SET epoch = 1002")
    assert claimed(watched(sqlite, tmp_path), "pod-1", "f").epoch == 1003


def test_a_ledger_that_goes_on_is_claimed_again_and_again(sqlite: Place, tmp_path: Path) -> None:
    """Restarts are no set-back; a standby that only lives does not move the mark."""
    for epoch, start in enumerate("abc", start=1):
        ledger = watched(sqlite, tmp_path)
        ledger.heartbeat(instance("pod-1", start), "standby", NOW)
        lease = claimed(ledger, "pod-1", start)
        assert lease.epoch == epoch
        ledger.intend(lease, order(), *TIMES)
        ledger.heartbeat(instance("pod-1", start), "active", NOW)
        assert load(path_of(tmp_path / "state", ledger.ledger_id)) == HighWater(epoch, epoch)
        sqlite.close()


def test_the_volume_is_synced_for_the_first_beat_and_for_every_other_one(sqlite: Place, tmp_path: Path) -> None:
    """A beat twice a second keeps a busy process from being taken for one that stands still; the disk needs half."""
    ledger = watched(sqlite, tmp_path)
    held, path = claimed(ledger), path_of(tmp_path / "state", ledger.ledger_id)
    seen = []
    for _ in range(4):
        ledger.intend(held, order(), *TIMES)
        ledger.heartbeat(instance("pod-1", "a"), "trader", NOW)
        seen.append(load(path))
    assert seen == [HighWater(1, 1), HighWater(1, 1), HighWater(1, 3), HighWater(1, 3)]


def watched(place: Place, folder: Path) -> SqlLedger:
    ledger = place.open()
    ledger.remember(folder / "state")
    return ledger


def test_a_bar_is_decided_once(place: Place) -> None:
    """The second decision on a bar, or one on an older bar, changes nothing; per strategy and symbol."""
    ledger = place.open()
    lease = claimed(ledger)
    write = ledger.decide(lease, hold(5), order(), TIMES)
    assert write is not None
    assert ledger.decide(lease, hold(5), order(), TIMES) is None
    assert ledger.decide(lease, hold(4), order(), TIMES) is None
    assert ledger.decided_through("sma_cross", "BTC/USDT") == bar(5)
    assert [record.write for record in ledger.orders()] == [write]
    assert ledger.decided_through("sma_cross", "ETH/USDT") is None
    assert ledger.decide(lease, hold(4, symbol="ETH/USDT"), order(symbol="ETH/USDT"), TIMES) is not None
    assert ledger.decide(lease, hold(4, strategy="rsi"), order(), TIMES) is not None


def test_holding_advances_the_cursor_too(place: Place) -> None:
    """A bar on which nothing was wanted is decided as well."""
    ledger = place.open()
    lease = claimed(ledger)
    assert ledger.decide(lease, hold(5), None, None) is None
    assert ledger.decided_through("sma_cross", "BTC/USDT") == bar(5)
    assert ledger.decide(lease, hold(5), order(), TIMES) is None
    assert ledger.orders() == ()


def test_a_decision_is_kept_with_what_came_of_it(place: Place) -> None:
    """What was wanted, why, and the refusal, unchanged."""
    ledger = place.open()
    lease = claimed(ledger)
    wish = Intent("BTC/USDT", "sma_cross", bar(5), Action.ENTER, Decimal("100.10"), NOW, "crossed up", Decimal("98.0"))
    ledger.decide(
        lease, Decision("sma_cross", "BTC/USDT", bar(5), wish, Refusal("Stale", "data is 3 m old")), None, None
    )
    found = query(
        place.url, "SELECT action, price, stop_price, reason, refusal, refusal_message, client_id FROM decisions"
    )
    assert [str(value) for value in found.rows[0]] == [
        "enter",
        "100.10",
        "98.0",
        "crossed up",
        "Stale",
        "data is 3 m old",
        "None",
    ]


def test_a_decision_and_its_order_stand_or_fall_together(place: Place) -> None:
    """When the order cannot be written the bar is not decided."""
    ledger = place.open()
    lease = claimed(ledger)
    with pytest.raises(Exception, match="NaN is no amount"):
        ledger.decide(lease, hold(5), order("NaN"), TIMES)
    assert ledger.decided_through("sma_cross", "BTC/USDT") is None
    assert ledger.unsettled() == ()


def test_an_order_without_its_times_is_not_dropped_in_silence(place: Place) -> None:
    """A request can only be written with its timestamp and expiry."""
    ledger = place.open()
    lease = claimed(ledger)
    with pytest.raises(ValueError, match="timestamp"):
        ledger.decide(lease, hold(5), order(), None)


def test_orders_come_newest_first_and_cancels_are_not_among_them(place: Place) -> None:
    """By status and number as asked; what is unsettled comes oldest first, with the cancels."""
    ledger = place.open()
    lease = claimed(ledger)
    one, two, three = (ledger.intend(lease, order(), *TIMES) for _ in range(3))
    cancel = ledger.intend(lease, Cancel("BTC/USDT", one.client_id), *TIMES)
    ledger.settle(lease, two.client_id, OrderStatus.OPEN, report(two, OrderStatus.OPEN), "")
    ledger.settle(lease, three.client_id, OrderStatus.UNKNOWN, None, "timed out")
    assert [record.write for record in ledger.orders()] == [three, two, one]
    assert [record.write for record in ledger.orders(limit=1)] == [three]
    assert [record.write for record in ledger.orders(frozenset({OrderStatus.OPEN}))] == [two]
    assert [record.write for record in ledger.unsettled()] == [one, three, cancel]
    assert ledger.unsettled()[1].message == "timed out"


def test_an_order_moves_forward_only(place: Place) -> None:
    """A report that comes late changes nothing; a quantity once filled never shrinks."""
    ledger = place.open()
    lease = claimed(ledger)
    write = ledger.intend(lease, order(), *TIMES)

    def became(status: OrderStatus, filled: str) -> OrderRecord:
        return ledger.settle(lease, write.client_id, status, report(write, status, filled), "")

    partial = became(OrderStatus.PARTIAL, "0.2")
    assert partial == OrderRecord(write, OrderStatus.PARTIAL, Decimal("0.2"), "9001", "")
    assert became(OrderStatus.OPEN, "0") == partial
    assert became(OrderStatus.PARTIAL, "0.1").filled == Decimal("0.2")
    assert became(OrderStatus.CANCELLED, "0.3").filled == Decimal("0.3")
    assert became(OrderStatus.PARTIAL, "0.4").status is OrderStatus.CANCELLED
    assert became(OrderStatus.FILLED, "0.5").status is OrderStatus.FILLED
    assert ledger.settle(lease, write.client_id, OrderStatus.ABSENT, None, "").status is OrderStatus.FILLED
    assert ledger.orders()[0] == OrderRecord(write, OrderStatus.FILLED, Decimal("0.5"), "9001", "")


def test_settling_what_is_not_in_the_book_is_a_bug(place: Place) -> None:
    ledger = place.open()
    with pytest.raises(LookupError, match="tforeign is no write of this ledger"):
        ledger.settle(claimed(ledger), "tforeign", OrderStatus.OPEN, None, "")


def test_a_fill_counts_once(place: Place) -> None:
    """A trade told of again is not stored again; the same trade id of another symbol is another trade."""
    ledger = place.open()
    lease = claimed(ledger)
    other = fill(1, symbol="ETH/USDT")
    assert ledger.record_fills(lease, [fill(2), fill(1), fill(2)]) == (fill(2), fill(1))
    assert ledger.record_fills(lease, [fill(1), other]) == (other,)
    assert ledger.fills("BTC/USDT") == (fill(1), fill(2))
    assert ledger.fills() == (fill(1), other, fill(2))


def test_fills_of_one_millisecond_stand_in_the_order_of_their_trade_ids(place: Place) -> None:
    """9 comes before 10, though as text it would not."""
    ledger = place.open()
    ledger.record_fills(claimed(ledger), [fill(10, at=NOW), fill(9, at=NOW)])
    assert [found.trade_id for found in ledger.fills()] == ["9", "10"]


def test_a_position_is_the_sum_of_its_fills(place: Place) -> None:
    """Bought twice, sold once, commission in the base coin taken off the quantity; a late fill is put in its place."""
    ledger = place.open()
    lease = claimed(ledger)
    assert ledger.position(BTC) == Position("BTC/USDT")
    ledger.record_fills(lease, [fill(1, "0.5", commission=Decimal("0.0005"), commission_asset="BTC", bar=bar(0))])
    assert ledger.position(BTC).quantity == Decimal("0.4995")
    ledger.record_fills(lease, [fill(3, "0.2", Side.SELL, price=Decimal(110))])
    assert ledger.position(BTC).quantity == Decimal("0.2995")
    ledger.record_fills(lease, [fill(2, "0.1", price=Decimal(90))])
    position = ledger.position(BTC)
    assert position.quantity == Decimal("0.3995")
    assert position == place.open().position(BTC)
    assert (position.opened_at, position.entry_bar) == (NOW + timedelta(seconds=1), bar(0))


@pytest.mark.parametrize(
    "amount",
    ["0.1", "0.30", "1E-18", "123456789012345678901234567890.123456789012345678", "0", "-0.000000000000000001"],
)
def test_money_is_kept_to_the_digit(place: Place, amount: str) -> None:
    """No amount passes through a float."""
    ledger = place.open()
    lease = claimed(ledger)
    ledger.record_equity(lease, NOW, Decimal(amount))
    assert ledger.peak_equity() == Decimal(amount)


def test_times_are_kept_to_the_microsecond_in_utc(place: Place) -> None:
    """Whatever zone a time was written in."""
    ledger = place.open()
    lease = claimed(ledger)
    there = datetime(2026, 11, 21, 5, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-7)))
    ledger.intend(lease, order(), there, there + timedelta(seconds=2))
    assert ledger.unsettled()[0].write.timestamp == datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    assert ledger.unsettled()[0].write.timestamp.utcoffset() == timedelta(0)


def test_orders_are_counted_across_epochs_and_cancels_are_not(place: Place) -> None:
    """The limit of orders per minute also counts those of the trader before."""
    ledger = place.open()
    first = claimed(ledger, "pod-1", "a")
    ledger.intend(first, order(), NOW - timedelta(seconds=61), NOW)
    write = ledger.intend(first, order(), NOW - timedelta(seconds=60), NOW)
    second = claimed(ledger, "pod-1", "b")
    ledger.intend(second, Cancel("BTC/USDT", write.client_id), *TIMES)
    ledger.intend(second, order(), *TIMES)
    assert ledger.orders_since(NOW - timedelta(seconds=60)) == 2


def test_the_day_starts_with_its_first_equity_and_the_peak_is_the_highest(place: Place) -> None:
    """9.5 is less than 10: amounts are compared as numbers, not as text."""
    ledger = place.open()
    lease = claimed(ledger)
    assert (ledger.peak_equity(), ledger.day_start_equity(NOW)) == (None, None)
    for hour, worth in enumerate(["9.5", "10", "9.9", "8"]):
        ledger.record_equity(lease, NOW + timedelta(hours=hour), Decimal(worth))
    assert ledger.peak_equity() == Decimal(10)
    assert ledger.day_start_equity(NOW + timedelta(minutes=90)) == Decimal("9.9")
    assert ledger.day_start_equity(NOW + timedelta(hours=4)) is None


def test_a_halt_is_latched_once_and_cleared_by_its_id(place: Place) -> None:
    """The same id twice changes nothing, not even after it was resumed; other halts stay."""
    ledger = place.open()
    first = Halt("h1", HaltKind.REDUCE, "annotation", "spread", NOW)
    second = Halt("h2", HaltKind.HALT, "risk", "daily loss", NOW + timedelta(seconds=1), limit=True)
    ledger.latch(first)
    ledger.latch(Halt("h1", HaltKind.FLATTEN, "http", "other", NOW))
    ledger.latch(second)
    assert ledger.halts() == (first, second)
    assert ledger.resume("h1", "looked at it", NOW)
    assert not ledger.resume("h1", "again", NOW)
    assert not ledger.resume("h9", "never was", NOW)
    ledger.latch(first)
    assert ledger.halts() == (second,)
    assert query(place.url, "SELECT resume_reason FROM halts WHERE id = 'h1'").rows == (("looked at it",),)


def test_words_on_pods_are_named_once_and_anew_after_a_resume(place: Place) -> None:
    """Both colours latch the same words under one id, which one resume clears; said again they are the next halt."""
    ledger = place.open()
    words = Halt("pod-1a2b", HaltKind.HALT, "annotation", "spread", NOW)
    assert [ledger.latch(words), ledger.latch(words)] == ["pod-1a2b-1", "pod-1a2b-1"]
    assert ledger.resume("pod-1a2b-1", "looked at it", NOW)
    assert ledger.halts() == ()
    assert ledger.latch(words) == "pod-1a2b-2"
    assert [halt.id for halt in ledger.halts()] == ["pod-1a2b-2"]


def test_the_paper_book_is_what_was_saved_last(place: Place) -> None:
    ledger = place.open()
    lease = claimed(ledger)
    assert ledger.paper_book() is None
    ledger.save_paper_book(lease, '{"cash": "1"}')
    ledger.save_paper_book(lease, '{"cash": "2"}')
    assert ledger.paper_book() == '{"cash": "2"}'


def test_a_restart_finds_everything_as_it_was(place: Place) -> None:
    """Nothing lives in the process alone."""
    ledger = place.open()
    lease = claimed(ledger)
    write = ledger.decide(lease, hold(5), order(), TIMES)
    assert write is not None
    ledger.settle(lease, write.client_id, OrderStatus.PARTIAL, report(write, OrderStatus.PARTIAL, "0.2"), "")
    ledger.record_fills(lease, [fill(1, "0.2", client_id=write.client_id)])
    ledger.record_equity(lease, NOW, Decimal(10000))
    ledger.latch(Halt("h1", HaltKind.HALT, "http", "why", NOW))
    ledger.save_paper_book(lease, "{}")
    before = (
        ledger.ledger_id,
        ledger.orders(),
        ledger.fills(),
        ledger.position(BTC),
        ledger.halts(),
        ledger.lease_row(),
    )
    ledger.close()
    again = place.open()
    assert (
        again.ledger_id,
        again.orders(),
        again.fills(),
        again.position(BTC),
        again.halts(),
        again.lease_row(),
    ) == before
    assert again.decided_through("sma_cross", "BTC/USDT") == bar(5)
    assert (again.peak_equity(), again.paper_book()) == (Decimal(10000), "{}")
    assert all(finding.ok for finding in verify(place.url)), verify(place.url)


DYING = """
import sys
from ledgers import NOW, TIMES, Place, claimed, order
from tradingbot.ledger import writes
from tradingbot.ledger.connect import writing
ledger = Place(sys.argv[1].partition(":")[0], sys.argv[1]).open()
lease = claimed(ledger, "pod-1", "dying")
with writing(ledger.engine) as connection:
    write = writes.intend(connection, lease, order(), TIMES)
    print(write.client_id, flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_in_mid_transaction_leaves_nothing(place: Place) -> None:
    """The intent was never in the book, so it was never sent; its successor claims, and the book is sound."""
    command = [sys.executable, "-c", DYING, place.url]
    environment = {"PYTHONPATH": str(__file__).rpartition("/integration")[0]}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline().strip() == "tk9p34y00010000001"
        dying.kill()
    ledger = place.open()
    assert ledger.unsettled() == ()
    lease = claimed(ledger, "pod-1", "b")
    assert ledger.intend(lease, order(), *TIMES).client_id == "tk9p34y00020000001"
    assert all(finding.ok for finding in verify(place.url)), verify(place.url)


@pytest.mark.parametrize(
    ("owner", "book", "words"),
    [
        (Owner("c0ffee", "trading", "eth"), BOOK, "LedgerClaimed: database holds ledger k9p34y of trading/btc"),
        (Owner("beef", "trading", "btc"), BOOK, "adopt-ledger: k9p34y"),
        (OWNER, Book("live", "binance", "paper"), "AccountChanged: ledger k9p34y keeps the book paper binance paper"),
        (OWNER, Book("paper", "binance", "other"), "AccountChanged"),
    ],
)
def test_a_ledger_is_tied_to_one_bot_and_one_account(place: Place, owner: Owner, book: Book, words: str) -> None:
    """Another bot, cluster, mode or account is told whose the ledger is and what to do; the owner still gets in."""
    place.open()
    with pytest.raises(Misconfigured, match=words):
        place.open(owner, book)
    assert place.open().ledger_id == "k9p34y"


def test_a_reader_reads_beside_the_writer_and_cannot_write(place: Place) -> None:
    """The api and the command line have connections of their own, which refuse every write."""
    ledger = place.open()
    lease = claimed(ledger)
    reader = open_reader(place.url)
    try:
        ledger.intend(lease, order(), *TIMES)
        assert len(reader.orders()) == 1
        with pytest.raises(Exception, match=r"read-?only"), reader.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM halts")
    finally:
        reader.close()


@pytest.mark.parametrize(
    "sql", ["DELETE FROM halts", "SELECT 1; DELETE FROM halts", "SELEC 1", "SELECT * FROM nothing", "COMMIT"]
)
def test_a_query_only_reads(place: Place, sql: str) -> None:
    """Anything but one statement that reads is refused in one sentence, and changes nothing."""
    ledger = place.open()
    ledger.latch(Halt("h1", HaltKind.HALT, "http", "why", NOW))
    with pytest.raises(Misconfigured, match=r"^query .*; send one [^\n]*$"):
        query(place.url, sql)
    assert len(ledger.halts()) == 1


def test_a_query_gives_columns_and_rows(place: Place) -> None:
    """The view of orders is for people: a percent sign in it means itself."""
    ledger = place.open()
    ledger.intend(claimed(ledger), order(), *TIMES)
    answer = query(place.url, "SELECT client_id, status FROM orders WHERE symbol LIKE 'BTC%'")
    assert answer.columns == ("client_id", "status")
    assert answer.rows == (("tk9p34y00010000001", "intended"),)


def test_verify_names_what_is_wrong(place: Place) -> None:
    """A fill of a write that is not in the book, a position sold below nothing, an order whose fills do not add up."""
    ledger = place.open()
    lease = claimed(ledger)
    write = ledger.intend(lease, order(), *TIMES)
    ledger.settle(lease, write.client_id, OrderStatus.FILLED, report(write, OrderStatus.FILLED, "0.5"), "")
    ledger.record_fills(lease, [fill(1, "0.4", Side.SELL, client_id="tqqqqqq00010000001")])
    failed = {finding.check: finding.message for finding in verify(place.url) if not finding.ok}
    assert failed == {
        "fills without intent": "1",
        "position BTC/USDT": "-0.4 BTC",
        "filled quantities": "differ from the fills of tk9p34y00010000001",
    }


def test_a_database_of_a_newer_version_is_refused(place: Place) -> None:
    """An old version never writes a schema it does not know."""
    place.raw("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="database is at schema 9999, newer than"):
        place.open()
    assert [finding.ok for finding in verify(place.url)] == [False]


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nobody knows who trades, so nothing is opened; waiting may help."""
    with pytest.raises(LedgerUnavailable):
        Place("postgresql", "postgresql://nobody@127.0.0.1:9/nothing").open()


def test_an_unknown_database_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match="use sqlite:///PATH or postgresql://HOST/DATABASE"):
        Place("mysql", "mysql://nobody@127.0.0.1:9/nothing").open()
