"""Exactly one process may write the ledger: claims, retirement, and the fence, on both engines."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ledgers import (  # noqa: F401
    NOW,
    TIMES,
    Place,
    claimed,
    every_place,
    fill,
    hold,
    instance,
    migrated_file,
    order,
    postgresql_place,
    running_server,
    running_server_17,
    sqlite_place,
)
from tradingbot.domain.errors import Fenced, LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import Lease, NotClaimed
from tradingbot.domain.order import OrderStatus
from tradingbot.ledger import SqlLedger, verify, writes
from tradingbot.ledger.connect import writing
from tradingbot.ledger.migrations import fence


def reason(answer: Lease | NotClaimed) -> str:
    assert isinstance(answer, NotClaimed), answer
    return answer.reason


def test_the_first_claim_begins_epoch_1(place: Place) -> None:
    """A new ledger stands at epoch 0 with nobody in it, and its first trader has epoch 1."""
    ledger = place.open()
    assert (ledger.lease_row().epoch, ledger.lease_row().instance) == (0, None)
    lease = claimed(ledger)
    assert (lease.epoch, lease.instance, lease.ledger_id) == (1, "pod-1/a", ledger.ledger_id)
    assert (ledger.lease_row().epoch, ledger.lease_row().instance) == (1, "pod-1/a")


def test_a_twin_of_the_same_colour_is_refused(place: Place) -> None:
    """Two pods of one Deployment may run together for a while; the second does not trade, but may try again."""
    claimed(place.open(), "pod-1")
    answer = place.open().claim(instance("pod-2"), NOW)
    assert answer == NotClaimed(
        "HeldByOther", "pod-1/a holds epoch 1 and was seen in the last five seconds", retry=True
    )


def test_a_holder_silent_for_five_seconds_may_be_replaced(place: Place) -> None:
    """Four seconds of silence are not enough, five are; the old process is fenced from then on."""
    ledger, other = place.open(), place.open()
    old = claimed(ledger, "pod-1")
    place.silence(old.instance, 4)
    assert reason(other.claim(instance("pod-2"), NOW)) == "HeldByOther"
    place.silence(old.instance, 1)
    assert claimed(other, "pod-2").epoch == 2
    with pytest.raises(Fenced):
        ledger.intend(old, order(), *TIMES)


def test_a_heartbeat_keeps_the_lease(place: Place) -> None:
    """A holder that shows life again is not replaced."""
    ledger = place.open()
    lease = claimed(ledger)
    place.silence(lease.instance, 60)
    ledger.heartbeat(instance(), "trader", NOW)
    assert reason(place.open().claim(instance("pod-2"), NOW)) == "HeldByOther"


def test_a_restarted_container_claims_at_once(place: Place) -> None:
    """A new process in the holder's own pod need not wait: the old one cannot run beside it."""
    ledger = place.open()
    claimed(ledger, "pod-1", "a")
    assert claimed(ledger, "pod-1", "b").epoch == 2


def test_an_empty_pod_uid_is_nobodys_own_pod(place: Place) -> None:
    """Two processes outside a cluster are not one pod."""
    ledger = place.open()
    claimed(ledger, "", "a")
    assert reason(ledger.claim(instance("", "b"), NOW)) == "HeldByOther"


def test_a_retired_epoch_is_taken_over_without_waiting(place: Place) -> None:
    """After a clean stop the next pod claims at once."""
    ledger = place.open()
    lease = claimed(ledger, "pod-1")
    assert ledger.retire(lease, NOW)
    assert ledger.lease_row().released_at is not None
    assert claimed(place.open(), "pod-2").epoch == 2
    assert ledger.lease_row().released_at is None


def test_a_retired_process_writes_nothing_more(place: Place) -> None:
    """Retirement is final for the epoch, and happens once."""
    ledger = place.open()
    lease = claimed(ledger)
    assert ledger.retire(lease, NOW)
    assert not ledger.retire(lease, NOW)
    with pytest.raises(Fenced):
        ledger.intend(lease, order(), *TIMES)


