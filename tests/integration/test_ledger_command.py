"""``atb db migrate`` and ``atb db compat`` as the migration Job runs them."""

import random
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

import bots
import postgres
from hands import FENCER, LEDGER, OWNING, establish
from ledgers import NOW, running_server  # noqa: F401
from tradingbot.cli import database
from tradingbot.cli.program import run
from tradingbot.domain.lease import Instance, Lease
from tradingbot.ledger import Book, Owner, open_ledger
from tradingbot.settings import load_settings
from tradingbot.start.bound import OWN, bound_to
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.shadow import ShadowVenue

NAMES = count()
MIGRATE = ["db", "migrate", "--ledger-id", LEDGER, "--fencer", FENCER]


class Job:
    """A migration Job's files, and what it said last."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str, owner: str | None) -> None:
        rendered = bots.settings(folder, database={"mode": mode, "path": str(folder / "ledger.sqlite")})
        for name, text in bots.mounted(folder, rendered).items():
            monkeypatch.setenv(name, text)
        self.word = folder / "termination-log"
        self.word.touch()
        monkeypatch.setattr(database, "LAST_WORD", self.word)
        self.settings = load_settings(folder / "settings.json")
        if owner is not None:
            secret = self.settings.paths.secrets / "owner/url"
            secret.parent.mkdir(parents=True)
            secret.write_text(owner + "\n")


@pytest.fixture(name="url")
def owners_database(server: postgres.Server) -> str:
    """An empty database of the owner's."""
    establish(server)
    name = f"job_{next(NAMES)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNING}")
    return server.url(name, OWNING)


@pytest.fixture(name="job")
def mounted_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Job:
    return Job(tmp_path, monkeypatch, "postgres", url)


def test_the_job_prepares_a_ledger_that_the_bot_of_its_settings_opens(job: Job, url: str, capsys: Any) -> None:
    """Exit 0, twice; then blue opens it with its own role and claims."""
    assert (run(MIGRATE), run([*MIGRATE, "--active", "0002"])) == (0, 0)
    assert capsys.readouterr().out == "the ledger has the newest schema\n" * 2
    bot = job.settings.bot
    book = Book(*bound_to(job.settings), "account-1")
    blue = url.replace(OWNING, f"tb_{LEDGER}_blue")
    ledger = open_ledger(blue, Owner(bot.cluster, bot.namespace, bot.name), book, "blue", random.Random(1).randrange)
    claimed = ledger.claim(Instance("blue", "pod-1", "a", "r"), NOW)
    assert isinstance(claimed, Lease)
    assert (claimed.ledger_id, claimed.epoch) == (LEDGER, 1)
    ledger.close()


def test_a_refusal_is_78_and_one_sentence_in_the_termination_log(job: Job, capsys: Any) -> None:
    """A person reads it in the Job's status."""
    code = run(["db", "migrate", "--ledger-id", "zzzzzz", "--fencer", FENCER])
    sentence = 'role "tb_zzzzzz_blue" is not on this server; the operator makes it before it migrates'
    assert (code, job.word.read_text()) == (78, sentence)
    assert capsys.readouterr().err == f"atb: {sentence}\n"


def test_a_database_that_is_away_is_75(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left in the termination log: the Job is to be started again."""
    job = Job(tmp_path, monkeypatch, "postgres", f"postgresql://nobody@127.0.0.1:{bots.free_port()}/none")
    assert (run(MIGRATE), run(["db", "compat", "--active", "0002"]), job.word.read_text()) == (75, 75, "")


def test_compat_says_the_same_and_changes_nothing(job: Job, url: str) -> None:
    """The active code is compared with each step that is still to come."""
    assert run(MIGRATE) == 0
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0001'")
    assert run(["db", "compat", "--active", "0001"]) == 78
    assert job.word.read_text().startswith("migration 0002 would shut out the active version, which was written for")
    assert run(["db", "compat", "--active", "0002"]) == 0
    assert run(["db", "compat"]) == 0
    with psycopg.connect(url) as owner:
        assert owner.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--ledger-id", LEDGER], 2, "atb: --ledger-id and --fencer go together: write both or neither\n"),
        (["--fencer", FENCER], 2, "atb: --ledger-id and --fencer go together: write both or neither\n"),
        (
            ["--ledger-id", "Abc123", "--fencer", FENCER],
            2,
            'atb: --ledger-id "Abc123" is not six characters of 0-9 and a-z\n',
        ),
        (
            ["--ledger-id", LEDGER, "--fencer", FENCER],
            78,
            'atb: --ledger-id needs database.mode "postgres": the bot makes an embedded ledger itself\n',
        ),
        ([], 0, ""),
    ],
)
def test_an_embedded_ledger_is_migrated_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, flags: list[str], code: int, said: str
) -> None:
    """Without the flags, and without an owner's login, the bot's own file is brought to the newest schema."""
    Job(tmp_path, monkeypatch, "embedded", None)
    assert run(["db", "migrate", *flags]) == code
    assert capsys.readouterr().err == said


def test_the_book_is_told_from_the_settings_as_the_venues_call_themselves() -> None:
    """The migration binds the ledger before any venue is asked."""
    assert {"sim": PaperVenue.name, "paper": PaperVenue.name, "dry-run": ShadowVenue.name} == OWN
