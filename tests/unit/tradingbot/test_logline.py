"""Lines of the log as people look for them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tradingbot.domain.logline import Line, NoLog, Wanted, component_of, level_named, parse_line, together

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LINE = Line(NOW, "ERROR", "venues", "{}", 7)


@pytest.mark.parametrize(
    ("logger", "component"),
    [
        ("tradingbot", "LiveTradingEngine"),
        ("tradingbot.telling", "LiveTradingEngine"),
        ("tradingbot.venues.budget", "venues"),
        ("tradingbot.ledger.migrations.env", "ledger"),
        ("trades", "trades"),
        ("uvicorn.error", "uvicorn"),
    ],
)
def test_a_line_is_of_its_folder_or_of_the_engine(logger: str, component: str) -> None:
    """Folders, the engine for all that has none, and libraries by their first name."""
    assert component_of(logger) == component


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(level="ERROR"), True),
        (Wanted(level="CRITICAL"), False),
        (Wanted(component="Venues"), True),
        (Wanted(component="venue"), False),
        (Wanted(since=NOW), True),
        (Wanted(since=NOW + timedelta(microseconds=1)), False),
    ],
)
def test_a_line_is_taken_by_level_component_and_age(wanted: Wanted, taken: bool) -> None:
    """At least as grave, of that part in any case, and not older."""
    assert wanted.takes(LINE) is taken


@pytest.mark.parametrize(("name", "level"), [("error", "ERROR"), ("WARNING", "WARNING"), ("loud", None), ("", None)])
def test_a_level_is_known_in_any_case(name: str, level: str | None) -> None:
    """Five levels and no other."""
    assert level_named(name) == level


def written(**changes: object) -> str:
    said = {"timestamp": "2026-11-22T12:00:00Z", "level": "ERROR", "component": "venues", **changes}
    return json.dumps({name: value for name, value in said.items() if value is not None})


def test_a_line_of_a_file_is_read() -> None:
    """With the moment, the level and the part it names, and its text as it stands."""
    text = written(event="Ledger unavailable")
    assert parse_line(text) == Line(NOW, "ERROR", "venues", text, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback (most recent call last):",
        written()[:-5],
        "[]",
        "7",
        written(timestamp=None),
        written(timestamp="yesterday"),
        written(timestamp=5),
        written(level="LOUD"),
        written(component=None),
    ],
)
def test_what_is_no_line_of_ours_is_none(text: str) -> None:
    """Torn lines, other programs' words, and lines without a moment, a level or a part."""
    assert parse_line(text) is None


def test_lines_of_files_and_of_the_process_stand_once_in_order_of_time() -> None:
    """What both have is shown once; what only one has is shown at its moment."""
    old, both, new = (Line(NOW + timedelta(seconds=n), "INFO", "api", f"line {n}") for n in range(3))
    told = (Line(both.at, "INFO", "api", both.text, 5), new)
    assert [line.text for line in together((old, both), told)] == ["line 0", "line 1", "line 2"]
    assert [line.text for line in together((new,), (old,))] == ["line 0", "line 2"]


def test_without_a_log_there_are_no_lines() -> None:
    """Nothing was written, nothing lost."""
    nothing = NoLog()
    assert (nothing.tail(Wanted(), 10), nothing.number, nothing.lost()) == ((), 0, {})
    assert nothing.counts() == {"DEBUG": 0, "INFO": 0, "WARNING": 0, "ERROR": 0, "CRITICAL": 0}