def test_a_lost_epoch_cannot_be_retired(place: Place) -> None:
    """Who was replaced does not end the epoch of his successor."""
    ledger = place.open()
    old = claimed(ledger, "pod-1", "a")
    claimed(ledger, "pod-1", "b")
    assert not ledger.retire(old, NOW)
    assert ledger.lease_row().released_at is None


def test_a_process_never_holds_two_epochs(place: Place) -> None:
    """An instance that is in the history is refused for good."""
    ledger = place.open()
    lease = claimed(ledger)
    ledger.retire(lease, NOW)
    answer = ledger.claim(instance(), NOW)
    assert answer == NotClaimed(
        "InstanceUsed", "this process has held an epoch before and may not hold another", retry=False
    )


def test_a_claim_whose_answer_was_lost_is_answered_again(place: Place) -> None:
    """The process that the row names may ask once more and learns its epoch; that begins no new one."""
    ledger = place.open()
    assert claimed(ledger) == claimed(ledger)
    assert ledger.lease_row().epoch == 1
    assert place.raw("SELECT count(*) FROM lease_history") == [(1,)]


def test_only_the_named_revision_claims(place: Place) -> None:
    """Where the row names a revision, another one waits; where it names none, any may claim."""
    ledger = place.open()
    place.raw("UPDATE lease SET revision = 'r2'")
    assert reason(ledger.claim(instance(revision="r1"), NOW)) == "OtherRevision"
    assert isinstance(ledger.claim(instance(revision="r2"), NOW), Lease)


def test_another_colour_is_refused(place: Place) -> None:
    """In a file the colour itself is the holder; in PostgreSQL it is the role (its own test)."""
    ledger = place.open()
    place.raw("UPDATE lease SET holder = 'green'")
    assert ledger.claim(instance(), NOW) == NotClaimed(
        "NotHolder", "the lease names green, not this colour", retry=True
    )


def test_a_claim_clears_an_order(place: Place) -> None:
    """An order to hand over was for the epoch before."""
    ledger = place.open()
    place.raw("UPDATE lease SET successor = 'green', order_until = '2026-11-21T12:00:00.000000Z'")
    claimed(ledger)
    assert (ledger.lease_row().successor, ledger.lease_row().order_until) == (None, None)


def test_of_processes_that_race_for_a_claim_one_wins(place: Place) -> None:
    """Four pods claim at the same moment: one has epoch 1, three are refused."""
    ledgers = [place.open() for _ in range(4)]
    begin = threading.Barrier(4)
    answers: list[Lease | NotClaimed] = []

    def run(number: int) -> None:
        begin.wait()
        answers.append(ledgers[number].claim(instance(f"pod-{number}"), NOW))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [answer for answer in answers if isinstance(answer, Lease)]
    lost = [answer.reason for answer in answers if isinstance(answer, NotClaimed)]
    assert [lease.epoch for lease in won] == [1]
    assert lost == ["HeldByOther"] * 3


def test_the_quiet_time_counts_only_epochs_that_nobody_ended(place: Place) -> None:
    """A taker waits for the requests of a crashed trader, not for those of one that retired."""
    ledger = place.open()
    first = claimed(ledger, "pod-1", "a")
    assert ledger.quiet_until() is None
    ledger.intend(first, order(), NOW, NOW + timedelta(seconds=9))
    ledger.intend(first, order(), NOW, NOW + timedelta(seconds=2))
    assert ledger.quiet_until() == NOW + timedelta(seconds=9)
    ledger.retire(first, NOW)
    assert ledger.quiet_until() is None
    second = claimed(ledger, "pod-1", "b")
    ledger.intend(second, order(), NOW, NOW + timedelta(seconds=5))
    claimed(ledger, "pod-1", "c")
    assert ledger.quiet_until() == NOW + timedelta(seconds=5)


