"""``atb``: flags, sentences, exit codes and tables, without a trader."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bots
from tradingbot import __version__, cli
from tradingbot.cli import program, tables, top
from tradingbot.cli.client import Client, Reply, accepted, reachable
from tradingbot.cli.exits import MEANING, Exit, Failed
from tradingbot.cli.program import run
from tradingbot.cli.provider import parse_symbol
from tradingbot.settings import Settings, load_settings
from tradingbot.spelling import parameters


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's files without a trader."""
    for name, text in bots.mounted(tmp_path, bots.settings(tmp_path)).items():
        monkeypatch.setenv(name, text)
    return tmp_path


def test_who_is_told_to_end_while_the_trader_loads_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process of a container gets only the signals it asks for, so it asks before anything is loaded."""
    monkeypatch.setattr(program, "run", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main(["paper"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143


def test_the_command_asks_for_the_signal_before_it_loads_a_library() -> None:
    """What is loaded first is what takes a second on a slow machine."""
    said = "import sys, tradingbot.cli; print(sorted({'pydantic', 'typer', 'structlog'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


WRONG = [
    ([], 0, "Usage: atb"),
    (["db"], 2, "atb: Missing command.\nUsage: atb db [OPTIONS] COMMAND [ARGS]...\n"),
    (["--colour"], 2, "atb: No such option: --colour\nUsage: atb [OPTIONS] COMMAND [ARGS]...\n"),
    (["sell"], 2, "atb: No such command 'sell'.\nUsage: atb [OPTIONS] COMMAND [ARGS]...\n"),
    (["halt"], 2, "atb: Missing argument 'reason'.\nUsage: atb halt [OPTIONS] {reason}\n"),
    (["trades", "--limit", "0"], 2, "atb: Invalid value for '--limit'"),
    (["trades", "--limit", "many"], 2, "atb: Invalid value for '--limit'"),
    (["halt", "x", "--kind", "stop"], 2, "atb: Invalid value for '--kind'"),
    (["halt", " "], 2, "atb: REASON is empty: write why trading stops\n"),
    (["resume", "h1", " "], 2, "atb: REASON is empty: write why trading may go on\n"),
    (["db", "query"], 2, "atb: Missing argument 'SQL'"),
    (["reconcile", "--adopt", "--close-unexpected"], 2, "atb: --close-unexpected and --adopt exclude each other"),
    (["reconcile", "--adopt", "--unauthorized"], 2, "atb: --adopt and --unauthorized exclude each other"),
    (["db", "emergency-close-all"], 2, "atb: Missing option '--session-id'."),
    (["db", "emergency-close-all", "--session-id", "latest"], 69, "atb: no trader answers at 127.0.0.1:"),
    (["db", "kill"], 2, "atb: Missing option '--pid'."),
    (
        ["db", "kill", "--pid", "1"],
        78,
        'atb: database.mode "embedded" is a file without sessions: this is for a server',
    ),
    (["db", "vacuum"], 78, 'atb: database.mode "embedded" is a file without sessions: this is for a server'),
    (["db", "set", "work_mem"], 78, 'atb: database.mode "embedded" is a file without sessions: this is for a server'),
    (["db", "set", "work_mem", "1MB", "--reset"], 2, "atb: VALUE and --reset exclude each other: write one of them\n"),
    (["db", "slow-log", "--on", "1s", "--off"], 2, "atb: --on and --off exclude each other: write one of them\n"),
    (["db", "slow-log", "--on", "slow"], 2, 'atb: --on "slow" is not a duration: write a number and one of ms, s,'),
    (["db", "slow-log", "--on", "1s", "--for", "2d"], 2, 'atb: --for "2d" is longer than a day: atb db set log_min_'),
    (["db", "drop"], 2, "atb: No such command 'drop'."),
    (
        ["test-provider", "binance", "nonsense"],
        2,
        'atb: SYMBOL "nonsense" is not a market: write for example BTC/USDT\n',
    ),
    (["test-provider", "binance", "BTC/USDT", "7m"], 2, 'atb: TIMEFRAME "7m" is unknown: write 1m, 3m, 5m,'),
    (
        ["test-provider", "mtgox"],
        78,
        'atb: NAME "mtgox" is not spoken here: write binance or coinbase or kraken or kucoin\n',
    ),
    (["live"], 78, 'atb live: mode "paper" is not for atb live: run atb paper, or write another mode\n'),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG, ids=lambda value: str(value)[:30])
def test_wrong_flags_get_one_sentence_and_no_traceback(
    arguments: list[str], code: int, said: str, pod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Field, value and cure where there is one, a usage line for flags, and a code that a script can tell."""
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert (captured.err or captured.out).startswith(said)
    assert "Traceback" not in captured.err


