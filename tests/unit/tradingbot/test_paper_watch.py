"""What follows from an attempt at real money, and from words that contradict each other."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import bots
from desks import NOW, ListeningEngine, desk
from tradingbot.attempts import Attempts
from tradingbot.domain.audit import Event
from tradingbot.domain.halt import HaltKind, cause
from tradingbot.domain.realmoney import Attempt, Place, Safety
from tradingbot.start.paper import PaperWatch, Words

ORDER = Attempt("POST", "api.binance.com", "/api/v3/order")
WHY = "PaperViolation: {}; find out who changed it, mend it, and resume"
pytestmark = pytest.mark.asyncio


class Watched:
    """A watch over a paper bot whose settings are in *folder*, at a time that stands until it is moved."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.file = folder / "settings.json"
        self.write()
        self.engine = ListeningEngine()
        self.now = 1000.0
        self.desk = desk(monotonic=lambda: self.now)
        self.attempts = Attempts()
        self.log: list[Event] = []
        words = Words(Place("paper", False, None), self.file, MappingProxyType(environment))
        self.watch = PaperWatch(self.engine, self.desk, words, self.attempts, self.log.append)

    def write(self, **changes: Any) -> None:
        """The settings are those of a paper bot, but for *changes*."""
        self.file.write_text(json.dumps(bots.settings(self.file.parent, **changes)))

    async def look(self, later: float = 0.0) -> None:
        self.now += later
        await self.watch.look()


async def test_an_attempt_halts_and_is_told(tmp_path: Path) -> None:
    """By a full halt, and by an entry of the audit log that names what was asked."""
    at = Watched(tmp_path)
    at.attempts.add(ORDER)
    await at.look()
    (halt,) = at.engine.shown.halts
    said = WHY.format("POST api.binance.com/api/v3/order would have been asked; nothing was sent there")
    assert (halt.reason, halt.kind, halt.source, cause(halt.id)) == (said, HaltKind.HALT, "safety", "PaperViolation")
    (told,) = at.log
    assert (told.type, told.actor, told.subject) == (
        "REAL_TRADE_ATTEMPT",
        "trader",
        "POST api.binance.com/api/v3/order",
    )
    assert json.loads(told.details) == {"attempts": 1, "mode": "paper"}


async def test_a_bot_that_attempts_nothing_is_left_alone(tmp_path: Path) -> None:
    """Its words agree, and that is shown with the time of the look."""
    at = Watched(tmp_path, PAPER_TRADING="true", ALLOW_REAL="false")
    assert at.desk.safety == Safety()
    await at.look()
    assert (at.engine.told, at.log, at.desk.safety) == ([], [], Safety(NOW))


async def test_attempts_without_end_are_told_once_a_minute(tmp_path: Path) -> None:
    """The ledger is not filled by them; their number is told."""
    at = Watched(tmp_path)
    for _ in range(3):
        at.attempts.add(ORDER)
        await at.look(1)
    assert (len(at.log), len(at.engine.told)) == (1, 1)
    await at.look(60)
    assert [json.loads(each.details)["attempts"] for each in at.log] == [1, 2]


async def test_the_next_attempt_after_a_resume_halts_again(tmp_path: Path) -> None:
    """Under another name: what a person has resumed stays resumed."""
    at = Watched(tmp_path)
    at.attempts.add(ORDER)
    await at.look()
    (first,) = at.engine.shown.halts
    await at.engine.resume(first.id, "it was a test")
    await at.look()
    assert at.engine.shown.halts == ()
    at.attempts.add(ORDER)
    await at.look()
    (second,) = at.engine.shown.halts
    assert second.id != first.id


async def test_a_changed_file_is_found_within_five_seconds(tmp_path: Path) -> None:
    """And halts until it is mended and somebody resumes."""
    at = Watched(tmp_path)
    await at.look()
    at.write(mode="dry-run")
    await at.look(4.9)
    assert at.engine.told == []
    await at.look(0.2)
    difference = "the settings were paper when this process began and are dry-run now"
    assert at.desk.safety.differences == (difference,)
    assert [reason for reason, _, _ in at.engine.told] == [WHY.format(difference)]
    at.write()
    await at.look(5)
    assert at.desk.safety.consistent is True


async def test_settings_that_would_be_refused_now_are_a_difference(tmp_path: Path) -> None:
    """A sandbox that was led to the venue: this process still has what it began with."""
    at = Watched(tmp_path)
    at.write(exchange={"sandbox": True, "endpoint": "https://api.binance.com"})
    await at.look()
    (difference,) = at.desk.safety.differences
    assert difference.startswith(
        "the settings are refused now: exchange.endpoint https://api.binance.com is a place of real money"
    )


async def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    """Nobody is halted for it, and the time of the last check stays old."""
    at = Watched(tmp_path)
    at.file.unlink()
    await at.look()
    assert (at.engine.told, at.desk.safety) == ([], Safety())


async def test_a_pod_whose_variables_were_changed_is_halted(tmp_path: Path) -> None:
    """They decide nothing, but somebody wanted to change what is decided."""
    at = Watched(tmp_path, ALLOW_REAL="true")
    await at.look()
    assert [reason for reason, _, _ in at.engine.told] == [WHY.format("ALLOW_REAL is 'true' and the mode is paper")]