def test_a_crash_is_an_epoch_that_nobody_ended_and_another_one_followed(place: Place) -> None:
    """The first epoch and one after a retired one tell of none; how long ago is by the ledger's own clock."""
    ledger = place.open()
    first = claimed(ledger, "pod-1", "a")
    assert ledger.since_crash() is None
    ledger.retire(first, NOW)
    claimed(ledger, "pod-1", "b")
    assert ledger.since_crash() is None
    third = claimed(ledger, "pod-1", "c")
    assert timedelta(0) <= (ledger.since_crash() or timedelta.max) < timedelta(minutes=5)
    ledger.retire(third, NOW)
    claimed(ledger, "pod-1", "d")
    assert ledger.since_crash() is not None


WRITES: dict[str, Callable[[SqlLedger, Lease], object]] = {
    "decide": lambda ledger, lease: ledger.decide(lease, hold(1), None, None),
    "decide again": lambda ledger, lease: ledger.decide(lease, hold(0), None, None),
    "intend": lambda ledger, lease: ledger.intend(lease, order(), *TIMES),
    "settle": lambda ledger, lease: ledger.settle(lease, f"t{ledger.ledger_id}00010000001", OrderStatus.OPEN, None, ""),
    "fills": lambda ledger, lease: ledger.record_fills(lease, [fill(1)]),
    "known fills": lambda ledger, lease: ledger.record_fills(lease, [fill(0)]),
    "equity": lambda ledger, lease: ledger.record_equity(lease, NOW, fill(1).price),
    "paper book": lambda ledger, lease: ledger.save_paper_book(lease, "{}"),
}


@pytest.mark.parametrize("way", WRITES)
def test_a_fenced_process_writes_nothing(place: Place, way: str) -> None:
    """Every write of a process that lost its epoch is refused, and the same write passes for who holds it."""
    ledger = place.open()
    old = claimed(ledger, "pod-1", "a")
    ledger.decide(old, hold(0), order(), TIMES)
    ledger.record_fills(old, [fill(0)])
    new = claimed(ledger, "pod-1", "b")
    before = [place.raw(f"SELECT * FROM {table}") for table in fence.FENCED]
    with pytest.raises(Fenced):
        WRITES[way](ledger, old)
    assert [place.raw(f"SELECT * FROM {table}") for table in fence.FENCED] == before
    WRITES[way](ledger, new)


def test_a_twin_with_the_right_epoch_is_fenced_by_its_instance(place: Place) -> None:
    """Knowing the epoch is not holding it."""
    ledger = place.open()
    lease = claimed(ledger)
    twin = Lease(lease.ledger_id, lease.epoch, lease.holder, "pod-2/a", "r1")
    with pytest.raises(Fenced):
        ledger.intend(twin, order(), *TIMES)


def test_a_fenced_process_may_still_halt_and_show_life(place: Place) -> None:
    """Anyone may stop trading; only the holder may trade."""
    ledger = place.open()
    claimed(ledger, "pod-1", "a")
    claimed(ledger, "pod-1", "b")
    ledger.heartbeat(instance("pod-1", "a"), "standby", NOW)
    ledger.latch(Halt("h1", HaltKind.HALT, "http", "spread looks wrong", NOW))
    assert [halt.id for halt in ledger.halts()] == ["h1"]


def test_the_self_test_passes_behind_a_whole_fence(place: Place) -> None:
    """An untouched ledger refuses epoch 0, before and after a claim, and keeps no trace of the attempt."""
    ledger = place.open()
    assert ledger.self_test()
    claimed(ledger)
    assert ledger.self_test()
    assert place.raw("SELECT count(*) FROM intents") == [(0,)]


def test_the_first_order_after_the_self_test_is_worded_already(place: Place) -> None:
    """To word one statement costs milliseconds, and in a hand-over everything waits for the first order."""
    ledger = place.open()
    lease = claimed(ledger)
    met: list[str] = []

    def count(_connection: object, _cursor: object, _statement: str, *context: Any) -> None:
        met.append(context[1].cache_hit.name)

    ledger.self_test()
    event.listen(ledger.engine, "before_cursor_execute", count)
    assert ledger.decide(lease, hold(5), order(), TIMES) is not None
    assert "CACHE_HIT" in met
    assert "CACHE_MISS" not in met


