"""docs/venues.md against the tables it tells of, and the stubs as processes."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import bots
from tradingbot.domain.candle import TIMEFRAMES
from tradingbot.start.addresses import BASES
from tradingbot.start.credentials import WITH_PASSWORD
from tradingbot.venues.ccxt_venue import SPOKEN
from tradingbot.venues.markets import MARKETS, ping_path
from venuerig import STUBS

TESTS = Path(__file__).parent.parent
PAGE = (TESTS.parent / "docs/venues.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
TABLE = {row[0]: dict(zip(ROWS[0][1:], row[1:], strict=True)) for row in ROWS[2:]}


def test_every_venue_is_on_the_page():
    """Those that orders can be sent to are those whose data are read, and those that are told of."""
    assert set(ROWS[0][1:]) == set(SPOKEN) == set(BASES)


@pytest.mark.parametrize("name", SPOKEN)
def test_the_page_says_what_the_tables_say(name):
    """How long a request lives, how private ones go, where the time is, which bars there are, what a Secret holds."""
    traits = SPOKEN[name].traits
    assert TABLE["request life, seconds"][name] == f"{traits.request_life.total_seconds():g}"
    assert TABLE["private requests"][name].startswith("one at a time") is traits.serial
    assert (ping_path(name) if name != "binance" else "/api/v3/time") in TABLE["time"][name]
    assert TABLE["candles"][name].startswith("WebSocket") is traits.streams is (name not in MARKETS)
    bars = tuple(MARKETS[name].timeframes if name in MARKETS else TIMEFRAMES)
    assert TABLE["bars it has"][name] == ("all" if bars == tuple(TIMEFRAMES) else ", ".join(bars))
    assert ("`password`" in TABLE["keys in the Secret"][name]) is (name in WITH_PASSWORD)


def answered(url: str) -> object:
    """What is told there, as soon as somebody listens."""
    ends = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url) as response:
                return json.load(response)
        except OSError:
            assert time.monotonic() < ends, "nobody listens"
            time.sleep(0.05)


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_runs_as_a_process(name):
    """It answers where it is told to listen, and ends when it is told to."""
    port = bots.free_port()
    command = [sys.executable, "-m", "stubs", name, "--port", str(port)]
    process = subprocess.Popen(command, cwd=TESTS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer = answered(f"http://127.0.0.1:{port}{ping_path(name)}")
        assert MARKETS[name].time.read(answer) is not None
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
