"""``atb check`` and the last word: what can be told of settings before anything is touched."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import bots
from tradingbot.domain.errors import Misconfigured
from tradingbot.main import outcome
from tradingbot.start import ending
from tradingbot.start.check import check
from tradingbot.start.credentials import Secrets, TokenFile
from tradingbot.start.ending import leave_word

MODEL = json.dumps(
    {"weights": [1.0], "bias": 0.0, "trained": {"from": "2017-09-03T00:00:00+00:00", "to": "2017-09-04T00:00:00+00:00"}}
)
ML = {"name": "ml_basic", "parameters": {"model": "m.json", "sha256": hashlib.sha256(MODEL.encode()).hexdigest()}}


@pytest.fixture
def last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file the kubelet reads, in this test's folder."""
    path = tmp_path / "termination-log"
    path.touch()
    monkeypatch.setattr(ending, "LAST_WORD", path)
    return path


def checked(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> int:
    for name, text in bots.mounted(folder, bots.settings(folder, **changes)).items():
        monkeypatch.setenv(name, text)
    return check()


def everything(folder: Path) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*")}


GOOD = [{}, {"mode": "dry-run"}, {"strategy": ML}]


@pytest.mark.parametrize("changes", GOOD, ids=lambda value: str(value)[:30])
def test_settings_that_can_be_traded_with_are_usable(
    changes: dict[str, Any],
    tmp_path: Path,
    last_word: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says so, ends with 0 and leaves no word."""
    (tmp_path / "data/models").mkdir(parents=True)
    (tmp_path / "data/models/m.json").write_text(MODEL)
    assert checked(tmp_path, monkeypatch, **changes) == 0
    assert capsys.readouterr() == ("settings are usable\n", "")
    assert last_word.read_text() == ""


BAD = [
    ({"strategy": {"name": "nope"}}, 'strategy.name: "nope" is not known; choose one of ml_basic, rsi, sma_cross'),
    (
        {"strategy": {"parameters": {"fast": "9", "slow": "3"}}},
        "strategy.parameters.fast is '9'; give less than slow, which is 3",
    ),
    ({"strategy": {**ML, "parameters": {**ML["parameters"], "sha256": "0"}}}, "strategy.parameters.sha256 is '0'; "),
    (
        {
            "strategy": {"parameters": {"fast": "3", "slow": "150"}},
            "engine": {"warmup_bars": 100, "max_bars_in_memory": 100},
        },
        "engine.max_bars_in_memory 100 is too small for sma_cross: write 150 or more",
    ),
    ({"exchange": {"name": "mtgox"}}, 'exchange.name "mtgox" is not spoken here: write binance or coinbase or'),
    ({"exchange": {"symbols": ["btc"]}}, 'exchange.symbols.0 "btc" is not a market: '),
    ({"mode": "sim", "exchange": {"symbols": ["DOGE/USDT"]}}, 'exchange.symbols "DOGE/USDT" has no recording: put '),
    (
        {"exchange": {"sandbox": True, "endpoint": "http://127.0.0.1:9"}},
        'mode "paper" sends orders, but ',
    ),
    ({"database": {"mode": "postgres"}}, 'database.mode "postgres" needs '),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_settings_that_cannot_are_refused_as_the_start_would(
    changes: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    last_word: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """78, one sentence on stderr, and the same one where the kubelet reads it."""
    (tmp_path / "data/models").mkdir(parents=True)
    (tmp_path / "data/models/m.json").write_text(MODEL)
    assert checked(tmp_path, monkeypatch, **changes) == 78
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"atb check: {sentence}")
    assert last_word.read_text() == err.removeprefix("atb check: ").rstrip("\n")


def test_a_check_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ledger, no lock, no folder: the second check finds the files as the first one did."""
    assert checked(tmp_path, monkeypatch) == 0
    before = everything(tmp_path)
    assert check() == 0
    assert everything(tmp_path) == before


ENDS = [
    (Misconfigured("database.url postgresql://blue:0123456789@db: open it"), 78, "database.url postgresql://blue:"),
    (RuntimeError("a bug"), 1, ""),
]


@pytest.mark.parametrize(("error", "code", "word"), ENDS, ids=["misconfigured", "fault"])
def test_a_trader_that_must_be_helped_says_so_last(
    error: Exception, code: int, word: str, tmp_path: Path, last_word: Path
) -> None:
    """What the engine finds wrong later is told as what the start finds; no secret is in it, and a fault is no word."""

    async def ended() -> int:
        trader: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        trader.set_exception(error)
        nothing = TokenFile(tmp_path / "none")
        return outcome(trader, Secrets(nothing, nothing, None, SecretStr("0123456789")))

    assert asyncio.run(ended()) == code
    assert last_word.read_text().startswith(word)
    assert bool(last_word.read_text()) == bool(word)
    assert "0123456789" not in last_word.read_text()


def test_the_last_word_is_all_there_is_and_fits(tmp_path: Path) -> None:
    """An older word is gone, a longer one is cut to what the kubelet keeps."""
    path = tmp_path / "word"
    path.write_text("x" * 9000)
    leave_word("y" * 5000, path)
    assert path.read_text() == "y" * 4096


def test_a_last_word_nobody_asked_for_is_not_written(tmp_path: Path) -> None:
    """Outside a pod there is no such file, and none is made."""
    leave_word("lost", tmp_path / "word")
    leave_word("lost", tmp_path)
    assert list(tmp_path.iterdir()) == []