@pytest.mark.parametrize("table", fence.FENCED)
def test_a_missing_trigger_fails_the_self_test(place: Place, table: str) -> None:
    """A fence with one gap is no fence, and both the start-up test and `atb db verify` say so."""
    name = f"{table}_fence_INSERT" if place.engine == "sqlite" else f"fence ON {table}"
    ledger = place.open()
    place.raw(f"DROP TRIGGER {name}")
    assert not ledger.self_test()
    failed = {finding.check: finding.message for finding in verify(place.url) if not finding.ok}
    missing = name if place.engine == "sqlite" else f"fence of {table}"
    assert failed == {"fence": f"missing or altered: {missing}", "fence probe": "a write of epoch 0 was not refused"}


@pytest.mark.parametrize("table", fence.FIXED)
@pytest.mark.parametrize("way", ["DELETE FROM {}", "UPDATE {} SET epoch = epoch"])
def test_what_was_written_stays(place: Place, table: str, way: str) -> None:
    """Facts are only ever appended, even by the owner of the database."""
    ledger = place.open()
    lease = claimed(ledger)
    ledger.decide(lease, hold(0), order(), TIMES)
    ledger.record_fills(lease, [fill(0)])
    ledger.record_equity(lease, NOW, fill(0).price)
    with pytest.raises(Exception, match="what was written stays"):
        place.raw(way.format(table))


CLAIM = "SELECT tb_claim('pod-1/b', 'r1')"
BUMP = "UPDATE lease SET epoch = epoch + 1"


def change_during_an_open_write(pg: Place, change: str) -> str:
    """What a *change* of the lease meets while a write of the holder is not committed: the fence must hold it up."""
    ledger = pg.open()
    lease = claimed(ledger, "pod-1", "a")
    with closing(psycopg.connect(pg.url)) as trader, closing(psycopg.connect(pg.url)) as taker:
        trader.execute(
            "INSERT INTO equity (at, equity, peak, epoch, instance) VALUES (now(), 1, 1, %s, %s)",
            (lease.epoch, lease.instance),
        )
        taker.execute("SET lock_timeout = '200ms'")
        try:
            taker.execute(change)
            taker.commit()
        except psycopg.errors.LockNotAvailable:
            return "waits"
        trader.commit()
        return "a write of epoch 1 was committed after epoch 2 began"


@pytest.mark.parametrize("change", [CLAIM, BUMP])
def test_a_new_epoch_waits_for_a_write_that_is_not_committed(pg: Place, change: str) -> None:
    """FOR SHARE holds the lease row against any change until the write is committed."""
    assert change_during_an_open_write(pg, change) == "waits"


@pytest.mark.parametrize("weaker", ["", "FOR KEY SHARE"])
def test_a_weaker_lock_is_no_fence(pg: Place, weaker: str) -> None:
    """Control: without the lock, or with FOR KEY SHARE, a stale write gets through, and `atb db verify` sees it."""
    body = fence.postgresql_bodies()["tb_check"]
    assert body.count("FOR SHARE") == 1
    pg.raw(
        "CREATE OR REPLACE FUNCTION tb_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $${body.replace('FOR SHARE', weaker)}$$"
    )
    assert change_during_an_open_write(pg, BUMP) == "a write of epoch 1 was committed after epoch 2 began"
    failed = [finding.message for finding in verify(pg.url) if not finding.ok]
    assert failed == ["missing or altered: tb_check"]


def test_in_a_file_a_new_epoch_waits_too(sqlite: Place) -> None:
    """A writing transaction excludes every other from its beginning; who only reads goes on."""
    ledger, other = sqlite.open(), sqlite.open()
    lease = claimed(ledger, "pod-1", "a")
    with writing(ledger.engine) as connection:
        writes.intend(connection, lease, order(), TIMES)
        with pytest.raises(LedgerUnavailable, match="database is locked"):
            other.claim(instance("pod-1", "b"), NOW)
        assert other.orders() == ()
    assert claimed(other, "pod-1", "b").epoch == 2


