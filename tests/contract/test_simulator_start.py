"""The command line: up within a second, small, one sentence for wrong input, gone at SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from exchange_simulator.settings import DATA

COMMAND = [sys.executable, "-m", "exchange_simulator.main"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(port: int, path: str) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
        return json.load(answer)


def until_listening(process: subprocess.Popen, port: int) -> None:
    while process.poll() is None:
        try:
            ask(port, "/healthz")
        except (urllib.error.URLError, ConnectionError):
            continue
        return
    raise AssertionError(process.stderr.read())


@pytest.fixture
def started():
    """Starts simulators and ends them."""
    running = []

    def start(*flags: str, environment: dict[str, str] | None = None) -> tuple[subprocess.Popen, int]:
        port = free_port()
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(port), "--listen", "127.0.0.1", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        running.append(process)
        until_listening(process, port)
        return process, port

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_it_listens_within_a_second_in_less_than_eighty_megabytes(started):
    """CPU time up to the first answer is below a second; resident memory stays below 80 MB."""
    process, port = started("--speed", "60")
    ask(port, "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1000")
    ticks = [int(field) for field in Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]]
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    assert int(status["VmHWM"].split()[0]) < 80_000
    assert sum(ticks) / os.sysconf("SC_CLK_TCK") < 1.0


def test_it_ends_at_sigterm_with_status_zero(started):
    """An open connection does not hold it back."""
    process, port = started()
    ask(port, "/api/v3/time")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0
    assert time.monotonic() - begun < 3
    assert "listening on" in process.stdout.read()


def test_environment_sets_what_flags_do_not(started):
    """SIMULATOR_SPEED and SIMULATOR_ACCOUNT are read; a flag wins over the environment."""
    environment = {"SIMULATOR_SPEED": "lockstep", "SIMULATOR_ACCOUNT": "a:b:USDT=5 c:d:BTC=0.5"}
    _, port = started(environment=environment)
    assert ask(port, "/control/clock")["mode"] == "lockstep"
    assert ask(port, "/control/accounts/c")["balances"] == {"BTC": {"free": "0.5", "locked": "0"}}
    assert ask(port, "/control/accounts/simulator-demo")["balances"]["USDT"]["free"] == "10000"
    _, port = started("--speed", "1", environment=environment)
    assert ask(port, "/control/clock")["mode"] == "wall"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--speed", "fast"], "--speed 'fast' is neither lockstep nor a number"),
        (["--speed", "0"], "--speed '0' is neither lockstep nor a number"),
        (["--speed", "nan"], "--speed 'nan' is neither lockstep nor a number"),
        (["--port", "http"], "--port 'http' is not a whole number from 0 to 65535"),
        (["--port", "70000"], "--port '70000' is not a whole number from 0 to 65535"),
        (["--seed", "x"], "--seed 'x' is not a whole number"),
        (["--account", "key"], "--account 'key' is not KEY:SECRET:USDT=10000,BTC=0"),
        (["--account", "k:s:USDT=many"], "holds the balance 'many'"),
        (["--account", "k:s:USDT=-1"], "holds the balance '-1'"),
        (["--account", "k:s:USDT=NaN"], "holds the balance 'NaN'"),
        (["--taker-fee", "2"], "--taker-fee '2' is not a share"),
        (["--data", "/nowhere"], "holds no <SYMBOL>-<timeframe>-*.csv file"),
        (["--flavour", "x"], "unrecognized arguments: --flavour"),
        (["--start", "soon"], "--start 'soon' is not a whole number"),
    ],
)
def test_wrong_flags_get_one_sentence_and_the_usage(flags, words):
    """No traceback; status 2."""
    done = subprocess.run([*COMMAND, "serve", *flags], capture_output=True, text=True, timeout=30, check=False)
    first, usage = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert words in first
    assert usage.startswith("usage: exchange-simulator serve [--port")


def test_a_missing_command_gets_the_usage():
    """Without `serve` nothing starts."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("BTCUSDT-7m-x.csv", "open_time_ms,open,high,low,close,volume\n", "is not named <SYMBOL>-<timeframe>-*.csv"),
        ("DOGECOIN-1m-x.csv", "open_time_ms,open,high,low,close,volume\n0,1,1,1,1,1\n", "'DOGECOIN' ends in none of"),
        ("BTCUSDT-1m-x.csv", "time,price\n", "does not begin with open_time_ms"),
        ("BTCUSDT-1m-x.csv", "open_time_ms,open,high,low,close,volume\n", "holds no candle"),
        ("BTCUSDT-1m-x.csv", "open_time_ms,open,high,low,close,volume\n0,1,1,1,one,1\n", "line 2 is no candle"),
        ("BTCUSDT-1m-x.csv", "open_time_ms,open,high,low,close,volume\n0,1,1,1,2,1\n", "line 2 is no candle"),
        ("BTCUSDT-1m-x.csv", "open_time_ms,open,high,low,close,volume\n7,1,1,1,1,1\n", "line 2 is no candle"),
    ],
)
def test_bad_data_gets_one_sentence(tmp_path, name, text, words):
    """The file and the line are named."""
    (tmp_path / name).write_text(text)
    flags = ["serve", "--data", str(tmp_path), "--port", "0", "--listen", "127.0.0.1"]
    done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2), done.stderr
    assert words in done.stderr.splitlines()[0]


def test_a_taken_port_gets_one_sentence():
    """The operating system's reason is told without a traceback."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        flags = ["serve", "--listen", "127.0.0.1", "--port", str(one.getsockname()[1])]
        done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert "cannot listen or read" in done.stderr


def test_the_data_folder_carries_its_licence():
    """Every recording comes with its source and licence."""
    note = (DATA / "README.md").read_text()
    assert "Apache License 2.0" in note
    assert {path.suffix for path in DATA.iterdir()} == {".md", ".csv"}
