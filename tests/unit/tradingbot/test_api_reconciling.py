"""``POST /api/reconcile`` and the commands that ask it: a wish reaches the trader, and its answer becomes a table."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import bots
from desks import ListeningEngine, desk
from tradingbot.api.metrics import registry
from tradingbot.api.ops import ops_app
from tradingbot.api.rest import http_app
from tradingbot.cli import closing
from tradingbot.cli.client import Reply
from tradingbot.cli.program import run
from tradingbot.domain.reconciliation import Action, Difference, Reconciled, Wish

PEOPLE = {"Authorization": "Bearer people"}
ETH = Difference("ETH/USDT", Decimal(0), Decimal("1.50"), "unexpected: 1.5")
STILL = Reconciled(
    (Difference("BTC/USDT", Decimal(1), Decimal(1), "the venue still shows it"),), "close it there first"
)


def asked(engine: ListeningEngine, **sent: object) -> tuple[int, dict[str, object]]:
    answer = TestClient(http_app(desk(engine))).post("/api/reconcile", json=sent, headers=PEOPLE)
    return answer.status_code, answer.json()


def test_what_differs_is_told_without_a_reason() -> None:
    """Looking changes nothing."""
    engine = ListeningEngine(reconciled=Reconciled((ETH,)))
    told = {"symbol": "ETH/USDT", "ledger": "0", "account": "1.5", "done": "unexpected: 1.5"}
    assert asked(engine, action="show") == (200, {"differences": [told]})
    assert engine.wishes == [Wish(Action.SHOW, "", "")]


def test_wish_arrives_whole() -> None:
    """Its name makes the same request again the same wish."""
    engine = ListeningEngine()
    code, _ = asked(engine, action="mark-closed", reason="sold by hand", name="w1", force="true")
    assert (code, engine.wishes) == (200, [Wish(Action.MARK_CLOSED, "w1", "sold by hand", force=True)])


def test_how_far_back_trades_are_looked_for_arrives_too() -> None:
    """Looking needs no reason."""
    engine = ListeningEngine()
    assert asked(engine, action="unauthorized", since="168h")[0] == 200
    assert engine.wishes == [Wish(Action.UNAUTHORIZED, "", "", since=timedelta(hours=168))]


@pytest.mark.parametrize("since", ["0h", "169h", "yesterday", ""])
def test_a_time_that_cannot_be_looked_back_is_refused(since: str) -> None:
    code, told = asked(ListeningEngine(), action="unauthorized", since=since)
    assert (code, told["error"]) == (422, f'since "{since}" is not a time up to 7 days: write for example "24h"')


def test_refusal_of_the_trader_is_a_conflict_with_its_list() -> None:
    """Nothing was changed; what stands in the way is listed."""
    code, told = asked(ListeningEngine(reconciled=STILL), action="mark-closed", reason="x")
    assert (code, told["error"], told["again"]) == (409, "close it there first", True)
    assert [each["symbol"] for each in told["differences"]] == ["BTC/USDT"]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, 'action is missing: send for example "action": "show"'),
        (
            {"action": "sell"},
            'action "sell" is unknown: write one of show, adopt, close-unexpected, mark-closed, unauthorized',
        ),
        ({"action": "adopt"}, 'reason is missing: send for example "reason": "why the ledger is to change"'),
        ({"action": "show", "force": "yes"}, 'force "yes" is neither: write "true" or "false"'),
    ],
)
def test_wish_that_cannot_be_understood_is_refused(sent: dict[str, str], sentence: str) -> None:
    """With the field, its value and the cure."""
    engine = ListeningEngine()
    assert asked(engine, **sent) == (422, {"error": sentence})
    assert engine.wishes == []


@pytest.fixture
def atb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, ListeningEngine]]:
    """The command in a pod whose trader answers as told."""
    for name, text in bots.mounted(tmp_path, bots.settings(tmp_path)).items():
        monkeypatch.setenv(name, text)

    def command(answer: Reconciled, *arguments: str) -> tuple[int, ListeningEngine]:
        engine = ListeningEngine(reconciled=answer)

        class Near:
            """The ports of the trader without a network."""

            def __init__(self, *_: object) -> None:
                at = desk(engine)
                self._http, self._ops = TestClient(http_app(at)), TestClient(ops_app(at, registry()))

            def api(self, path: str, body: dict[str, str]) -> Reply:
                answer = self._http.post(path, json=body, headers=PEOPLE)
                return Reply(answer.status_code, answer.json())

            def ops(self, path: str) -> Reply:
                return Reply(200, self._ops.get(path).json())

        monkeypatch.setattr(closing, "Client", Near)
        return run(arguments), engine

    return command


def test_difference_is_exit_code_1(atb: Callable[..., tuple[int, ListeningEngine]], capsys) -> None:
    """A script hears of it; agreement is 0."""
    assert atb(Reconciled((ETH,)), "reconcile")[0] == 1
    assert "ETH/USDT" in capsys.readouterr().out
    assert atb(Reconciled(), "reconcile")[0] == 0


@pytest.mark.parametrize(("flag", "action"), [("--adopt", Action.ADOPT), ("--close-unexpected", Action.CLOSE)])
def test_flag_says_what_is_wished(flag: str, action: Action, atb: Callable[..., tuple[int, ListeningEngine]]) -> None:
    """Done is 0, though something differed before."""
    code, engine = atb(Reconciled((ETH,)), "reconcile", flag, "--reason", "mine")
    assert (code, engine.wishes[0].action, engine.wishes[0].reason) == (0, action, "mine")
    assert atb(STILL, "reconcile", flag)[0] == 1


def test_positions_that_are_still_there_are_exit_code_2_with_a_list(
    atb: Callable[..., tuple[int, ListeningEngine]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was marked."""
    assert atb(STILL, "db", "emergency-close-all", "--session-id", "latest")[0] == 2
    said = capsys.readouterr()
    assert "BTC/USDT" in said.out
    assert said.err == "atb: close it there first\n"
    assert atb(Reconciled(refused="ask again"), "db", "emergency-close-all", "--session-id", "3")[0] == 1


def test_marked_positions_are_listed(
    atb: Callable[..., tuple[int, ListeningEngine]], capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty ledger says so; a session that does not trade is refused."""
    done = Reconciled((Difference("BTC/USDT", Decimal(1), Decimal(0), "marked closed: 1"),))
    code, engine = atb(done, "db", "emergency-close-all", "--session-id", "latest", "--force", "--json")
    assert (code, engine.wishes[0].force) == (0, True)
    assert json.loads(capsys.readouterr().out)["differences"][0]["done"] == "marked closed: 1"
    assert atb(Reconciled(), "db", "emergency-close-all", "--session-id", "3")[0] == 0
    assert capsys.readouterr().out == "no position is open in the ledger\n"
    code, engine = atb(Reconciled(), "db", "emergency-close-all", "--session-id", "2")
    assert (code, engine.wishes) == (2, [])
    assert 'atb: --session-id "2" is not the one that trades: write latest or 3\n' in capsys.readouterr().err
