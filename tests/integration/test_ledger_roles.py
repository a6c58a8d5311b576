"""What each role may do in a ledger on PostgreSQL, and how a ledger is prepared for them."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import psycopg
import pytest

import postgres
from hands import FENCER, LEDGER, OWNING, UNBOUND, Hands, both_servers, claimed, establish, who  # noqa: F401
from ledgers import BOOK, NOW, OWNER, TIMES, hold, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import NotClaimed, NotReleased
from tradingbot.ledger import Book, Owner, open_ledger, query, verify
from tradingbot.ledger.migrate import check, migrate
from tradingbot.ledger.prepare import Wanted, prepare

WANTED = Wanted(LEDGER, FENCER, OWNER, UNBOUND, None)
NAMES = count()
BELOW = random.Random(7).randrange


@pytest.fixture(name="bare")
def bare_database(server: postgres.Server) -> str:
    """An empty database of the owner's, on a server that has the roles."""
    establish(server)
    name = f"bare_{next(NAMES)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNING}")
    return server.url(name, OWNING)


def test_a_prepared_ledger_is_the_bots_with_nobody_in_it(server_hands: Hands) -> None:
    """Owner, mode and venue are those of the settings, the account is empty, epoch 0 belongs to blue."""
    assert server_hands.place.raw("SELECT ledger_id, cluster, namespace, name, mode, venue, account FROM ledger") == [
        (LEDGER, "c0ffee", "trading", "btc", "paper", "binance", "")
    ]
    assert server_hands.place.raw("SELECT ledger_id, epoch, holder, instance FROM lease") == [
        (LEDGER, 0, f"tb_{LEDGER}_blue", None)
    ]
    assert server_hands.place.raw("SELECT * FROM schema_compat") == [
        ("0002", "0001", "0002"),
        ("0003", "0001", "0002"),
        ("0004", "0001", "0002"),
        ("0005", "0001", "0002"),
    ]


def test_preparing_twice_changes_nothing(server_hands: Hands) -> None:
    """A Job may run again, also beside a trader that holds the lease and has bound its account."""
    lease = claimed(server_hands.open())
    prepare(server_hands.url(OWNING), WANTED, BELOW)
    assert server_hands.open().intend(lease, order(), *TIMES).sequence == 1
    assert server_hands.place.raw("SELECT epoch, account FROM lease, ledger") == [(1, "paper")]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, owner=Owner("c0ffee", "trading", "eth")), "LedgerClaimed: database holds ledger h0nd01 of"),
        (replace(WANTED, ledger_id="other0"), "LedgerClaimed: database holds ledger h0nd01, not other0"),
        (replace(WANTED, book=replace(UNBOUND, venue="kraken")), "AccountChanged: ledger h0nd01 keeps the book"),
        (replace(WANTED, fencer="nobody_here"), 'role "nobody_here" is not on this server'),
    ],
)
def test_a_ledger_of_another_is_not_prepared(server_hands: Hands, wanted: Wanted, said: str) -> None:
    """Another bot, another id, another venue, a fencer that does not exist: a person is told, nothing changes."""
    with pytest.raises(Misconfigured, match=said):
        prepare(server_hands.url(OWNING), wanted, BELOW)


def test_roles_that_do_not_exist_are_named(bare: str) -> None:
    """The operator makes them first; without them the ledger would be nobody's."""
    with pytest.raises(Misconfigured, match='role "tb_zzzzzz_blue" is not on this server'):
        prepare(bare, replace(WANTED, ledger_id="zzzzzz"), BELOW)


def test_a_colour_trades_with_what_it_was_granted(server_hands: Hands) -> None:
    """Every write of the engine goes through with the role's rights alone."""
    blue = server_hands.open()
    lease = claimed(blue)
    assert blue.self_test()
    write = blue.decide(lease, hold(0), order(), TIMES)
    assert write is not None
    blue.record_equity(lease, NOW, order().quantity)
    blue.save_paper_book(lease, "{}")
    blue.latch(Halt("h1", HaltKind.HALT, "test", "stop", NOW))
    assert blue.resume("h1", "go on", NOW)
    blue.record_shadow(hold(1), "r", order().quantity)
    assert blue.position is not None
    assert blue.unsettled()[0].write == write
    assert blue.retire(lease, NOW)


