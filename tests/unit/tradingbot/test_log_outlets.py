"""Where log lines go: files of bounded size, and nobody who logs waits for a disk or a pipe."""

import io
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from tradingbot.domain.logline import Line, Wanted
from tradingbot.start.lines import Kept, Lines
from tradingbot.start.logs import configure
from tradingbot.start.outlets import Behind, Descriptor, Files, Rotating

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def line(text: str, level: str = "INFO") -> Line:
    return Line(NOW, level, "api", text)


def until(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_every_line_is_in_app_log_and_errors_are_in_both(tmp_path: Path) -> None:
    """The errors file has only ERROR and above, and is there before there is one."""
    files = Files(tmp_path / "logs")
    files.write(line("first"))
    assert (tmp_path / "logs/error_logs/errors.log").read_text() == ""
    for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        files.write(line(level, level))
    assert (tmp_path / "logs/app.log").read_text().split() == ["first", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert (tmp_path / "logs/error_logs/errors.log").read_text().split() == ["ERROR", "CRITICAL"]


def test_a_full_file_is_put_aside_and_no_more_than_two_are_kept(tmp_path: Path) -> None:
    """However much is written, there is the file and the one before it, each no longer than the limit and a line."""
    file = Rotating(tmp_path / "app.log", 100)
    for number in range(100):
        file.append(f"line {number:03}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", "app.log.1"]
    lines = [*(tmp_path / "app.log.1").read_text().split("\n"), *(tmp_path / "app.log").read_text().split("\n")]
    told = [text for text in lines if text]
    assert told == [f"line {number:03}" for number in range(100 - len(told), 100)]
    assert all(path.stat().st_size < 110 for path in tmp_path.iterdir())


def test_two_processes_share_a_file_and_lose_no_line_of_it(tmp_path: Path) -> None:
    """Who finds the file put aside by the other goes on in the new one."""
    pair = [Rotating(tmp_path / "app.log", 100), Rotating(tmp_path / "app.log", 100)]
    for number in range(18):
        pair[number % 2].append(f"line {number:03}")
    told = (tmp_path / "app.log.1").read_text() + (tmp_path / "app.log").read_text()
    assert told.split("\n")[:-1] == [f"line {number:03}" for number in range(18)]


def test_a_file_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    """A person may remove a log file at any time."""
    file = Rotating(tmp_path / "app.log", 1000)
    file.append("before")
    (tmp_path / "app.log").unlink()
    file.append("after")
    assert (tmp_path / "app.log").read_text() == "after\n"


def test_a_line_the_disk_took_half_of_does_not_spoil_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The torn line ends where the disk was full; the next one stands by itself."""
    write = os.write
    file = Rotating(tmp_path / "app.log", 1000)
    monkeypatch.setattr(os, "write", lambda to, content: write(to, content[:5]))
    with pytest.raises(OSError, match="No space left"):
        file.append("torn in two")
    monkeypatch.undo()
    file.append("whole")
    assert (tmp_path / "app.log").read_text() == "torn \nwhole\n"


def test_a_full_disk_costs_lines_and_is_told_once(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Every refused line is counted; the log says that lines are lost, and later that they are written again."""
    (tmp_path / "app.log").symlink_to("/dev/full")
    behind = Behind("files", Files(tmp_path).write)
    for _ in range(5):
        behind.take(line("lost"))
    until(lambda: behind.lost == 5)
    (tmp_path / "app.log").unlink()
    behind.take(line("written"))
    until(lambda: len(caplog.messages) == 2)
    behind.close()
    assert (tmp_path / "app.log").read_text() == "written\n"
    assert caplog.messages == [
        "Log lines are lost: files takes none: [Errno 28] No space left on device",
        "Log lines are written again: files; 5 were lost",
    ]


def test_nobody_waits_for_a_disk_that_hangs(tmp_path: Path) -> None:
    """A file whose opening never returns: lines are taken at once, as many are kept as there is room for."""
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs/app.log")
    behind = Behind("files", Files(tmp_path / "logs").write, room=10)
    # In a thread, so that a line that did wait would fail the test and not hold it for ever.
    logging_on = threading.Thread(target=lambda: [behind.take(line("x")) for _ in range(1000)], daemon=True)
    logging_on.start()
    logging_on.join(20)
    assert not logging_on.is_alive()
    assert 989 <= behind.lost <= 990
    reader = os.open(tmp_path / "logs/app.log", os.O_RDONLY)
    behind.close()
    os.close(reader)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_nobody_waits_for_a_pipe_that_is_not_emptied(pipe: tuple[int, int]) -> None:
    """What does not fit waits in memory, and comes out in order when somebody reads again."""
    reader, writer = pipe
    descriptor = Descriptor(writer)
    behind = Behind("stdout", descriptor.write, descriptor.at_once)
    texts = [f"{number:04} {'x' * 95}" for number in range(2000)]
    for text in texts:
        behind.take(line(text))
    assert behind.lost == 0
    told = b""
    while told.count(b"\n") < 2000:
        told += os.read(reader, 65536)
    behind.close()
    assert told.decode().split("\n")[:-1] == texts


def test_a_line_is_written_at_once_while_the_pipe_has_room(pipe: tuple[int, int]) -> None:
    """Whoever has logged finds it written; a line longer than a pipe takes whole comes after it."""
    reader, writer = pipe
    descriptor = Descriptor(writer)
    behind = Behind("stdout", descriptor.write, descriptor.at_once)
    behind.take(line("short"))
    assert os.read(reader, 100) == b"short\n"
    behind.take(line("x" * 5000))
    behind.close()
    assert os.read(reader, 6000) == b"x" * 5000 + b"\n"


def test_a_reader_that_is_gone_costs_lines_only(tmp_path: Path) -> None:
    """A broken pipe is counted like a full disk."""
    reader, writer = os.pipe()
    os.close(reader)
    descriptor = Descriptor(writer)
    behind = Behind("stdout", descriptor.write, descriptor.at_once)
    behind.take(line("nobody reads"))
    until(lambda: behind.lost == 1)
    behind.close()
    os.close(writer)


def test_what_is_kept_in_memory_is_bounded_by_number_and_length() -> None:
    """The newest stay; one line longer than all may be is kept alone."""
    kept = Kept(3, 100)
    for number in range(5):
        kept.add(line(f"{number}"))
    assert [each.text for each in kept.all()] == ["2", "3", "4"]
    kept.add(line("x" * 99))
    assert [each.text for each in kept.all()] == ["4", "x" * 99]
    kept.add(line("y" * 1000))
    assert [each.text for each in kept.all()] == ["y" * 1000]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """A configured log; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield configure("info", [], io.StringIO())
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_the_newest_lines_can_be_asked_of_the_process(lines: Lines) -> None:
    """In order, from a number on, at most so many; errors outlast a flood of other lines."""
    logging.getLogger("tradingbot.venues.budget").error("early")
    for number in range(1500):
        logging.getLogger("tradingbot.telling").info("line %s", number)
    assert [each.component for each in lines.tail(Wanted(level="ERROR"), 100)] == ["venues"]
    assert [json.loads(each.text)["event"] for each in lines.tail(Wanted(), 2)] == ["line 1498", "line 1499"]
    assert len(lines.tail(Wanted(), 5000)) == 1000
    assert [each.number for each in lines.tail(Wanted(), 10, after=lines.number - 1)] == [1501]
    assert lines.counts() == {"DEBUG": 0, "INFO": 1500, "WARNING": 0, "ERROR": 1, "CRITICAL": 0}
    assert lines.lost() == {"stream": 0}


def test_the_level_changes_while_the_process_runs(lines: Lines) -> None:
    """Debug lines are written from the moment they are asked for; libraries that talk much stay quiet."""
    ours, theirs = structlog.stdlib.get_logger("tradingbot.telling"), logging.getLogger("asyncio")
    ours.debug("before")
    assert lines.threshold == "INFO"
    lines.threshold = "DEBUG"
    ours.debug("after")
    theirs.debug("selector")
    lines.threshold = "ERROR"
    ours.info("later")
    assert [json.loads(each.text)["event"] for each in lines.tail(Wanted(), 10)] == ["after"]


def test_a_line_bears_level_component_and_session(lines: Lines) -> None:
    """The level in capitals, the part and colour it is from, and the epoch the process trades under while it does."""
    log = structlog.stdlib.get_logger("tradingbot.telling")
    log.warning("standing by")
    lines.session, lines.colour = lambda: 7, "blue"
    log.error("trading")
    before, after = (json.loads(each.text) for each in lines.tail(Wanted(), 10))
    assert (before["level"], before["component"], "run_id" in before) == ("WARNING", "LiveTradingEngine", False)
    assert (after["level"], after["run_id"], after["colour"]) == ("ERROR", 7, "blue")


def test_a_line_that_cannot_be_written_does_not_end_who_wrote_it(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault in a line is told to the terminal."""
    lines.handle(logging.LogRecord("theirs", logging.INFO, "", 0, "%s %s", ("one",), None))
    assert "not enough arguments" in capsys.readouterr().err
    logging.getLogger("theirs").log(35, "between levels")
    assert [each.level for each in lines.tail(Wanted(), 10)] == ["WARNING"]
