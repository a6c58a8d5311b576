"""Exit grants: who gets one, what stands before it is given, and what the HTTP edge says of each answer."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

import make_operator as make
from fakecluster import FakeApi
from handing import OLD
from lease_model import Ledger
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.exitgrant import Denied, ExitAnswer, ExitAsk, Granted, Stranger
from tradingbot_operator.domain.handover import Kind, Place, Rollout, Step
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.engine.store import Store
from tradingbot_operator.granting import Granting, grant
from tradingbot_operator.ops import Counter, api
from tradingbot_operator.plan.exitgrant import denial

BOT = ("trading", "btc")
PLACES = Place("blue", "r1"), Place("green", "r2")
ASK = ExitAsk("q3v9zk", 4, "pod-1/1")


class World:
    """A bot that trades under epoch 4, its Secret, and its ledger."""

    def __init__(self, tokens: str = "new\nold") -> None:
        self.api, self.ledger = FakeApi(), Ledger(epoch=4, instance="pod-1/1")
        bot = self.api.put({**make.body(), "spec": OLD})
        owner = {"uid": bot["metadata"]["uid"], "controller": True, "kind": "TradingBot", "name": "btc"}
        meta = {"name": "btc-api", "namespace": "trading", "ownerReferences": [owner]}
        self.api.put({"kind": "Secret", "metadata": meta, "data": {"token": b64encode(tokens.encode()).decode()}})
        self.before: list[tuple[str, Any]] = []

    def ask(self, token: str = "new", ask: ExitAsk = ASK, key: tuple[str, str] = BOT) -> ExitAnswer:
        cluster = Cluster(self.api, Memory(), monitoring=())

        def struck(name: str, after: bool) -> None:
            if after:
                self.before.append((name, self.status.get("exitGrantUntil")))

        means = Granting(cluster, make.reach(self.ledger, strike=struck), lambda _: make.observed(), lambda: make.NOW)
        return asyncio.run(grant(key, token, ask, means))

    @property
    def status(self) -> dict[str, Any]:
        return dict((self.api.one("TradingBot", "btc") or {}).get("status") or {})


def test_a_grant_stands_in_the_ledger_and_then_in_the_status_before_it_is_given():
    """Ten seconds each; in the ledger first."""
    world = World()
    assert world.ask() == Granted(10_000)
    assert world.before == [("hold", None)]
    assert world.ledger.held_until == world.ledger.now + 10_000
    assert world.status["exitGrantUntil"] == "2026-11-21T14:00:10.000Z"


def test_the_token_before_the_newest_is_good_while_both_stand():
    assert World().ask(token="old") == Granted(10_000)


@pytest.mark.parametrize(("token", "key"), [("other", BOT), ("", BOT), ("new", ("trading", "nobody"))])
def test_a_stranger_learns_nothing(token, key):
    """A wrong token and a bot that is not there look the same, and nothing was written."""
    world = World()
    assert world.ask(token=token, key=key) == Stranger()
    assert (world.before, world.status) == ([], {})


def test_a_bot_without_tokens_is_asked_by_strangers_only():
    world = World(tokens="")
    assert world.ask(token="") == Stranger()


def test_a_ledger_that_the_operator_does_not_reach_either_denies():
    """Unknown, and nothing is written."""
    world = World()
    world.ledger.away = True
    assert world.ask() == Denied("the operator does not reach the ledger either: the database is away", unknown=True)
    assert world.status == {}


def test_a_ledger_that_refuses_denies():
    """An order was given since the row was read: the model's own rule, asked at the last moment."""
    world = World()
    world.ledger.order(4, None, Successor("green", "pod-2/1", "r2"), 3000)
    assert isinstance(world.ask(), Denied)
    assert world.status == {}


