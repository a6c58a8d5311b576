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
from tradingbot.domain.reconciliation import Action, Difference, Money, Orders, Reconciled, Wish

PEOPLE = {"Authorization": "Bearer people"}
ETH = Difference("ETH/USDT", Decimal(0), Decimal("1.50"), "unexpected: 1.5")
STRAY = Orders(("web_7",), ("t1",))
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


def test_where_all_was_looked_at_each_part_says_whether_it_agrees() -> None:
    """Positions, money and orders; more money than the ledger's is no fault."""
    money = Money("USDT", Decimal(100), Decimal("100.5"))
    code, told = asked(ListeningEngine(reconciled=Reconciled((ETH,), money=money, orders=STRAY)), action="show")
    assert code == 200
    assert told["positions"] == {"match": False}
    assert told["account"] == {"match": True, "currency": "USDT", "ledger": "100", "account": "100.5"}
    assert told["orders"] == {"match": False, "unknown": ["web_7"], "missing": ["t1"]}
    less = Money("USDT", Decimal(100), Decimal("99.5"))
    _, told = asked(ListeningEngine(reconciled=Reconciled(money=less, orders=Orders())), action="show")
    assert (told["positions"]["match"], told["account"]["match"], told["orders"]["match"]) == (True, False, True)


def test_one_position_is_marked_at_the_price_a_person_names() -> None:
    """Market and price reach the trader as they were written."""
    engine = ListeningEngine()
    sent = {"action": "mark-closed", "reason": "by hand", "symbol": "BTC/USDT", "price": "50000"}
    code, _ = asked(engine, **sent)
    wish = Wish(Action.MARK_CLOSED, "", "by hand", symbol="BTC/USDT", price=Decimal(50000))
    assert (code, engine.wishes) == (200, [wish])


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
        (
            {"action": "mark-closed", "reason": "x", "symbol": "BTC/USDT"},
            'symbol and price go together, with action "mark-closed": write both or neither',
        ),
        (
            {"action": "adopt", "reason": "x", "symbol": "BTC/USDT", "price": "1"},
            'symbol and price go together, with action "mark-closed": write both or neither',
        ),
        (
            {"action": "mark-closed", "reason": "x", "symbol": "BTC/USDT", "price": "much"},
            'price "much" is not a string holding a decimal: write for example "200" or "0.5"',
        ),
        (
            {"action": "mark-closed", "reason": "x", "symbol": "BTC/USDT", "price": "0"},
            'price "0" is not above zero: write what was paid',
        ),
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


def test_a_position_that_was_closed_by_hand_is_marked(
    atb: Callable[..., tuple[int, ListeningEngine]], capsys: pytest.CaptureFixture[str]
) -> None:
    """At that price and for that reason; where the venue still shows it, exit code 2."""
    words = ("db", "close-position", "--symbol", "BTCUSDT", "--exit-price", "50000", "--exit-reason", "manual_close")
    code, engine = atb(Reconciled((Difference("BTC/USDT", Decimal(1), Decimal(0), "marked closed: 1"),)), *words)
    (wish,) = engine.wishes
    assert (code, wish.symbol, wish.price, wish.reason) == (0, "BTC/USDT", Decimal(50000), "manual_close")
    assert atb(STILL, *words)[0] == 2
    assert atb(Reconciled(refused="ask again"), *words)[0] == 1
    capsys.readouterr()
    assert atb(Reconciled(), *words)[0] == 0
    assert capsys.readouterr().out == "no position of BTC/USDT is open in the ledger\n"


SAME = Money("USDT", Decimal(100), Decimal(100))
AGREEING = Reconciled(money=SAME, orders=Orders())
REFUSED = {
    "a coin": (Reconciled((ETH,), money=SAME, orders=Orders()), "differ (ETH/USDT unexpected: 1.5);"),
    "orders": (
        Reconciled(money=SAME, orders=STRAY),
        "differ (order web_7 is unknown here; order t1 is missing there);",
    ),
    "money": (
        Reconciled(money=Money("USDT", Decimal(100), Decimal(1)), orders=Orders()),
        "differ (of 100 USDT there are 1);",
    ),
    "nobody knows": (Reconciled(refused="ask again"), "cannot be compared (ask again); --anyway resumes all the same"),
}


@pytest.mark.parametrize(("answer", "sentence"), REFUSED.values(), ids=REFUSED)
def test_who_differs_from_the_account_is_not_resumed(
    answer: Reconciled,
    sentence: str,
    atb: Callable[..., tuple[int, ListeningEngine]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What differs is listed, and nothing was resumed."""
    code, engine = atb(answer, "resume", "h1", "checked")
    assert (code, [wish.action for wish in engine.wishes]) == (1, [Action.SHOW])
    assert f"atb: ledger and account {sentence}" in capsys.readouterr().err


def test_who_agrees_with_the_account_or_is_told_to_is_resumed(
    atb: Callable[..., tuple[int, ListeningEngine]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The trader that is asked next is not there in this test."""
    assert atb(AGREEING, "resume", "h1", "checked")[0] == 69
    code, engine = atb(REFUSED["orders"][0], "resume", "h1", "checked", "--anyway")
    assert (code, engine.wishes) == (69, [])
    assert "no trader answers" in capsys.readouterr().err
