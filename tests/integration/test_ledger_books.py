"""A ledger on PostgreSQL keeps a book for each mode: who trades is told once, what is bound to money never mixes."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from hands import FENCER, LEDGER, OWNING, UNBOUND, Hands, claimed, made_hands, who
from ledgers import NOW, OWNER, TIMES, hold, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.book import in_book
from tradingbot.domain.errors import Fenced, Misconfigured
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import Lease, Released
from tradingbot.ledger import Book, Owner, SqlLedger, open_ledger, query, verify
from tradingbot.ledger.adopt import adopt
from tradingbot.ledger.audit import integrity
from tradingbot.ledger.prepare import Wanted, prepare

LIVE = Book("live", "binance", "")
MONEY = Wanted(LEDGER, FENCER, OWNER, LIVE, None)
BELOW = random.Random(7).randrange


def opened(hands: Hands, colour: str, book: Book) -> SqlLedger:
    url = in_book(hands.url(hands.holder(colour)), book.mode)
    ledger = open_ledger(url, OWNER, book, colour, BELOW)
    hands.opened.append(ledger)
    return ledger


@pytest.fixture(name="bare", params=["postgresql"])
def one_book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hands]:
    """Made for paper, and no other revision was prepared yet."""
    made = made_hands(request, request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(name="hands")
def two_books(bare: Hands) -> Hands:
    """Made for paper; then a live revision was prepared, twice, as a Job may be."""
    bare.place.raw(f"GRANT CREATE ON DATABASE {bare.database} TO {OWNING}")
    for _ in range(2):
        prepare(bare.url(OWNING), MONEY, BELOW)
    return bare


def handed_over(hands: Hands, trader: SqlLedger, held: Lease, successor: SqlLedger) -> Lease:
    """The epoch after *held*, by order of the operator."""
    successor.heartbeat(who("green", "pod-2/a"), "standby", NOW)
    assert hands.door.order(held.epoch, None, hands.successor().text, 3000)
    assert isinstance(trader.release(held, hands.successor(), NOW), Released)
    named = successor.named(who("green", "pod-2/a"))
    assert named is not None
    return named


@pytest.mark.parametrize("bare", ["postgresql", "postgresql17"], indirect=True)
def test_a_mode_begins_with_a_book_of_its_own(hands: Hands) -> None:
    """Intents, decisions, equity and the paper venue's state of one mode are not there in the other; the lease is."""
    paper = opened(hands, "blue", replace(UNBOUND, account="paper"))
    held = claimed(paper)
    assert paper.decide(held, hold(0), order(), TIMES) is not None
    paper.record_equity(held, NOW, order().quantity)
    paper.save_paper_book(held, "{}")
    live = opened(hands, "green", replace(LIVE, account="1001"))
    named = handed_over(hands, paper, held, live)
    assert (live.ledger_id, named.epoch) == (LEDGER, 2)
    assert (live.orders(), live.decided_through("sma_cross", "BTC/USDT")) == ((), None)
    assert (live.peak_equity(), live.paper_book(), live.newest()) == (None, None, 0)
    first = live.intend(named, order(), *TIMES)
    assert first.sequence == 1
    assert [each.write.client_id for each in live.orders()] == [first.client_id]
    assert [each.write.epoch for each in paper.orders()] == [1]


def test_who_trades_is_one_for_all_books(hands: Hands) -> None:
    """A process of the mode that was left can write in no book, its own included, and a halt stands in both."""
    paper = opened(hands, "blue", replace(UNBOUND, account="paper"))
    held = claimed(paper)
    live = opened(hands, "green", replace(LIVE, account="1001"))
    named = handed_over(hands, paper, held, live)
    with pytest.raises(Fenced):
        paper.intend(held, order(), *TIMES)
    paper.latch(Halt("h1", HaltKind.HALT, "test", "stop", NOW))
    assert [each.id for each in live.halts()] == ["h1"]
    assert live.self_test()
    assert live.intend(named, order(), *TIMES).epoch == 2