@pytest.fixture(name="roles")
def colour_roles(pg: Place) -> tuple[str, str]:
    """Two colours with the rights of the design: the tables and the bots' functions, not the lease."""
    ledger = pg.open()
    names = (
        f"tb_{ledger.ledger_id}_blue_{pg.url.rpartition('_')[2]}",
        f"tb_{ledger.ledger_id}_green_{pg.url.rpartition('_')[2]}",
    )
    for name in names:
        pg.raw(f"CREATE ROLE {name} LOGIN")
        pg.raw(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        pg.raw(f"GRANT INSERT, UPDATE ON {', '.join(fence.FENCED)}, heartbeats, halts TO {name}")
        pg.raw(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
        pg.raw(f"GRANT EXECUTE ON FUNCTION tb_claim(text, text), tb_retire(bigint) TO {name}")
    pg.raw(f"UPDATE lease SET holder = '{names[0]}'")
    return names


def test_only_the_role_that_the_row_names_claims_and_writes(pg: Place, roles: tuple[str, str]) -> None:
    """A colour is a role: the other one is refused the claim, and fenced even with the holder's own words."""
    assert pg.server is not None
    database = pg.url.rpartition("/")[2]
    blue, green = (pg.open(url=pg.server.url(database, role)) for role in roles)
    assert reason(green.claim(instance("pod-2", colour="green"), NOW)) == "NotHolder"
    lease = blue.claim(instance("pod-1"), NOW)
    assert isinstance(lease, Lease)
    assert lease.holder == roles[0]
    with pytest.raises(Fenced):
        green.intend(lease, order(), *TIMES)
    assert not green.retire(lease, NOW)
    assert blue.intend(lease, order(), *TIMES).sequence == 1
    assert blue.retire(lease, NOW)


def test_a_colour_cannot_change_the_lease_row_itself(pg: Place, roles: tuple[str, str]) -> None:
    """The row changes only through the functions."""
    assert pg.server is not None
    with (
        psycopg.connect(pg.server.url(pg.url.rpartition("/")[2], roles[0])) as blue,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        blue.execute("UPDATE lease SET epoch = 7")


def test_a_forged_lease_in_the_session_does_not_open_the_fence(pg: Place, roles: tuple[str, str]) -> None:
    """The functions look in their own schema before the session's temporary one."""
    assert pg.server is not None
    with psycopg.connect(pg.server.url(pg.url.rpartition("/")[2], roles[1])) as green:
        green.execute(
            "CREATE TEMP TABLE lease AS SELECT 9::bigint AS epoch, 'x' AS instance, session_user::text AS holder, "
            "NULL::timestamptz AS released_at"
        )
        with pytest.raises(psycopg.Error, match="fenced: epoch 9 of x") as refusal:
            green.execute("INSERT INTO equity (at, equity, peak, epoch, instance) VALUES (now(), 1, 1, 9, 'x')")
        assert refusal.value.sqlstate == "TB001"


def test_a_frozen_transaction_does_not_keep_the_lease(pg: Place) -> None:
    """The server ends a transaction that stands still for a second, so that a claim can go on."""
    ledger, other = pg.open(), pg.open()
    lease = claimed(ledger, "pod-1", "a")
    with ledger.engine.connect() as frozen:
        frozen.exec_driver_sql(
            "INSERT INTO equity (at, equity, peak, epoch, instance) VALUES (now(), 1, 1, %s, %s)",
            (lease.epoch, lease.instance),
        )
        assert claimed(other, "pod-1", "b").epoch == 2
        frozen.invalidate()
    assert pg.raw("SELECT count(*) FROM equity") == [(0,)]


def test_a_ledger_that_is_gone_is_unavailable_and_comes_back(pg: Place) -> None:
    """A connection cut in mid-transaction is LedgerUnavailable; the next call connects anew under the same epoch."""
    ledger = pg.open()
    lease = claimed(ledger)
    others = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity {others}"

    def cut_in_two() -> None:
        with writing(ledger.engine) as connection:
            connection.exec_driver_sql("SELECT 1")
            pg.raw(cut)
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(LedgerUnavailable):
        cut_in_two()
    assert ledger.intend(lease, order(), *TIMES).sequence == 1
