"""``atb doctor`` without a trader: each check passes and refuses, and says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

import bots
from tradingbot.cli import examine
from tradingbot.cli.client import Client, Reply
from tradingbot.cli.examine import Finding
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.program import run
from tradingbot.domain.errors import LedgerUnavailable, VenueUnavailable
from tradingbot.settings import Settings, load_settings


def settings(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Settings:
    environment = bots.mounted(folder, bots.settings(folder, **changes))
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    return load_settings(Path(environment["TRADINGBOT_SETTINGS"]))


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return settings(tmp_path, monkeypatch, exchange={"endpoint": "http://127.0.0.1:9"})


class FakeAdapters:
    """The venue as it is said to be: a sentence is why it does not answer, or what is wrong with the clock."""

    def __init__(self, away: str | None = None, doubt: str | None = None) -> None:
        self.away, self.doubt = away, doubt

    async def newest_candles(self, *_: Any) -> tuple[()]:
        if self.away:
            raise VenueUnavailable(self.away)
        return ()

    async def clock_doubt(self, _: Settings) -> str | None:
        await self.newest_candles()
        return self.doubt


def with_venue(monkeypatch: pytest.MonkeyPatch, **said: str) -> None:
    monkeypatch.setattr(examine, "_adapters", lambda: FakeAdapters(**said))


def test_venue_that_answers_is_well(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every market was asked for, and the clocks agree."""
    with_venue(monkeypatch)
    assert examine.venue(given) == Finding("venue", True, "binance answers for BTC/USDT")
    assert examine.clock(given) == Finding("clock", True, "it agrees with the venue's")