def test_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    """The version and nothing else."""
    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("command", ["top", "status", "health", "positions", "orders", "trades"])
def test_without_a_trader_the_exit_code_says_unreachable(
    command: str, pod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens: 69 and where."""
    assert run([command]) == Exit.UNREACHABLE
    assert capsys.readouterr().err.startswith("atb: no trader answers at 127.0.0.1:")


def test_settings_that_are_not_there_are_misconfigured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """78 and the sentence of the settings."""
    monkeypatch.setenv("TRADINGBOT_SETTINGS", str(tmp_path / "none"))
    assert run(["status"]) == Exit.MISCONFIGURED
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


def test_a_colour_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, pod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment gets a sentence too."""
    monkeypatch.setenv("TRADINGBOT_COLOUR", "red")
    assert run(["status"]) == Exit.MISCONFIGURED
    assert capsys.readouterr().err == 'atb: TRADINGBOT_COLOUR "red" is refused: write blue or green\n'


def test_halt_works_with_the_trader_down(pod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The flag is on the state volume, and the person is told which way the halt took."""
    assert run(["halt", "flatten: odd fills"]) == 0
    assert (pod / "data/state/halt").read_text() == "flatten: odd fills"
    assert f"flag written to {pod}/data/state/halt: the trader halts when it sees it" in capsys.readouterr().out


def test_the_kind_may_be_a_flag_of_its_own(pod: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--kind says what a prefix would say."""
    assert run(["halt", "odd", "--kind", "reduce", "--json"]) == 0
    assert (pod / "data/state/halt").read_text() == "reduce: odd"
    assert json.loads(capsys.readouterr().out)["kind"] == "reduce"


def test_what_a_trader_uses_is_shown_beside_its_bounds(tmp_path: Path) -> None:
    """A container without a limit says so; the file of one with a limit is a number."""
    used = {"cpu_cores": 0.0423, "memory_bytes": 104 * 2**20, "memory_limit_bytes": None}
    used |= {"disk_free_bytes": 3 * 2**29, "disk_bytes": 20 * 2**30}
    lines = ["cpu     0.042 cores", "memory  104 MiB, without a limit", "disk    1.5 GiB free of 20.0 GiB at /data"]
    assert top.text(used, "/data").splitlines() == lines
    assert "104 MiB of 512 MiB" in top.text({**used, "memory_limit_bytes": 2**29}, "/data")
    for word, most in (("max\n", None), ("536870912\n", 2**29)):
        (tmp_path / "memory.max").write_text(word)
        assert top.limit(tmp_path / "memory.max") == most
    assert top.limit(tmp_path / "none") is None


def test_resume_does_not_work_with_the_trader_down(pod: Path) -> None:
    """Only a trader can tell which halts stand."""
    assert run(["resume", "h1", "checked"]) == Exit.UNREACHABLE


def test_a_missing_token_is_named_with_its_place(pod: Path) -> None:
    """The API's door needs the mounted token."""
    (pod / "secrets/api/token").unlink()
    with pytest.raises(Failed, match=r"no token at .*/secrets/api/token: mount the Secret there"):
        Client(load_settings(pod / "settings.json")).api("/api/status")


REPLIES = [
    (Reply(401, {"error": "wrong token"}), Exit.MISCONFIGURED, "wrong token"),
    (Reply(503, {"error": "ledger away"}), Exit.UNREACHABLE, "ledger away"),
    (Reply(404, {"error": "no such halt"}), Exit.REFUSED, "no such halt"),
    (Reply(500, None), Exit.REFUSED, "the trader answered 500"),
]


@pytest.mark.parametrize(("reply", "code", "sentence"), REPLIES)
def test_what_the_trader_refuses_becomes_a_sentence_and_a_code(reply: Reply, code: Exit, sentence: str) -> None:
    """The trader's own sentence is passed on."""
    with pytest.raises(Failed) as failure:
        accepted(reply)
    assert (failure.value.code, str(failure.value)) == (code, sentence)


HOSTS = [
    ("0.0.0.0", "127.0.0.1"),
    ("[::]", "::1"),
    ("127.0.0.1", "127.0.0.1"),
    ("[::1]", "::1"),
    ("10.0.0.7", "10.0.0.7"),
    ("localhost", "localhost"),
]


@pytest.mark.parametrize(("host", "reached"), HOSTS)
def test_a_server_on_all_addresses_is_reached_by_loopback(host: str, reached: str) -> None:
    """The pod speaks to itself."""
    assert reachable(host) == reached


def test_a_good_answer_is_its_body() -> None:
    """Every 2xx is good."""
    assert accepted(Reply(201, {"id": "h1"})) == {"id": "h1"}


def test_every_exit_code_has_a_meaning() -> None:
    """No code without a line in the reference."""
    assert set(MEANING) == set(Exit)


SYMBOLS = [
    ("BTC/USDT", "BTC/USDT"),
    ("btc-usd", "BTC/USD"),
    ("BTCUSDT", "BTC/USDT"),
    ("ETHBTC", "ETH/BTC"),
    ("USDCUSDT", "USDC/USDT"),
]


@pytest.mark.parametrize(("text", "symbol"), SYMBOLS)
def test_markets_may_be_written_in_each_venues_way(text: str, symbol: str) -> None:
    """Slash, dash or nothing in between."""
    assert parse_symbol(text) == symbol


@pytest.mark.parametrize("text", ["", "/", "USDT", "BTC/", "A/B/C", "XYZ"])
def test_what_is_no_market_is_refused(text: str) -> None:
    """A symbol without a quote coin is not guessed at."""
    with pytest.raises(Failed, match="is not a market"):
        parse_symbol(text)


def test_a_table_has_aligned_columns_under_their_names() -> None:
    """Columns as wide as their widest cell, absent values as a dash, no blank at the end of a line."""
    rows = [{"symbol": "BTC/USDT", "price": "1"}, {"symbol": "A", "price": None}]
    assert tables.table(rows, ("symbol", "price")) == "SYMBOL    PRICE\nBTC/USDT  1\nA         -\n"


def test_an_empty_table_says_none() -> None:
    """Nothing is said to be nothing."""
    assert tables.table([], ("a",)) == "none\n"


CELLS = [
    (None, "-"),
    (True, "yes"),
    (False, "no"),
    ("17801.57930766614186293045283", "17801.57930766"),
    ("0.00000265", "0.00000265"),
    ("a\x1b[31mb\n", "a [31mb "),
    (3, "3"),
]


@pytest.mark.parametrize(("value", "text"), CELLS)
def test_a_cell_is_short_and_cannot_repaint_the_terminal(value: object, text: str) -> None:
    """Eight digits after the point, yes and no, and no control character of a venue's message."""
    assert tables.cell(value) == text


def test_config_show_has_every_setting_also_those_nobody_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its value in the words of the page, whatever kind it is of."""
    folder = bots.mounted(tmp_path, bots.settings(tmp_path, risk={"max_daily_loss": "50.5"}))
    for name, value in folder.items():
        monkeypatch.setenv(name, value)
    assert run(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown) == sum(1 for _ in parameters(Settings))
    told = ("risk.max_daily_loss", "exchange.symbols", "strategy.parameters", "engine.check_interval", "exchange.proxy")
    assert [shown[name] for name in told] == ["50.5", "BTC/USDT", "fast=3, slow=8", "15s", "null"]
    assert (shown["exchange.sandbox"], shown["trading_day.reset"], shown["engine.warmup_bars"]) == (
        "false",
        "00:00",
        "200",
    )
    assert run(["config", "show"]) == 0
    assert "50.5" in re.findall(r"^risk\.max_daily_loss +(\S+)$", capsys.readouterr().out, re.MULTILINE)


def test_config_schema_lists_as_many_settings_as_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each under a line of heads, and their number."""
    page = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text()
    documented = [line for line in page.partition("## Environment")[0].splitlines() if line.startswith("| `")]
    assert run(["config", "schema", "--count"]) == 0
    count = int(capsys.readouterr().out)
    assert run(["config", "schema"]) == 0
    assert len(capsys.readouterr().out.splitlines()) - 1 == count == len(documented) >= 60
