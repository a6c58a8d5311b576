"""``atb data cache-manager``: what is kept is listed and removed, with or without a trader."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

import bots
from trading import BTC, candle
from tradingbot.cli.program import run
from tradingbot.start.files import candles_folder
from tradingbot.venues.candle_files import Bound, CandleFiles

Said = pytest.CaptureFixture[str]
HOUR = 3600


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod whose volume has bars of two markets, written now and 50 hours ago, and a broken file of 49 hours ago."""
    for name, text in bots.mounted(tmp_path, bots.settings(tmp_path, data={"cache_ttl": "49h"})).items():
        monkeypatch.setenv(name, text)
    kept = candles_folder(tmp_path / "data")
    files = CandleFiles(kept, ("binance", "http://venue"), Bound(1_000_000, timedelta(days=1)))
    for symbol, count in ((BTC, 3), ("ETH/USDT", 2)):
        files.store(symbol, "1m", [candle(minute) for minute in range(count)])
    (kept / "broken.json").write_text("{")
    now = (kept / "broken.json").stat().st_mtime
    for path in kept.iterdir():
        hours = 50 if "ETH" in path.name else 49.5 if path.name == "broken.json" else 0
        os.utime(path, (now - hours * HOUR, now - hours * HOUR))
    return kept


def test_what_is_kept_is_listed(folder: Path, capsys: Said) -> None:
    """Markets, bars, bytes and ages; a broken file is named as such."""
    assert run(["data", "cache-manager", "info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["exchange"], each["symbol"], each["timeframe"], each["bars"]) for each in told["entries"]] == [
        ("binance", BTC, "1m", 3),
        ("binance", "ETH/USDT", "1m", 2),
        ("unreadable", "broken.json", "", 0),
    ]
    assert told["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert [each["age_seconds"] // HOUR for each in told["entries"]] == [0, 50, 49]
    assert run(["data", "cache-manager", "info"]) == 0
    assert "BTC/USDT" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "removed", "left"),
    [
        (["clear-old", "--hours", "50"], 1, 2),
        (["clear-old", "--hours", "48"], 2, 1),
        (["clear-old"], 0, 3),
        (["purge-expired"], 2, 1),
        (["clear"], 3, 0),
    ],
)
def test_what_is_old_enough_is_removed(command: list[str], removed: int, left: int, folder: Path, capsys: Said) -> None:
    """The count is printed; what is younger stays."""
    assert run(["data", "cache-manager", *command]) == 0
    assert capsys.readouterr().out == f"{removed} entries removed\n"
    assert len(list(folder.iterdir())) == left


def test_a_pod_that_never_asked_a_venue_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """No folder is an empty one."""
    for name, text in bots.mounted(tmp_path, bots.settings(tmp_path)).items():
        monkeypatch.setenv(name, text)
    assert run(["data", "cache-manager", "info"]) == 0
    assert capsys.readouterr().out == "0 symbols in 0 bytes\nnone\n"
    assert run(["data", "cache-manager", "clear"]) == 0
    assert capsys.readouterr().out == "0 entries removed\n"