def test_the_guard_is_as_long_as_a_request_of_any_book_may_live(hands: Hands) -> None:
    """A live order that may arrive for a minute keeps the next trader waiting, whatever the first book's orders do."""
    paper = opened(hands, "blue", replace(UNBOUND, account="paper"))
    held = claimed(paper)
    paper.intend(held, order(), NOW, NOW + timedelta(seconds=2))
    live = opened(hands, "green", replace(LIVE, account="1001"))
    named = handed_over(hands, paper, held, live)
    assert hands.place.raw("SELECT tb_guard_ms()") == [(3000,)]
    live.intend(named, order(), NOW, NOW + timedelta(seconds=60))
    assert hands.place.raw("SELECT tb_guard_ms()") == [(61000,)]


def test_each_book_is_bound_to_its_own_account(hands: Hands) -> None:
    """The live book keeps the account of its key, the paper book its own, and another key is refused."""
    opened(hands, "blue", replace(UNBOUND, account="paper"))
    opened(hands, "green", replace(LIVE, account="1001"))
    said = [hands.place.raw(f"SELECT mode, venue, account FROM {each}ledger") for each in ("", "book_live.")]
    assert said == [[("paper", "binance", "paper")], [("live", "binance", "1001")]]
    with pytest.raises(Misconfigured, match="AccountChanged: ledger h0nd01 keeps the book live binance 1001"):
        opened(hands, "green", replace(LIVE, account="2002"))


def test_a_mode_without_a_book_is_refused(bare: Hands) -> None:
    """Before the migration of that revision has run, its process finds the book of another mode and does not trade."""
    with pytest.raises(Misconfigured, match="AccountChanged: ledger h0nd01 keeps the book paper binance"):
        opened(bare, "green", LIVE)


@pytest.mark.parametrize("bare", ["postgresql", "postgresql17"], indirect=True)
def test_another_book_is_as_sound_as_the_first(hands: Hands) -> None:
    """Verification of either finds every trigger; no colour may alter, take away or see past the fence."""
    for mode in ("paper", "live"):
        bad = [each for each in verify(in_book(hands.url(OWNING), mode)) if not each.ok]
        assert bad == []
        for login in (OWNING, f"tb_{LEDGER}_blue"):
            assert integrity(in_book(hands.url(login), mode)) == ()
    with psycopg.connect(hands.url(f"tb_{LEDGER}_blue")) as colour:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            colour.execute("UPDATE book_live.ledger SET account = 'mine'")
        colour.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            colour.execute("TRUNCATE book_live.intents")


def test_what_lies_in_a_book_is_what_lies_in_the_first(hands: Hands) -> None:
    """Columns, keys and indexes are equal: a migration that changes the first book brings the others along."""
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = '{}' AND to_regclass('book_live.' || table_name) IS NOT NULL ORDER BY 1, 2"
    )
    kinds = (
        "SELECT t.relname, count(*) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = "
        "'{}'::regnamespace AND t.relname IN (SELECT relname FROM pg_class WHERE relnamespace = "
        "'book_live'::regnamespace) GROUP BY 1 ORDER BY 1"
    )
    for statement in (columns, kinds):
        assert hands.place.raw(statement.format("book_live")) == hands.place.raw(statement.format("public"))


def test_a_query_reads_the_book_of_the_mode(hands: Hands) -> None:
    """``atb db query`` in a live pod reads what the live bot wrote."""
    live = opened(hands, "green", replace(LIVE, account="1001"))
    paper = opened(hands, "blue", replace(UNBOUND, account="paper"))
    named = handed_over(hands, paper, claimed(paper), live)
    live.intend(named, order(), *TIMES)
    count = "SELECT count(*) FROM orders"
    said = [query(in_book(hands.url(OWNING), mode), count).rows for mode in ("live", "paper", "sim")]
    assert said == [((1,),), ((0,),), ((0,),)]


def test_a_ledger_that_moves_takes_all_its_books_along(hands: Hands) -> None:
    """After adoption by another bot each book belongs to that one."""
    adopt(hands.url(OWNING), LEDGER, Owner("c0ffee", "trading", "eth"))
    assert hands.place.raw("SELECT name FROM ledger UNION ALL SELECT name FROM book_live.ledger") == [
        ("eth",),
        ("eth",),
    ]


def test_an_owner_who_may_make_no_schema_is_told_how_to(bare: Hands) -> None:
    """One sentence with the statement a person runs; nothing is changed."""
    with pytest.raises(Misconfigured, match=f"run GRANT CREATE ON DATABASE {bare.database} TO {OWNING}"):
        prepare(bare.url(OWNING), MONEY, BELOW)
