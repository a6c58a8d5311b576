"""The breakers of a bot through kubectl: listed by its own word, reset in the pod of the colour that trades."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_tradingbot.main import program

BOT = {"kind": "TradingBot", "metadata": {"name": "btc", "namespace": "trading"}}
OPEN = {"name": "binance/enter", "state": "open", "opened_at": "2026-11-22T03:00:00Z", "last_error": "503"}
CLOSED = {"name": "binance/market", "state": "closed", "opened_at": None, "last_error": None}


class Kubectl:
    """A kubectl of our own: it knows one bot, and writes down what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = folder / "calls"

    def knows(self, status: dict | None, colour: str | None = "green") -> None:
        """The bot trades with *colour*, and its process says *status*."""
        bot = {**BOT, "status": {"active": {"colour": colour}} if colour else {}}
        answer = f"echo '{json.dumps(status)}'" if status else "exit 1"
        script = f"""#!/bin/sh
echo "$*" >> {self._calls}
case "$*" in
  *--raw*) {answer} ;;
  exec*) echo "closed: binance/enter" ;;
  *) echo '{json.dumps(bot)}' ;;
esac
"""
        (self._folder / "kubectl").write_text(script)
        (self._folder / "kubectl").chmod(0o755)

    @property
    def executed(self) -> list[str]:
        return [line for line in self._calls.read_text().splitlines() if line.startswith("exec")]


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Kubectl(tmp_path)


def ran(*arguments):
    return CliRunner().invoke(program, ["breaker", *arguments])


def test_each_breaker_is_a_line(kubectl):
    """Name, state, since when, why."""
    kubectl.knows({"circuit_breakers": [CLOSED, OPEN]})
    done = ran("list", "btc", "-n", "trading")
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        ["binance/market  closed  -  -", "binance/enter  open  2026-11-22T03:00:00Z  503"],
    )


def test_a_bot_that_does_not_answer_has_none_to_show(kubectl):
    """Which is said, and is no success."""
    kubectl.knows(None)
    done = ran("list", "btc", "-n", "trading")
    assert (done.exit_code, "btc does not answer" in done.output) == (1, True)


@pytest.mark.parametrize(("colour", "deployment"), [("green", "btc-green"), (None, "btc-blue")])
def test_a_reset_is_made_in_the_pod_that_trades(kubectl, colour, deployment):
    """By the same command a person would run there."""
    kubectl.knows({"circuit_breakers": []}, colour)
    done = ran("reset", "btc", "-n", "trading", "--name", "binance/enter", "--reason", "back")
    assert (done.exit_code, done.output) == (0, "closed: binance/enter\n")
    assert kubectl.executed == [
        f"exec -n trading deploy/{deployment} -c bot -- atb breaker reset --reason back --name binance/enter"
    ]


@pytest.mark.parametrize(("flags", "more"), [((), ""), (("--json",), " --json")])
def test_settings_are_asked_in_the_pod_of_the_colour_that_trades(kubectl, flags, more):
    """Its own process has read them."""
    kubectl.knows({})
    done = CliRunner().invoke(program, ["config", "show", "btc", "-n", "trading", *flags])
    assert done.exit_code == 0
    assert kubectl.executed == [f"exec -n trading deploy/btc-green -c bot -- atb config show{more}"]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("list", "btc"), "status"),
        (("disable", "btc", "rsi", "--reason", "it loses"), "disable rsi --reason it loses"),
        (("enable", "btc", "rsi"), "enable rsi --reason asked with kubectl"),
    ],
)
def test_strategies_are_switched_in_the_pod_of_the_colour_that_trades(kubectl, arguments, asked):
    """The ledger tells the other colour."""
    kubectl.knows({})
    assert CliRunner().invoke(program, ["strategies", *arguments, "-n", "trading"]).exit_code == 0
    assert kubectl.executed == [f"exec -n trading deploy/btc-green -c bot -- atb strategies {asked}"]


def test_state_is_shown_and_not_reset_by_chance(kubectl):
    """Without --confirm nothing is asked of the pod."""
    kubectl.knows({})
    assert CliRunner().invoke(program, ["state", "show", "btc", "-n", "trading"]).exit_code == 0
    assert CliRunner().invoke(program, ["state", "reset", "btc", "-n", "trading"]).exit_code == 2
    assert CliRunner().invoke(program, ["state", "reset", "btc", "-n", "trading", "--confirm"]).exit_code == 0
    pod = "exec -n trading deploy/btc-green -c bot -- atb state"
    assert kubectl.executed == [f"{pod} show", f"{pod} reset --confirm"]
