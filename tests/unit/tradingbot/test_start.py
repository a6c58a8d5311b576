"""What the start knows of itself and of its files."""

import time
from pathlib import Path

import pytest

from tradingbot.domain.errors import Misconfigured
from tradingbot.start.age import age_seconds
from tradingbot.start.files import EXAMPLES, model_file, recording


def test_the_age_of_a_process_holds_all_it_has_computed() -> None:
    """It is no less than the time this process has used so far, and it grows."""
    used = time.thread_time()
    first = age_seconds()
    assert used - 0.02 <= first <= age_seconds()


def test_the_newest_recording_of_the_volume_comes_before_the_example(tmp_path: Path) -> None:
    """The example is for a volume that has none of that market and timeframe."""
    assert recording(tmp_path, "BTC/USDT", "1m") == EXAMPLES / "cache/BTCUSDT-1m-bybit-2022-12-13.csv"
    (tmp_path / "cache").mkdir()
    for day in ("1", "2"):
        (tmp_path / f"cache/BTCUSDT-1m-{day}.csv").touch()
    assert recording(tmp_path, "BTC/USDT", "1m") == tmp_path / "cache/BTCUSDT-1m-2.csv"


@pytest.mark.parametrize(("symbol", "timeframe"), [("DOGE/USDT", "1m"), ("BTC/USDT", "1h")])
def test_a_market_nobody_recorded_is_refused(symbol: str, timeframe: str, tmp_path: Path) -> None:
    """With the folder where a recording belongs."""
    with pytest.raises(Misconfigured, match=rf'exchange.symbols "{symbol}" has no recording: put .* into {tmp_path}'):
        recording(tmp_path, symbol, timeframe)


def test_a_model_of_the_volume_comes_before_the_example(tmp_path: Path) -> None:
    """One that is nowhere is looked for, and missed, on the volume."""
    name = "ethusdt-2017-09.json"
    assert model_file(tmp_path, name) == EXAMPLES / "models" / name
    assert model_file(tmp_path, "mine.json") == tmp_path / "models/mine.json"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).touch()
    assert model_file(tmp_path, name) == tmp_path / "models" / name


@pytest.mark.parametrize("name", ["../cache/x.json", "/etc/passwd", "../../README.md"])
def test_a_model_outside_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    """Neither the volume's other files nor the package's are models."""
    with pytest.raises(Misconfigured, match=r"lies outside .*models: name a file in it"):
        model_file(tmp_path, name)