def test_venue_that_is_away_and_a_clock_that_is_off_are_named(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that could not be measured is not well either."""
    with_venue(monkeypatch, away="the venue answers 503")
    assert (examine.venue(given).ok, examine.venue(given).message) == (False, "the venue answers 503")
    assert (examine.clock(given).ok, examine.clock(given).message) == (False, "not measured: the venue answers 503")
    with_venue(monkeypatch, doubt="the clocks are 3 s apart")
    assert examine.clock(given) == Finding("clock", False, "the clocks are 3 s apart", "synchronise the node's clock")


def test_a_name_that_nobody_knows_is_told_before_the_venue_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's where there is one: it is the only name the bot looks up."""
    known = settings(tmp_path, monkeypatch, exchange={"endpoint": "http://127.0.0.1:9"})
    assert examine.dns(known) == Finding("dns", True, "127.0.0.1 has an address")
    proxied = settings(tmp_path, monkeypatch, exchange={"proxy": "http://no-such-name.invalid:3128"})
    found = examine.dns(proxied)
    assert (found.ok, found.message.partition(":")[0]) == (False, "no-such-name.invalid")
    other = settings(tmp_path, monkeypatch, exchange={"name": "nowhere"})
    assert (examine.dns(other).ok, examine.dns(other).cure) == (False, "see check start")


def test_mode_sim_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording needs neither a venue nor its clock."""
    with_venue(monkeypatch, away="nobody may ask")
    replayed = settings(tmp_path, monkeypatch, mode="sim")
    assert (examine.venue(replayed).ok, examine.clock(replayed).ok) == (True, True)


def test_token_that_is_not_there_is_named(given: Settings) -> None:
    """Nobody could speak to the trader."""
    assert examine.token(given).ok
    (given.paths.secrets / "api/token").unlink()
    assert examine.token(given).cure == "mount the Secret <bot>-api there"


def test_volume_that_cannot_be_written_or_is_full_is_named(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A halt that cannot be written down is none; the trial leaves nothing behind."""
    state = given.paths.data / "state"
    before = sorted(state.glob("*")) if state.exists() else []
    assert examine.volume(given).ok
    assert sorted(state.glob("*")) == before
    monkeypatch.setattr(examine, "FREE_MB", 10**9)
    full = examine.volume(given)
    assert (full.ok, full.cure) == (False, "make room for at least 1000000000 MB")


def test_volume_that_is_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the mount put there in its place cannot be written."""
    made = settings(tmp_path, monkeypatch)
    (tmp_path / "file").write_text("")
    moved = made.model_copy(update={"paths": made.paths.model_copy(update={"data": tmp_path / "file"})})
    assert examine.volume(moved).message == f"{tmp_path}/file/state cannot be written: Not a directory"


def test_start_that_would_be_refused_is_refused_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence is that of the start."""
    assert examine.start(settings(tmp_path, monkeypatch)).ok
    unknown = settings(tmp_path, monkeypatch, strategy={"name": "no_such"})
    assert (examine.start(unknown).ok, "no_such" in examine.start(unknown).message) == (False, True)


def test_ledger_before_the_first_start_need_not_be_there(given: Settings) -> None:
    """Beside a trader it must; its absence is told as what it is."""
    assert examine.fresh_ledger(given) == Finding("ledger", True, "the first start makes it")
    assert not examine.ledger(given).ok
    given.database.path.parent.mkdir(parents=True, exist_ok=True)
    given.database.path.touch()
    assert not examine.fresh_ledger(given).ok


def test_ledger_that_is_away_is_named(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown is not sound."""

    def away(_: Settings) -> str:
        raise LedgerUnavailable("connection refused")

    monkeypatch.setattr(examine, "ledger_url", away)
    assert examine.ledger(given).message == "connection refused"


def answering(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """A trader that says *body* on both ports; Failed is nobody."""

    def said(*_: Any) -> Reply:
        if isinstance(body, Failed):
            raise body
        return Reply(200, body)

    monkeypatch.setattr(Client, "ops", said)
    monkeypatch.setattr(Client, "api", said)


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ({"status": "healthy"}, Finding("trader", True, "healthy: nothing blocks it")),
        (
            {"status": "degraded", "halted": True, "blocks": ["clock"]},
            Finding("trader", True, "halted, degraded: clock"),
        ),
        (
            {"status": "unhealthy", "database": "ok", "exchange": "away", "blocks": []},
            Finding(
                "trader",
                False,
                "unhealthy: database ok, exchange away; nothing blocks it",
                "mend what is named; atb status tells more",
            ),
        ),
        (Failed(Exit.UNREACHABLE, "nobody answers"), Finding("trader", False, "nobody answers", "see the pod's log")),
    ],
)
def test_trader_is_well_unless_it_is_silent_or_says_otherwise(
    body: Any, finding: Finding, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A halt is no illness: the doctor is asked before a resume."""
    answering(monkeypatch, body)
    assert examine.trader(given) == finding


def test_kill_switch_needs_its_three_ways(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way that is missing is named; none is tried out."""
    (given.paths.data / "state").mkdir(parents=True, exist_ok=True)
    given.paths.podinfo.parent.mkdir(parents=True, exist_ok=True)
    given.paths.podinfo.touch()
    answering(monkeypatch, {})
    assert examine.stopping(given).ok
    assert not (given.paths.data / "state/halt").exists()
    given.paths.podinfo.unlink()
    answering(monkeypatch, Failed(Exit.UNREACHABLE, "nobody answers"))
    (given.paths.data / "state").rmdir()
    assert examine.stopping(given).message == (
        f"the flag file cannot be written; annotations cannot be read at {given.paths.podinfo}; HTTP: nobody answers"
    )


def test_settings_that_cannot_be_read_end_the_examination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else can be told; exit code 1, one line and the count."""
    monkeypatch.setenv("TRADINGBOT_SETTINGS", str(tmp_path / "none.json"))
    assert run(["doctor"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("FAIL  settings: ")
    assert last == "1 checks, 1 failed"


def test_all_that_is_well_is_told_only_when_asked(
    given: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--verbose shows every check, --json for a script; before a start neither trader nor ledger is looked for."""
    with_venue(monkeypatch)
    assert run(["doctor", "--before-start"]) == 0
    assert capsys.readouterr().out == "8 checks, 0 failed\n"
    assert run(["doctor", "--before-start", "--verbose"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[1].rstrip(":") for line in lines[:-1]]
    assert names == ["settings", "start", "token", "volume", "dns", "venue", "clock", "ledger"]
    (given.paths.secrets / "api/token").unlink()
    assert run(["doctor", "--before-start", "--verbose"]) == 1
    assert capsys.readouterr().out.splitlines()[-2].startswith("FAIL  token: ")
    (given.paths.secrets / "api/token").write_text("t")
    assert run(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    sick = [name for name, each in said["checks"].items() if each["status"] == "fail"]
    assert (said["ok"], sick) == (False, ["ledger", "trader", "kill switch"])
