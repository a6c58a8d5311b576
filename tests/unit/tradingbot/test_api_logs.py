"""The log of a process, asked for and steered while it runs: by HTTP, by annotation, by ``atb logs``."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import generate_latest
from starlette.testclient import TestClient

import bots
from desks import Admitted, ListeningEngine, desk
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import registry
from tradingbot.api.rest import http_app
from tradingbot.cli import logs as command
from tradingbot.cli.client import Reply
from tradingbot.cli.exits import Exit, Failed
from tradingbot.cli.program import run
from tradingbot.domain.logline import Wanted
from tradingbot.start.levels import LevelSource
from tradingbot.start.lines import Lines
from tradingbot.start.logs import configure
from tradingbot.start.outlets import Files

PEOPLE = {"Authorization": "Bearer people"}


@pytest.fixture
def lines() -> Iterator[Lines]:
    """A configured log; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield configure("info", [], io.StringIO())
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def http(lines: Lines) -> TestClient:
    """A bot whose log has a line of the venues, an error of the engine, and a line of the API."""
    at = desk(ListeningEngine(), api_tokens=Admitted("people"), log=lines, now=lambda: datetime.now(UTC))
    logging.getLogger("tradingbot.venues.budget").info("first")
    logging.getLogger("tradingbot.telling").error("second")
    logging.getLogger("tradingbot.api.rest").info("third")
    return TestClient(http_app(at), headers=PEOPLE)


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("", ["first", "second", "third"]),
        ("?lines=2", ["second", "third"]),
        ("?level=error", ["second"]),
        ("?component=LiveTradingEngine", ["second"]),
        ("?since=10m", ["first", "second", "third"]),
        ("?since=0s", []),
        ("?after=2", ["third"]),
    ],
)
def test_the_newest_lines_are_told_as_they_were_written(http: TestClient, query: str, events: list[str]) -> None:
    """By number, level, part, age, or what came after the last look."""
    told = http.get(f"/api/logs{query}").json()
    assert [json.loads(line)["event"] for line in told["lines"]] == events
    assert told["next"] == 3


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("lines=0", 'lines "0" is not a number from 1 to 1000: write one'),
        ("lines=many", 'lines "many" is not a number from 1 to 1000: write one'),
        ("level=loud", 'level "loud" is unknown: write one of DEBUG, INFO, WARNING, ERROR, CRITICAL'),
        ("since=yesterday", 'since "yesterday" is not a duration: write for example 10m'),
        ("since=999999999d", 'since "999999999d" is not a duration: write for example 10m'),
        ("after=-1", 'after "-1" is not a number from 0 to 140737488355328: write one'),
    ],
)
def test_a_question_that_is_not_right_is_refused(http: TestClient, query: str, sentence: str) -> None:
    """422 and one sentence with the cure."""
    answer = http.get(f"/api/logs?{query}")
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})


def test_the_level_is_told_and_set(http: TestClient, lines: Lines) -> None:
    """The next lines are of the new level; a level that is none changes nothing."""
    assert http.get("/api/config/log-level").json() == {"level": "INFO"}
    assert http.put("/api/config/log-level", json={"level": "debug"}).json() == {"level": "DEBUG"}
    structlog.stdlib.get_logger("tradingbot.telling").debug("now written")
    assert json.loads(lines.tail(Wanted(), 1)[0].text)["event"] == "now written"
    answer = http.put("/api/config/log-level", json={"level": "loud"})
    assert answer.status_code == 422
    assert answer.json()["error"] == 'level "loud" is unknown: send one of DEBUG, INFO, WARNING, ERROR, CRITICAL'
    assert lines.threshold == "DEBUG"


def test_lines_are_counted_by_level_and_losses_by_outlet(lines: Lines) -> None:
    """Every level has its series from the start."""
    logging.getLogger("tradingbot.telling").error("one")
    shown = generate_latest(registry(Gauges(desk(ListeningEngine(), log=lines)))).decode()
    written = 'log_messages_total{bot="btc",colour="blue",level="%s",mode="paper",namespace="trading"} %s.0'
    assert written % ("ERROR", 1) in shown
    assert written % ("CRITICAL", 0) in shown
    lost = next(row for row in shown.splitlines() if row.startswith("tradingbot_log_lines_lost_total"))
    assert 'outlet="stream"' in lost
    assert lost.endswith(" 0.0")


