"""The past of a market: asked page by page, kept whole or not at all, and used where a recording is."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

import bots
from trading import BTC, START, candle
from tradingbot.cli.prefilling import spread
from tradingbot.cli.program import run
from tradingbot.domain.candle import Candle
from tradingbot.settings import parse_settings
from tradingbot.start import prefilling
from tradingbot.start.files import candles_folder, recording
from tradingbot.venues.candle_files import Bound, CandleFiles, entries, held
from tradingbot.venues.past import pages
from tradingbot.venues.replay import load_candles

MINUTE = timedelta(minutes=1)
PLACE = ("binance", "http://venue")


@dataclass
class Archive:
    """A fake venue that tells *page* bars from *since* on, or what stands in *instead*; it keeps what it was asked."""

    known: Sequence[Candle]
    page: int = 3
    pause: timedelta = timedelta(0)
    newest_only: bool = False
    asked: list[int] = field(default_factory=list)

    async def past(self, symbol, timeframe, since) -> tuple[Candle, ...]:
        self.asked.append((since - START) // MINUTE)
        if self.newest_only:
            return tuple(self.known[-self.page :])
        return tuple(each for each in self.known if each.open_time >= since)[: self.page]


def walked(archive: Archive, begin: float, end: float) -> list[Candle]:
    async def told() -> list[Candle]:
        found = pages(archive, (BTC, "1m"), START + begin * MINUTE, START + end * MINUTE)
        return [bar async for page in found for bar in page]

    return asyncio.run(told())


def minutes(bars: Sequence[Candle]) -> list[int]:
    return [(bar.open_time - START) // MINUTE for bar in bars]


def test_every_closed_bar_is_told_once_and_in_order():
    """The one that runs at the end is left out."""
    archive = Archive([candle(minute) for minute in range(12)])
    assert minutes(walked(archive, 2.7, 10.7)) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert archive.asked == [2, 5, 8]


def test_times_without_a_trade_are_stepped_over():
    """Neither an empty answer nor a gap inside one ends the walk."""
    archive = Archive([candle(minute) for minute in (0, 1, 8, 12, 13)])
    assert minutes(walked(archive, 0, 14)) == [0, 1, 8, 12, 13]
    archive = Archive([candle(minute) for minute in (9, 10)])
    archive.known = ()
    assert (walked(archive, 0, 9), archive.asked) == ([], [0, 3, 6])


def test_a_venue_that_tells_its_newest_bars_only_is_asked_once():
    """What it tells of before the time asked for is no part of the answer."""
    archive = Archive([candle(minute) for minute in range(12)], page=5, newest_only=True)
    assert minutes(walked(archive, 0, 12)) == [7, 8, 9, 10, 11]
    assert archive.asked == [0]
    assert minutes(walked(archive, 9, 12)) == [9, 10, 11]


@pytest.mark.parametrize("prices", ["0 1 0 1", "1 2 NaN 1", "5 4 3 4", "1 1 2 1", "1 2 1 Infinity"])
def test_what_cannot_be_a_bar_is_left_out(prices: str):
    """As if nothing had been told of that minute."""
    assert minutes(walked(Archive([candle(0), candle(1, prices), candle(2)]), 0, 3)) == [0, 2]


async def in_pages(*told: Sequence[Candle]) -> AsyncIterator[Sequence[Candle]]:
    for page in told:
        yield page


def files(folder: Path, most: int = 100_000) -> CandleFiles:
    return CandleFiles(folder, PLACE, Bound(most, timedelta(days=1)))


def test_what_was_gathered_is_listed_beside_the_newest_bars_and_can_be_replayed(tmp_path: Path):
    """One market in two files; the newest bars stay as they were."""
    kept, folder = files(candles_folder(tmp_path)), candles_folder(tmp_path)
    kept.store(BTC, "1m", [candle(9)])
    assert asyncio.run(kept.gather(BTC, "1m", in_pages([candle(0), candle(1)], [candle(2)])))
    past, newest = entries(folder)
    assert (past.exchange, past.symbol, past.timeframe, past.bars) == ("binance", BTC, "1m", 3)
    assert (past.first, past.last, newest.first) == (START, START + 2 * MINUTE, START + 9 * MINUTE)
    assert held(folder)[0] == 1
    assert kept.load(BTC, "1m") == (candle(9),)
    file = recording(tmp_path, BTC, "1m", "binance")
    assert load_candles(file, BTC, "1m") == (candle(0), candle(1), candle(2))
    assert file == past.path


def test_a_recording_of_the_volume_comes_before_what_was_gathered(tmp_path: Path):
    """And the past of another venue is no past of this one."""
    asyncio.run(files(candles_folder(tmp_path)).gather("ETH/USDT", "1h", in_pages([candle(0)])))
    assert recording(tmp_path, "ETH/USDT", "1h").parent == candles_folder(tmp_path)
    with pytest.raises(Exception, match="has no recording"):
        recording(tmp_path, "ETH/USDT", "1h", "kraken")
    own = tmp_path / "cache/ETHUSDT-1h-own.csv"
    own.touch()
    assert recording(tmp_path, "ETH/USDT", "1h") == own


def test_the_folder_never_holds_more_than_it_may_while_a_past_comes(tmp_path: Path):
    """Older files make room; a past that is too large alone leaves nothing behind."""
    kept = files(tmp_path, 300)
    kept.store("A/USDT", "1m", [candle(0)])
    os.utime(next(tmp_path.iterdir()), (1, 1))
    sizes = []

    async def watched(count: int) -> AsyncIterator[Sequence[Candle]]:
        for minute in range(count):
            sizes.append(held(tmp_path)[1])
            yield [candle(minute)]

    assert asyncio.run(kept.gather(BTC, "1m", watched(5)))
    assert [(each.symbol, each.bars) for each in entries(tmp_path)] == [(BTC, 5)]
    assert not asyncio.run(kept.gather("B/USDT", "1m", watched(20)))
    assert list(tmp_path.iterdir()) == []
    assert max(sizes) <= 300


def test_a_past_that_broke_off_leaves_what_was_there(tmp_path: Path):
    """Nobody finds half of one."""

    async def broken() -> AsyncIterator[Sequence[Candle]]:
        yield [candle(5)]
        raise OSError("the line is gone")

    kept = files(tmp_path)
    asyncio.run(kept.gather(BTC, "1m", in_pages([candle(0)])))
    with pytest.raises(OSError, match="the line is gone"):
        asyncio.run(kept.gather(BTC, "1m", broken()))
    assert [(each.bars, each.first) for each in entries(tmp_path)] == [(1, START)]


def test_an_empty_past_is_a_file_without_bars(tmp_path: Path):
    asyncio.run(files(tmp_path).gather(BTC, "1m", in_pages()))
    assert [(each.symbol, each.bars, each.first) for each in entries(tmp_path)] == [(BTC, 0, None)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "--symbols A B --timeframes 1h 4h --years 2",
            "--symbols A --symbols B --timeframes 1h --timeframes 4h --years 2",
        ),
        ("--symbols A --json", "--symbols A --json"),
        ("--symbols --years 2", "--symbols --years 2"),
        ("--years 2 3", "--years 2 3"),
        ("", ""),
    ],
)
def test_lists_may_be_written_one_after_the_other(said: str, meant: str):
    assert spread(said.split()) == meant.split()


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rendered = bots.settings(tmp_path, exchange={"endpoint": "http://127.0.0.1:9"})
    for name, text in bots.mounted(tmp_path, rendered).items():
        monkeypatch.setenv(name, text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--timeframes", "2h"], 2, '--timeframes "2h" is unknown: write 1m, 3m'),
        (["--symbols", "BTC", "ETH"], 2, 'SYMBOL "BTC" is not a market'),
        (["--years", "0"], 2, "'--years': Input should be greater than or equal to 1"),
        (["2017"], 2, "Got unexpected extra argument"),
        ([], 69, "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_gathered_is_told_in_one_sentence(
    arguments: list[str], code: int, sentence: str, pod: Path, capsys: pytest.CaptureFixture[str]
):
    """Wrong words, and a venue that does not answer."""
    assert run(["data", "prefill-cache", *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert not candles_folder(pod / "data").exists()


class Feed(Archive):
    """A fake of a venue's public data, and of its clock."""

    def now(self):
        return START + 9 * MINUTE

    async def measure(self) -> None:
        return


