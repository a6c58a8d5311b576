"""The audit log on real databases: told with what it tells, kept from everybody, and found out when it is not."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import bots
from hands import Hands, claimed, every_hands  # noqa: F401
from ledgers import (  # noqa: F401
    NOW,
    TIMES,
    Place,
    each_place,
    hold,
    migrated_file,
    order,
    running_server,
    running_server_17,
    sqlite_place,
)
from tradingbot.cli.program import run
from tradingbot.domain.audit import Broken, Head
from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.order import OrderStatus
from tradingbot.ledger import trail, verify
from tradingbot.ledger.audit import integrity

HALT = Halt("h1", HaltKind.HALT, "http", "spread looks wrong", NOW)
TOLD = "SELECT id, event_type, actor, subject FROM audit_logs ORDER BY id"


def told(place: Place, count: int) -> None:
    """A log of so many entries."""
    ledger = place.open()
    for number in range(count):
        ledger.latch(Halt(f"h{number}", HaltKind.HALT, "http", "spread", NOW))


def unlocked(place: Place, *statements: str) -> None:
    """What the owner of the database does who takes the triggers away first."""
    if place.engine == "sqlite":
        kept = ("audit_logs_keep_UPDATE", "audit_logs_keep_DELETE", "audit_head_onward")
        statements = (*(f"DROP TRIGGER {name}" for name in kept), *statements)
        for statement in statements:
            place.raw(statement)
        return
    for table in ("audit_logs", "audit_head"):
        place.raw(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    for statement in statements:
        place.raw(statement)


def test_a_halt_and_its_resume_are_told_once(hands: Hands) -> None:
    """By the colour's own role; the same halt again, or a resume of what does not stand, tells nothing."""
    ledger = hands.open()
    claimed(ledger)
    for _ in range(2):
        ledger.latch(HALT)
    assert ledger.resume("h1", "spread is right", NOW)
    assert not ledger.resume("h1", "again", NOW)
    assert hands.place.raw(TOLD) == [(1, "HALTED", "http", "h1"), (2, "RESUMED", "trader", "h1")]
    (details,) = hands.place.raw("SELECT details FROM audit_logs WHERE id = 1")[0]
    assert json.loads(details) == {"kind": "halt", "reason": "spread looks wrong", "since": "2026-11-21T12:00:00+00:00"}
    head, wrong = trail.verify(hands.url(hands.holder("blue")))
    assert (head.number, wrong) == (2, None)
    assert integrity(hands.url(hands.holder("blue"))) == ()


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud83db"])
def test_a_halt_in_odd_characters_is_latched_all_the_same(hands: Hands, odd: str) -> None:
    """A flag file or an annotation may hold what no database takes; it must not keep the trader from its ledger."""
    ledger = hands.open()
    assert ledger.latch(Halt(odd, HaltKind.HALT, odd, odd, NOW)) == odd
    (halt,) = ledger.halts()
    assert (halt.id, halt.source, halt.reason) == ("a?b", "a?b", "a?b")
    assert ledger.resume(odd, odd, NOW)
    head, wrong = trail.verify(hands.url(hands.holder("blue")))
    assert (head.number, wrong) == (2, None)


def test_what_is_not_done_is_not_told(place: Place) -> None:
    """The entry is part of the transaction: undone with it, and not without it."""
    ledger = place.open()

    def undone() -> None:
        with ledger.one_write():
            ledger.latch(HALT)
            raise LedgerUnavailable("gone before the end")

    with pytest.raises(LedgerUnavailable, match="gone before the end"):
        undone()
    assert (place.raw(TOLD), ledger.halts()) == ([], ())
    assert trail.verify(place.url) == (Head(), None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET actor = 'nobody' WHERE id = 1",
        "DELETE FROM audit_logs WHERE id = 1",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET number = number - 1",
        "UPDATE audit_head SET number = number",
    ],
)
def test_an_entry_stays_as_it_is(place: Place, statement: str) -> None:
    """The owner of the database is refused too, as long as the triggers stand."""
    told(place, 2)
    with pytest.raises(Exception, match="refuses"):
        place.raw(statement)
    assert trail.verify(place.url)[1] is None


