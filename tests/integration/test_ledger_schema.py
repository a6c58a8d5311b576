"""How a ledger comes to be: by migrations, whole or not at all, on both engines."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from ledgers import NAMES, Place, running_server  # noqa: F401
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import verify
from tradingbot.ledger.audit import server_version
from tradingbot.ledger.connect import connect, reading
from tradingbot.ledger.migrate import migrate
from tradingbot.ledger.tables import metadata


@pytest.fixture(name="empty", params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A database in which nothing has been made yet."""
    if request.param == "sqlite":
        place = Place("sqlite", f"sqlite:///{tmp_path}/state/ledger.sqlite")
    else:
        server = request.getfixturevalue("server")
        place = Place("postgresql", server.create(f"empty_{next(NAMES)}"), server=server)
    yield place
    place.close()


def test_opening_makes_the_ledger_once(empty: Place) -> None:
    """The first opening makes schema and id, the second finds them."""
    first = empty.open()
    assert first.ledger_id == empty.open().ledger_id
    assert all(finding.ok for finding in verify(empty.url)), verify(empty.url)


@pytest.mark.row("S1-026")
def test_two_processes_that_open_a_new_ledger_open_the_same(empty: Place, evidence: Callable[[str, str], None]) -> None:
    """One makes it, the other waits and finds it."""
    ids: list[str] = []

    def opened() -> None:
        # Who finds the file locked for too long asks again, as the process does at its start.
        while True:
            with contextlib.suppress(LedgerUnavailable):
                ids.append(empty.open().ledger_id)
                return

    threads = [threading.Thread(target=opened) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 2
    assert len(set(ids)) == 1
    evidence(f"two processes open an empty {empty.engine}", f"both find ledger {ids[0]}")


@pytest.mark.row("S0-024")
def test_a_table_that_is_gone_is_named(empty: Place, evidence: Callable[[str, str], None]) -> None:
    """All tables are there, or the one that is not is told and nothing else is looked at."""
    empty.open().close()
    told = {finding.check: finding for finding in verify(empty.url)}
    assert (told["tables"].ok, told["tables"].message) == (True, "All tables exist")
    empty.raw("DROP TABLE shadow_decisions")
    findings = verify(empty.url)
    evidence("DROP TABLE shadow_decisions; atb db verify", str(findings[-1]))
    assert (findings[-1].check, findings[-1].ok, findings[-1].message) == ("tables", False, "missing: shadow_decisions")


@pytest.mark.parametrize(("number", "ok"), [(140011, False), (149999, False), (150000, True), (170002, True)])
def test_a_server_older_than_fifteen_is_refused(number: int, ok: bool) -> None:
    assert server_version(number).ok is ok


def test_the_migrations_make_what_the_code_expects(empty: Place) -> None:
    """Every table, column and index of the code is in the database, and no other."""
    migrate(empty.url)
    engine = connect(empty.url)
    with reading(engine) as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_migrating_twice_changes_nothing(empty: Place) -> None:
    migrate(empty.url)
    migrate(empty.url)
    assert empty.raw("SELECT version_num FROM alembic_version") == [("0005",)]


def test_a_migration_that_fails_leaves_what_was_there(empty: Place) -> None:
    """A table of another program is in the way: the bot is told so, and nothing of ours is left behind."""
    if empty.engine == "sqlite":
        (Path(empty.url.removeprefix("sqlite:///")).parent).mkdir()
    empty.raw("CREATE TABLE halts (theirs integer)")
    with pytest.raises(
        Misconfigured, match=r"^database could not be brought to the newest schema: .*halts.*; name a database"
    ):
        empty.open()
    engine = connect(empty.url)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["halts"]
    engine.dispose()


def test_verifying_nothing_makes_nothing(tmp_path: Path) -> None:
    """A wrong path is reported, and no empty ledger appears there."""
    with pytest.raises(LedgerUnavailable, match="unable to open database file"):
        verify(f"sqlite:///{tmp_path}/elsewhere.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_verifying_an_empty_database_says_what_is_missing(empty: Place) -> None:
    """A database without a ledger is not sound."""
    if empty.engine == "sqlite":
        path = Path(empty.url.removeprefix("sqlite:///"))
        path.parent.mkdir()
        path.touch()
    findings = verify(empty.url)
    assert [(finding.check, finding.ok, finding.message) for finding in findings] == [
        ("schema", False, "at nothing, this version needs 0005")
    ]


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Nothing is written over what cannot be read."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(LedgerUnavailable, match="file is not a database"):
        Place("sqlite", f"sqlite:///{path}").open()
    assert path.read_bytes() == b"no database " * 1000


def test_a_broken_page_is_found(tmp_path: Path) -> None:
    """`atb db verify` asks the database about its own pages."""
    place = Place("sqlite", f"sqlite:///{tmp_path}/ledger.sqlite")
    place.open().close()
    path = tmp_path / "ledger.sqlite"
    whole = bytearray(path.read_bytes())
    (root,) = place.raw("SELECT rootpage FROM sqlite_master WHERE name = 'lease_history_instance'")[0]
    start = (root - 1) * 4096
    whole[start : start + 64] = b"\x0a" + b"\xff" * 63
    path.write_bytes(whole)
    try:
        sound = all(finding.ok for finding in verify(place.url))
    except LedgerUnavailable:
        sound = False
    assert not sound


def test_a_trading_process_does_not_carry_what_it_does_not_use() -> None:
    """Alembic, the ORM and the driver of the other database cost memory in every pod."""
    unused = "[name for name in ('alembic', 'psycopg', 'sqlalchemy.orm') if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys, tradingbot.ledger; print({unused})"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