@pytest.mark.parametrize("error", [Outdated("someone wrote first"), ClusterUnavailable("no answer")])
def test_a_status_that_cannot_be_written_gives_nothing(error):
    """A hand-over step that began since the bot was read wins; the hold in the ledger only delays."""
    world = World()

    def strike(_: str, after: bool) -> None:
        if not after:
            raise error

    world.api.strike = strike
    answer = world.ask()
    assert isinstance(answer, Denied)
    assert answer.unknown
    assert "exitGrantUntil" not in world.status


@pytest.mark.parametrize(
    ("ask", "row", "step", "why"),
    [
        (ASK, {}, None, None),
        (ASK, {}, Step.VERIFYING, None),
        (ASK, {}, Step.OBSERVING, None),
        (ASK, {}, Step.DRAINING, "a hand-over is at Draining: ask again when it has ended"),
        (ASK, {}, Step.ADOPTING, "a hand-over is at Adopting: ask again when it has ended"),
        (ASK, {}, Step.FORCED, "a hand-over is at Forced: ask again when it has ended"),
        (ExitAsk("other1", 4, "pod-1/1"), {}, None, "ledger_id 'other1' is not this bot's: its ledger is q3v9zk"),
        (ExitAsk("q3v9zk", 3, "pod-1/1"), {}, None, "epoch 3 of pod-1/1 is over: the lease is at epoch 4 of pod-1/1"),
        (ExitAsk("q3v9zk", 4, "pod-2/1"), {}, None, "epoch 4 of pod-2/1 is over: the lease is at epoch 4 of pod-1/1"),
        (ASK, {"released": True}, None, "epoch 4 of pod-1/1 is over: the lease is at epoch 4 of pod-1/1"),
        (
            ASK,
            {"can_login": False},
            None,
            "blue is shut out of the ledger: another process is being given the epoch",
        ),
    ],
)
def test_only_who_certainly_trades_may_sell_and_only_while_nothing_changes_hands(ask, row, step, why):
    rollout = Rollout("u", Kind.SWAP, step, *PLACES, make.NOW, make.NOW) if step else None
    assert denial(ask, make.row(**row), rollout) == why


def edge(answer: ExitAnswer | None, body: Any = None, authorization: str = "Bearer new") -> tuple[int, Any, list[Any]]:
    """Status, body, and what the page was asked."""
    asked: list[Any] = []

    async def given(*arguments: Any) -> ExitAnswer:
        asked.append(arguments)
        assert answer is not None
        return answer

    async def sent() -> tuple[int, Any]:
        app = api(Store(), Counter(given if answer else None))
        async with TestClient(TestServer(app)) as client:
            said = await client.post(
                "/exit-grants/trading/btc",
                json=body or {"ledger_id": "q3v9zk", "epoch": 4, "instance": "pod-1/1"},
                headers={"Authorization": authorization},
            )
            return said.status, await said.json()

    status, said = asyncio.run(sent())
    return status, said, asked


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Granted(), 200, {"lasts_ms": 10000}),
        (Denied("no"), 409, {"reason": "no"}),
        (Denied("who knows", unknown=True), 503, {"reason": "who knows"}),
        (Stranger(), 401, {"reason": "the bearer token is none of this bot's: send the one in its Secret -api"}),
        (None, 503, {"reason": "this operator does not lead: ask again"}),
    ],
)
def test_each_answer_has_its_status(answer, status, said):
    assert edge(answer)[:2] == (status, said)


def test_the_page_is_asked_for_the_bot_of_the_path_with_the_token_and_the_words_of_the_body():
    assert edge(Granted())[2] == [(BOT, "new", ASK)]
    assert edge(Stranger(), authorization="Basic new")[2] == [(BOT, "", ASK)]


@pytest.mark.parametrize("body", ["text", {"epoch": 4}, {"ledger_id": "q3v9zk", "epoch": "4", "instance": "x"}])
def test_a_body_that_is_no_ask_is_named(body):
    status, said, asked = edge(Granted(), body)
    assert (status, asked) == (400, [])
    assert said["reason"].startswith("the body is no exit ask: send {")
