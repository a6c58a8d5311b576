"""A migration beside a trader at work: it waits little, goes on later, and never leaves half of anything."""

import shutil
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest

import bots
import postgres
from ledgers import NAMES, TIMES, Place, claimed, order, running_server  # noqa: F401
from tradingbot.cli.program import run
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured
from tradingbot.ledger import migrate as migration
from tradingbot.ledger.lower import lower
from tradingbot.ledger.migrate import check, migrate

NEXT = """
from alembic import op
from sqlalchemy import Column, Text

revision = "0006"
down_revision = "0005"
readable_from = "0005"
writable_from = "{writable_from}"
indexes = {indexes}


def upgrade() -> None:
    op.add_column("intents", Column("note", Text))
    {more}
"""


@pytest.fixture(name="empty", params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A ledger at the newest schema."""
    if request.param == "sqlite":
        place = Place("sqlite", f"sqlite:///{tmp_path}/state/ledger.sqlite")
    else:
        server = request.getfixturevalue("server")
        place = Place("postgresql", server.create(f"migrated_{next(NAMES)}"), server=server)
    migrate(place.url)
    yield place
    place.close()


def scripts(folder: Path, writable_from: str = "0005", indexes: str = "{}", more: str = "") -> str:
    """The product's migrations and one more."""
    copy = folder / "migrations"
    shutil.copytree(Path(str(files("tradingbot.ledger.migrations"))), copy)
    text = NEXT.format(writable_from=writable_from, indexes=indexes, more=more)
    (copy / "versions/0006_next.py").write_text(text)
    return str(copy)


def version(place: Place) -> str:
    return str(place.raw("SELECT version_num FROM alembic_version")[0][0])


def test_a_step_tells_which_code_may_use_its_schema(empty: Place, tmp_path: Path) -> None:
    """The code of today goes on trading on the schema of tomorrow, because that says so."""
    ledger = empty.open()
    lease = claimed(ledger)
    migrate(empty.url, active="0005", scripts=scripts(tmp_path))
    assert version(empty) == "0006"
    assert empty.raw("SELECT * FROM schema_compat ORDER BY version") == [
        ("0002", "0001", "0002"),
        ("0003", "0001", "0002"),
        ("0004", "0001", "0002"),
        ("0005", "0001", "0002"),
        ("0006", "0005", "0005"),
    ]
    assert ledger.intend(lease, order(), *TIMES).sequence == 1
    assert claimed(empty.open(), start="b").epoch == 2
    migrate(empty.url)  # of a version that does not know it: nothing to do


BACK = """

reversible = True


def downgrade() -> None:
    op.drop_column("intents", "note")
"""


@pytest.mark.row("S2-048")
def test_a_step_that_loses_nothing_can_be_undone_and_done_again(
    empty: Place, tmp_path: Path, evidence: Callable[[str, str], None]
) -> None:
    """There and back and there: every row is as it was, and a trader goes on."""
    ledger = empty.open()
    lease = claimed(ledger)
    ledger.intend(lease, order(), *TIMES)
    rows = "SELECT client_id, epoch, quantity, timestamp FROM intents"
    before, folder = empty.raw(rows), scripts(tmp_path)
    path = Path(folder) / "versions/0006_next.py"
    path.write_text(path.read_text().replace("def upgrade", BACK.lstrip() + "\n\ndef upgrade"))
    for _ in range(2):
        migrate(empty.url, active="0005", scripts=folder)
        assert (version(empty), empty.raw(rows)) == ("0006", before)
        with pytest.raises(Misconfigured, match="the trader at work was written for schema 0006: roll its version"):
            lower(empty.url, "0005", active="0006", scripts=folder)
        assert lower(empty.url, "0005", active="0005", scripts=folder) is None
        assert (version(empty), empty.raw(rows)) == ("0005", before)
        assert empty.raw("SELECT max(version) FROM schema_compat") == [("0005",)]
    evidence("migrate, then migrate --to 0005, twice (a step with reversible = True)", f"{before} each time")
    assert ledger.intend(lease, order(), *TIMES).sequence == 2


@pytest.mark.row("S2-048")
def test_a_step_that_cannot_be_undone_is_not(
    empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence: Callable[[str, str], None], capsys: Any
) -> None:
    """Nothing is changed, whichever steps could have been; a schema that nobody knows is refused by name."""
    mode, path = ("embedded" if empty.engine == "sqlite" else "postgres"), empty.url.removeprefix("sqlite:///")
    rendered = bots.settings(tmp_path, database={"mode": mode, "path": path if mode == "embedded" else "/none"})
    for name, text in bots.mounted(tmp_path, rendered, url=empty.url).items():
        monkeypatch.setenv(name, text)
    code = run(["db", "migrate", "--to", "0004"])
    said = capsys.readouterr().err
    evidence("atb db migrate --to 0004; echo $?", f"{said} {code}")
    assert (code, said) == (4, "atb: migration 0005 cannot be undone: restore a backup of before it\n")
    assert run(["db", "migrate", "--to", "0005"]) == 0
    assert capsys.readouterr().out == "the ledger has schema 0005\n"
    folder = scripts(tmp_path)
    migrate(empty.url, scripts=folder)
    refused = "migration 0006, 0005, 0004 cannot be undone: restore a backup of before it"
    assert lower(empty.url, "0003", scripts=folder) == refused
    assert version(empty) == "0006"
    with pytest.raises(Misconfigured, match='--to "0009" is no schema of this version: write one of 0001, 0002, 0003'):
        lower(empty.url, "0009", scripts=folder)
    with pytest.raises(Misconfigured, match="the ledger is at schema 0006, newer than this version"):
        lower(empty.url, "0005")


def test_a_step_that_would_shut_the_active_code_out_is_not_taken(empty: Place, tmp_path: Path) -> None:
    """Neither by the check, which changes nothing, nor by the migration."""
    folder = scripts(tmp_path, writable_from="0006")
    for attempt in (check, migrate):
        with pytest.raises(Misconfigured, match=r"migration 0006 would shut out the active version, .* schema 0005"):
            attempt(empty.url, "0005", folder)
    assert version(empty) == "0005"
    check(empty.url, None, folder)
    check(empty.url, "0006", folder)


def test_a_step_after_which_the_fence_is_down_is_undone(empty: Place, tmp_path: Path) -> None:
    """The probe of epoch 0 runs inside the step's transaction."""
    drop = "DROP TRIGGER fills_fence_INSERT" if empty.engine == "sqlite" else "DROP TRIGGER fence ON fills"
    folder = scripts(tmp_path, more=f'op.execute("{drop}")')
    with pytest.raises(Misconfigured, match="migration 0006 was undone: after it a write of epoch 0 was not refused"):
        migrate(empty.url, scripts=folder)
    assert version(empty) == "0005"
    assert empty.open().self_test()


@pytest.mark.parametrize("broken", [False, True])
def test_an_index_is_built_beside_the_writers(empty: Place, tmp_path: Path, broken: bool) -> None:
    """Outside of any transaction; one that was interrupted is built anew, and a second run changes nothing."""
    folder = scripts(tmp_path, indexes='{"intents_symbol": "intents (symbol)"}')
    if empty.engine == "sqlite":
        migrate(empty.url, scripts=folder)
        assert empty.raw("SELECT count(*) FROM sqlite_master WHERE name = 'intents_symbol'") == [(1,)]
        return
    if broken:
        with psycopg.connect(empty.url, autocommit=True) as owner:
            owner.execute("CREATE INDEX intents_symbol ON intents (symbol)")
            owner.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'intents_symbol'::regclass")
    for _ in range(2):
        migrate(empty.url, scripts=folder)
        assert empty.raw("SELECT indisvalid FROM pg_index WHERE indexrelid = 'intents_symbol'::regclass") == [(True,)]


@pytest.fixture(name="pg")
def newest_place(server: postgres.Server) -> Iterator[Place]:
    place = Place("postgresql", server.create(f"migrated_{next(NAMES)}"), server=server)
    migrate(place.url)
    yield place
    place.close()


def test_a_step_waits_for_a_busy_table_and_is_taken_later(pg: Place, tmp_path: Path) -> None:
    """It asks for 200 ms at a time, so that no writer stands in its queue for longer, and comes back."""
    folder = scripts(tmp_path)
    with psycopg.connect(pg.url) as busy:
        busy.execute("LOCK TABLE intents IN ACCESS SHARE MODE")
        stepping = threading.Thread(target=migrate, args=(pg.url, None, folder))
        stepping.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while pg.raw(waits) == [(0,)]:
            assert stepping.is_alive()
        with psycopg.connect(pg.url) as trader:
            trader.execute("SET lock_timeout = 2000")
            trader.execute("SELECT count(*) FROM intents")
        assert stepping.is_alive()
        busy.rollback()
        stepping.join(30)
    assert version(pg) == "0006"


def test_a_table_that_is_never_free_is_said_to_be_so(
    pg: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed, and the Job may be started again."""
    monkeypatch.setattr(migration, "TRIES", 2)
    with psycopg.connect(pg.url) as busy:
        busy.execute("LOCK TABLE intents IN ACCESS SHARE MODE")
        with pytest.raises(LedgerUnavailable, match="the ledger's tables were not free for 200 ms in 2 tries"):
            migrate(pg.url, scripts=scripts(tmp_path))
    assert version(pg) == "0005"


def test_two_migrations_at_once_take_each_step_once(pg: Place, tmp_path: Path) -> None:
    """The second waits for the first and finds nothing to do."""
    folder = scripts(tmp_path)
    faults: list[BaseException] = []

    def run() -> None:
        try:
            migrate(pg.url, scripts=folder)
        except (LedgerUnavailable, Misconfigured) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (faults, version(pg)) == ([], "0006")