def test_the_past_of_another_venue_is_gathered_where_the_settings_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As far back as they say; trainings and replays find it under that venue's name."""
    rendered = bots.settings(
        tmp_path,
        exchange={"name": "kraken", "endpoint": "http://127.0.0.1:9"},
        data={"source": "kucoin", "history": "4m"},
    )
    for name, text in bots.mounted(tmp_path, rendered).items():
        monkeypatch.setenv(name, text)
    asked, feed = [], Feed([candle(minute) for minute in range(9)])
    monkeypatch.setattr(prefilling, "VenueClock", lambda *place: asked.append(place[1:3]) or feed)
    monkeypatch.setattr(prefilling, "feed_of", lambda place, *_: asked.append(place) or feed)
    assert run(["data", "prefill-cache", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["exchange"], told["symbol"], told["bars"]) == ("kucoin", BTC, 4)
    # Its own address, and not that of the exchange that is traded at.
    assert asked[1] == ("kucoin", ("https://api.kucoin.com", ""))
    assert asked[0][1] is None
    settings = parse_settings(json.dumps(rendered))
    assert recording(tmp_path / "data", BTC, "1m", settings.archive).name.startswith("kucoin-")


def test_files_too_old_to_be_believed_are_named_so(pod: Path, capsys: pytest.CaptureFixture[str]):
    """By data.cache_ttl, a week here."""
    kept = files(candles_folder(pod / "data"))
    for symbol in (BTC, "ETH/USDT"):
        kept.store(symbol, "1m", [candle(0)])
    first = min(kept.folder.iterdir())
    os.utime(first, (first.stat().st_mtime - 8 * 86400,) * 2)
    assert run(["data", "cache-manager", "info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["entries"]
    assert [(each["symbol"], each["expired"]) for each in told] == [(BTC, True), ("ETH/USDT", False)]
