"""The facts the forced fence of the protocol rests on, shown on a real PostgreSQL 15 and 17."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from hands import FENCER, LEDGER, Hands, both_servers, claimed  # noqa: F401
from ledgers import TIMES, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.errors import ShutOut
from tradingbot.domain.lease import Lease
from tradingbot.ledger import SqlLedger
from tradingbot.ledger.migrations import fence

BLUE = f"tb_{LEDGER}_blue"
WRITE = "INSERT INTO equity (at, equity, peak, epoch, instance) VALUES (now(), 1, 1, %s, %s)"
SESSIONS = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{BLUE}' AND datname = current_database()"
TERMINATE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    f"WHERE usename = '{BLUE}' AND datname = current_database()"
)


@contextmanager
def stopped(hands: Hands, lease: Lease) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A trader that has written and then stands still, its transaction open."""
    connection = psycopg.connect(hands.url(BLUE))
    # The time after which the server ends it is out of the way: it is what the fence must not rely on.
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.execute(WRITE, (lease.epoch, lease.instance))
    try:
        yield connection
    finally:
        connection.close()


def fencer(hands: Hands) -> "closing[psycopg.Connection[tuple[object, ...]]]":
    connection = psycopg.connect(hands.url(FENCER), autocommit=True)
    connection.execute("SET lock_timeout = 200")
    return closing(connection)


def test_a_stopped_writer_keeps_the_row_from_the_fence(server_hands: Hands) -> None:
    """The lock is not had within 200 ms, and the row is as it was."""
    lease = claimed(server_hands.open())
    with stopped(server_hands, lease), fencer(server_hands) as operator:
        began = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            operator.execute("SELECT tb_fence(1)")
        assert 0.2 <= time.monotonic() - began < 2
    assert server_hands.open().lease_row().epoch == 1


def test_terminating_the_stopped_writer_frees_the_row_and_undoes_its_write(server_hands: Hands) -> None:
    """After that the fence has the row at once, and nothing of the open transaction is left."""
    lease = claimed(server_hands.open())
    with stopped(server_hands, lease), fencer(server_hands) as operator:
        operator.execute(f"ALTER ROLE {BLUE} NOLOGIN")
        operator.execute(TERMINATE)
        assert operator.execute("SELECT tb_fence(1)").fetchone() == (True,)
        to = f"'tb_{LEDGER}_green', 'pod-2/a', 'r'"
        assert operator.execute(f"SELECT tb_grant(1, 2, {to})").fetchone() == (True,)
    assert server_hands.place.raw("SELECT count(*) FROM equity") == [(0,)]


def test_without_nologin_a_terminated_trader_is_back_at_once(server_hands: Hands) -> None:
    """Control, NOLOGIN after terminate: between the two the bot connects anew, writes, and is not terminated again."""
    blue = server_hands.open()
    lease = claimed(blue)
    with fencer(server_hands) as operator:
        operator.execute(TERMINATE)
        told_that_it_was_ended(blue, lease)
        assert blue.intend(lease, order(), *TIMES).sequence == 1
        operator.execute(f"ALTER ROLE {BLUE} NOLOGIN")
        assert operator.execute(SESSIONS).fetchone() == (1,)
        assert blue.intend(lease, order(), *TIMES).sequence == 2, "a session that stands outlives NOLOGIN"
        operator.execute(f"ALTER ROLE {BLUE} LOGIN")


def test_with_nologin_first_nobody_is_left(server_hands: Hands) -> None:
    """The other way round the terminated session cannot come back."""
    blue = server_hands.open()
    lease = claimed(blue)
    with fencer(server_hands) as operator:
        operator.execute(f"ALTER ROLE {BLUE} NOLOGIN")
        operator.execute(TERMINATE)
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            psycopg.connect(server_hands.url(BLUE))
        assert operator.execute(SESSIONS).fetchone() == (0,)
        operator.execute(f"ALTER ROLE {BLUE} LOGIN")
    told_that_it_was_ended(blue, lease)
    assert blue.intend(lease, order(), *TIMES).sequence == 1


def told_that_it_was_ended(blue: SqlLedger, lease: Lease) -> None:
    with pytest.raises(ShutOut):
        blue.intend(lease, order(), *TIMES)


def test_a_definers_function_cannot_shut_a_role_out(server_hands: Hands) -> None:
    """42501: that is why the fencer alters the role itself and no function of the owner does."""
    server_hands.place.raw(
        "CREATE FUNCTION shut() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS "
        f"$$ BEGIN ALTER ROLE {BLUE} NOLOGIN; END $$"
    )
    server_hands.place.raw("ALTER FUNCTION shut() OWNER TO hand_owner")
    with psycopg.connect(server_hands.url(FENCER)) as operator, pytest.raises(psycopg.Error) as refused:
        operator.execute("SELECT shut()")
    assert refused.value.sqlstate == "42501"


def test_a_fence_holds_the_row_until_its_transaction_ends(server_hands: Hands) -> None:
    """A write that comes meanwhile waits, and is let through when the fence was given up."""
    blue = server_hands.open()
    lease = claimed(blue)
    done = threading.Event()

    def write() -> None:
        blue.intend(lease, order(), *TIMES)
        done.set()

    with psycopg.connect(server_hands.url(FENCER)) as operator:
        operator.execute("SELECT tb_fence(1)")
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(0.3)
        operator.rollback()
        assert done.wait(2)
        writer.join()
    assert server_hands.place.raw("SELECT event FROM lease_history ORDER BY id") == [("claim",)]


@pytest.mark.parametrize(("lock", "waits"), [("FOR SHARE", True), ("FOR KEY SHARE", False), ("", False)])
def test_only_a_share_lock_holds_a_grant_back(server_hands: Hands, lock: str, waits: bool) -> None:
    """Mutant: with FOR KEY SHARE, or none, a grant goes past an open write, which is then committed under epoch 2."""
    body = fence.postgresql_bodies()["tb_check"]
    assert body.count("FOR SHARE") == 1
    server_hands.place.raw(
        "CREATE OR REPLACE FUNCTION tb_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $${body.replace('FOR SHARE', lock)}$$"
    )
    lease = claimed(server_hands.open())
    with stopped(server_hands, lease) as writer, fencer(server_hands) as operator:
        # tb_grant locks the row first, so the lock is judged by the change of the row itself.
        change = "UPDATE lease SET epoch = 2, instance = 'pod-2/a'"
        with psycopg.connect(server_hands.place.url) as owner:
            owner.execute("SET lock_timeout = 200")
            if waits:
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    owner.execute(change)
                owner.rollback()
            else:
                owner.execute(change)
                owner.commit()
        writer.commit()
        assert operator.execute("SELECT epoch FROM lease").fetchone() == (1 if waits else 2,)
    written = server_hands.place.raw("SELECT epoch FROM equity")
    assert written == [(1,)], "committed: before the change with the lock, after it without"


def test_the_server_ends_a_trader_that_stands_still_in_a_transaction(server_hands: Hands) -> None:
    """Within about a second, by the bot's own setting of its session, so that the fence need not even begin."""
    blue = server_hands.open()
    lease = claimed(blue)
    with blue.engine.connect() as frozen:
        frozen.exec_driver_sql(WRITE, (lease.epoch, lease.instance))
        with psycopg.connect(server_hands.url(FENCER), autocommit=True) as operator:
            operator.execute("SET lock_timeout = 3000")
            assert operator.execute("SELECT tb_fence(1)").fetchone() == (True,)
        frozen.invalidate()
    assert server_hands.place.raw("SELECT count(*) FROM equity") == [(0,)]