def test_all_who_tell_at_once_make_one_chain(hands: Hands) -> None:
    """Both colours halt in the same moment, many times over: no entry is lost and none forks the chain."""
    ledgers = [hands.open("blue"), hands.open("green")]

    def tell(index: int) -> None:
        for number in range(10):
            ledgers[index].latch(Halt(f"h{index}-{number}", HaltKind.HALT, "http", "spread", NOW))

    threads = [threading.Thread(target=tell, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    head, wrong = trail.verify(hands.url(hands.holder("blue")))
    assert (head.number, wrong) == (20, None)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_logs SET details = '{}' WHERE id = 2", "entry 2 is not what was written"),
        ("DELETE FROM audit_logs WHERE id = 2", "entry 2 is missing: after 1 comes 3"),
        ("DELETE FROM audit_logs WHERE id = 3", "the log ends with entry 2, but entry 3 was written last"),
    ],
)
def test_whoever_takes_the_triggers_away_is_found_out(place: Place, statement: str, found: str) -> None:
    """The first broken entry is named, and the ledger is not sound."""
    told(place, 3)
    unlocked(place, statement)
    wrong = trail.verify(place.url)[1]
    assert isinstance(wrong, Broken)
    assert wrong.message.startswith(found)
    findings = {finding.check: finding for finding in verify(place.url)}
    assert not findings["audit log"].ok
    assert not findings["fence"].ok or place.engine == "postgresql"


def test_the_command_tells_whether_the_log_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Exit 0 and where it ends, which can be noted elsewhere; or 1 and the first broken entry."""
    rendered = bots.settings(tmp_path, database={"path": str(tmp_path / "ledger.sqlite")})
    for name, text in bots.mounted(tmp_path, rendered).items():
        monkeypatch.setenv(name, text)
    place = Place("sqlite", f"sqlite:///{tmp_path}/ledger.sqlite")
    told(place, 2)
    (newest,) = place.raw("SELECT hash FROM audit_head")[0]
    assert run(["audit", "verify"]) == 0
    assert capsys.readouterr().out == f"audit log is whole: 2 entries, the last one {newest}\n"
    unlocked(place, "DELETE FROM audit_logs WHERE id = 1")
    assert run(["audit", "verify", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "ok": False,
        "entries": 2,
        "hash": newest,
        "broken": 1,
        "message": "entry 1 is missing: after 0 comes 2",
    }
    place.close()


def test_a_ledger_at_work_is_found_sound(place: Place) -> None:
    """A bought position whose sale is not in the book yet, an order without an answer: that is no corruption."""
    ledger = place.open()
    lease = claimed(ledger, name="pod-1/a")
    told(place, 1)
    write = ledger.decide(lease, hold(0), order(), TIMES)
    assert write is not None
    ledger.settle(lease, write.client_id, OrderStatus.FILLED, None, "")
    assert integrity(place.url) == ()


def test_a_damaged_ledger_is_found_out(place: Place) -> None:
    """The audit log, the fence, a cursor that is not where the decisions are: each is named."""
    ledger = place.open()
    lease = claimed(ledger, name="pod-1/a")
    ledger.decide(lease, hold(0), None, None)
    told(place, 2)
    unlocked(place, "DELETE FROM audit_logs WHERE id = 1")
    fence = "DROP TRIGGER cursors_fence_UPDATE" if place.engine == "sqlite" else "DROP TRIGGER fence ON cursors"
    place.raw(fence)
    later = "'2026-11-21T13:00:00.000000Z'"
    place.raw(f"UPDATE cursors SET decided_through = {later}")
    found = {finding.check: finding.message for finding in integrity(place.url)}
    assert set(found) == {"fence", "cursors", "audit log"}
    assert found["cursors"] == "not on the newest decision: sma_cross BTC/USDT"


def test_a_torn_file_is_no_ledger_that_is_away(sqlite: Place) -> None:
    """Pages overwritten by something else: the file answers, and what it answers is nonsense."""
    told(sqlite, 20)
    sqlite.close()
    path = Path(sqlite.url.removeprefix("sqlite:///"))
    sqlite.raw("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    found = integrity(sqlite.url)
    assert [finding.check for finding in found] == ["pages"]
    path.unlink()
    with pytest.raises(LedgerUnavailable):
        integrity(sqlite.url)