@pytest.mark.parametrize("login", ["blue", "green", "task"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lease SET epoch = 9",
        "INSERT INTO lease_history (ledger_id, epoch, event, holder, at) VALUES ('x', 1, 'retire', 'x', now())",
        "INSERT INTO holds (ledger_id, epoch, instance, until, at) VALUES ('x', 1, 'x', now(), now())",
        "UPDATE ledger SET account = 'mine'",
        "UPDATE schema_compat SET writable_from = '0000'",
        "DELETE FROM heartbeats",
        "TRUNCATE intents",
        "UPDATE audit_logs SET actor = 'nobody'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "ALTER TABLE audit_logs DISABLE TRIGGER keep",
        "DELETE FROM audit_head",
        "SELECT tb_order(0, NULL, NULL, 0)",
        "SELECT tb_fence(0)",
        f"SELECT tb_grant(0, 1, 'tb_{LEDGER}_green', NULL, NULL)",
        "SELECT tb_hold(0, 'x', 1)",
        "SELECT tb_note('retire', lease) FROM lease",
        "ALTER TABLE intents DISABLE TRIGGER fence",
        "SET session_replication_role = replica",
        "CREATE FUNCTION tb_mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_bots_role_cannot_go_past_the_functions(server_hands: Hands, login: str, statement: str) -> None:
    """It can change neither row nor history nor fence, and cannot call what is the operator's."""
    with (
        psycopg.connect(server_hands.url(f"tb_{LEDGER}_{login}")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lease SET epoch = 9",
        "INSERT INTO holds (ledger_id, epoch, instance, until, at) VALUES ('x', 1, 'x', now(), now())",
        "SELECT * FROM intents",
        "SELECT * FROM fills",
        "SELECT tb_claim('x/1', 'r')",
        "SELECT tb_release(0, 'x')",
        "SELECT tb_retire(0)",
        "SELECT tb_bind('mine')",
    ],
)
def test_the_fencer_moves_the_row_by_its_functions_only(server_hands: Hands, statement: str) -> None:
    """It can neither trade nor read what was traded."""
    with psycopg.connect(server_hands.url(FENCER)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_anybody_else_may_call_nothing(server_hands: Hands) -> None:
    """No function of ours is left to PUBLIC."""
    ours = "SELECT proname FROM pg_proc WHERE starts_with(proname, 'tb_')"
    assert len(server_hands.place.raw(ours)) == 16
    assert server_hands.place.raw(f"{ours} AND has_function_privilege('pg_monitor', oid, 'EXECUTE')") == []


def test_a_pod_verifies_and_reads_its_ledger_with_its_own_role(server_hands: Hands) -> None:
    """`atb db verify` and `atb db query` need no more rights than the bot has."""
    blue = server_hands.open()
    blue.intend(claimed(blue), order(), *TIMES)
    url = server_hands.url(f"tb_{LEDGER}_blue")
    assert [finding for finding in verify(url) if not finding.ok] == []
    assert query(url, "SELECT epoch, holder FROM lease").rows == ((1, f"tb_{LEDGER}_blue"),)


def test_the_task_takes_the_epoch_before_it_writes(server_hands: Hands) -> None:
    """A flatten has a role of its own and passes the same fence."""
    claimed(server_hands.open())
    task = server_hands.open("task")
    refused = task.claim(who("task", "pod-7/a"), NOW)
    assert isinstance(refused, NotClaimed)
    assert refused.reason == "NotHolder"
    assert server_hands.door.grant(1, 2, (f"tb_{LEDGER}_task", None, None))
    lease = claimed(task, "task", "pod-7/a")
    assert (lease.epoch, task.intend(lease, order(), *TIMES).epoch) == (3, 3)


def test_the_first_trader_binds_the_account_and_another_is_refused(server_hands: Hands) -> None:
    """Until then the ledger is bound to none; afterwards it is never bound to a second."""
    server_hands.open()
    assert server_hands.place.raw("SELECT account FROM ledger") == [("paper",)]
    with pytest.raises(Misconfigured, match="AccountChanged: ledger h0nd01 keeps the book paper binance paper, not"):
        open_ledger(server_hands.url(f"tb_{LEDGER}_green"), OWNER, replace(BOOK, account="other"), "green", BELOW)
    assert server_hands.open("green").bind("other") == "paper"


@pytest.mark.parametrize(
    ("owner", "book", "said"),
    [
        (Owner("c0ffee", "trading", "eth"), BOOK, "LedgerClaimed: database holds ledger h0nd01 of trading/btc"),
        (OWNER, Book("live", "binance", "paper"), "AccountChanged: ledger h0nd01 keeps the book paper binance"),
    ],
)
def test_a_colour_does_not_open_the_ledger_of_another_bot(
    server_hands: Hands, owner: Owner, book: Book, said: str
) -> None:
    """And leaves its account unbound."""
    with pytest.raises(Misconfigured, match=said):
        open_ledger(server_hands.url(f"tb_{LEDGER}_blue"), owner, book, "blue", BELOW)
    assert server_hands.place.raw("SELECT account FROM ledger") == [("",)]


def test_a_colour_waits_for_the_migration_and_never_runs_it(bare: str, server: postgres.Server) -> None:
    """An empty database, an old schema, a schema without owner: each has to be waited for."""
    blue = bare.replace(OWNING, f"tb_{LEDGER}_blue")
    with pytest.raises(LedgerUnavailable, match="ledger is at schema none, not 0005: its migration has not run yet"):
        open_ledger(blue, OWNER, BOOK, "blue", BELOW)
    migrate(bare)
    with psycopg.connect(bare, autocommit=True) as owner:
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO tb_{LEDGER}_blue")
    with pytest.raises(LedgerUnavailable, match="ledger has no owner yet"):
        open_ledger(blue, OWNER, BOOK, "blue", BELOW)


@pytest.mark.parametrize(("writable_from", "opens"), [("0001", True), ("0005", True), ("0006", False)])
def test_older_code_works_while_the_schema_allows_it(server_hands: Hands, writable_from: str, opens: bool) -> None:
    """A newer schema says itself which code may still write it; without its word none may."""
    server_hands.place.raw("UPDATE alembic_version SET version_num = '0006'")
    attempt: Callable[[], object] = server_hands.open
    with pytest.raises(Misconfigured, match="database is at schema 0006, newer than 0005; run the version that made"):
        attempt()
    server_hands.place.raw(f"INSERT INTO schema_compat VALUES ('0006', '0001', '{writable_from}')")
    if opens:
        assert claimed(server_hands.open()).epoch == 1
        return
    with pytest.raises(Misconfigured, match="database is at schema 0006, newer than 0005"):
        attempt()


def test_a_migration_that_would_shut_the_active_code_out_is_refused(bare: str) -> None:
    """Told beforehand by `compat`, and by the migration itself, which then changes nothing."""
    migrate(bare)
    with psycopg.connect(bare, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0001'")
    for attempt in (check, migrate):
        with pytest.raises(Misconfigured, match=r"migration 0002 would shut out the active version, .* schema 0001"):
            attempt(bare, "0001")
    check(bare, "0002")
    with psycopg.connect(bare) as owner:
        assert owner.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_a_release_by_role_needs_the_roles_own_session(server_hands: Hands) -> None:
    """The successor is a role: a lease forged with the holder's name is still judged by who has logged in."""
    lease = claimed(server_hands.open())
    green = server_hands.open("green")
    assert green.release(lease, server_hands.successor(), NOW) == NotReleased("Stale")