@pytest.mark.asyncio
async def test_an_annotation_sets_the_level_for_as_long_as_it_stands(lines: Lines, tmp_path: Path) -> None:
    """One that is no level is told and changes nothing; without it the level is that of the start."""
    podinfo = tmp_path / "annotations"
    source = LevelSource(lines, podinfo)
    await source.look()
    for text, threshold in (
        ('tradingbot.io/log-level="debug"\n', "DEBUG"),
        ('tradingbot.io/log-level="loud"\n', "DEBUG"),
        ('other="x"\n', "INFO"),
    ):
        podinfo.write_text(text)
        await source.look()
        assert lines.threshold == threshold
    said = [json.loads(line.text) for line in lines.tail(Wanted(), 10)]
    assert [line.get("threshold") or line["annotation"] for line in said] == ["DEBUG", "loud", "INFO"]


def entry(second: int, level: str, event: str) -> str:
    at = datetime(2022, 12, 13, 12, 0, second, tzinfo=UTC)
    return json.dumps({"timestamp": at.isoformat(), "level": level, "component": "api", "event": event})


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod without a trader, whose log files have lines of one that ended."""
    for name, text in bots.mounted(tmp_path, bots.settings(tmp_path)).items():
        monkeypatch.setenv(name, text)
    folder = tmp_path / "data/logs/error_logs"
    folder.mkdir(parents=True)
    (folder / "errors.log").write_text(entry(3, "ERROR", "late") + "\n")
    (folder / "errors.log.1").write_text(entry(1, "ERROR", "early") + "\n")
    shown = [entry(1, "ERROR", "early"), entry(2, "INFO", "between"), "torn", entry(3, "ERROR", "late")]
    (folder.parent / "app.log").write_text("\n".join(shown) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "events"),
    [
        ([], ["early", "between", "late"]),
        (["--errors"], ["early", "late"]),
        (["--lines", "2"], ["between", "late"]),
        (["--errors", "--tail", "1"], ["late"]),
        (["--component", "API"], ["early", "between", "late"]),
    ],
)
def test_what_a_trader_that_ended_has_written_can_be_read(
    pod: Path, flags: list[str], events: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """From the files, the one put aside included; what is no line is passed over."""
    assert run(["logs", *flags]) == 0
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == events


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (["--since", "10m"], Exit.UNREACHABLE, "atb: no trader answers at"),
        (["-f"], Exit.UNREACHABLE, "atb: no trader answers at"),
        (["--since", "soon"], Exit.USAGE, 'atb: --since "soon" is not a duration: write for example 10m\n'),
        (["--lines", "0"], Exit.USAGE, "atb: Invalid value for '--lines'"),
    ],
)
def test_without_lines_or_a_trader_a_sentence_says_so(
    pod: Path, flags: list[str], code: Exit, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing found is not the same as nothing written."""
    assert run(["logs", *flags]) == code
    assert capsys.readouterr().err.startswith(sentence)


def test_who_follows_is_told_each_line_once_even_across_a_restart(
    pod: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers that begin anew are another process; when the trader is gone the command ends with 69."""
    now = datetime.now(UTC) + timedelta(seconds=1)

    def told(event: str) -> str:
        return json.dumps({"timestamp": now.isoformat(), "level": "INFO", "component": "api", "event": event})

    answers = iter(
        [
            {"lines": [told("one")], "next": 7},
            {"lines": [told("two")], "next": 8},
            {"lines": [], "next": 1},
            {"lines": [told("anew")], "next": 1},
        ]
    )
    asked: list[str] = []

    def api(_: object, path: str) -> Reply:
        asked.append(path.rpartition("after=")[2])
        try:
            return Reply(200, next(answers))
        except StopIteration:
            raise Failed(Exit.UNREACHABLE, "gone") from None

    monkeypatch.setattr(command.Client, "api", api)
    monkeypatch.setattr(command, "POLL_SECONDS", 0)
    assert run(["logs", "-f", "--lines", "1"]) == Exit.UNREACHABLE
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["one", "two", "anew"]
    assert asked == ["0", "7", "8", "0", "1"]


def test_a_file_is_read_no_further_than_needed(tmp_path: Path) -> None:
    """The newest lines stand at its end."""
    files = Files(tmp_path, app_bytes=200)
    for second in range(9):
        files._app.append(entry(second, "INFO", f"line {second}"))
    found = command.filed(tmp_path / "app.log", Wanted(), 3)
    assert [json.loads(line.text)["event"] for line in found] == ["line 6", "line 7", "line 8"]
