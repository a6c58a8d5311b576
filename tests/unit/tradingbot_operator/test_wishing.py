"""A task that a bot's own process carries out: what it is asked, and what its answer makes of the task."""

import asyncio
import base64
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

import make_operator as make
from fakecluster import FakeApi
from tradingbot_operator.domain.plan import Answer, Ask, Keep, Plan, Wait
from tradingbot_operator.wishing import wished

WISH = make.task({"bot": "btc", "type": "reconcile", "parameters": {"action": "adopt"}, "reason": "it is ours"})
ADOPTED = {
    "differences": [
        {"symbol": "ETH/USDT", "ledger": "0", "account": "1", "done": "adopted 1"},
        {"symbol": "BTC/USDT", "done": ""},
    ]
}


class Process:
    """A fake of the bot's port: it remembers what it was asked and answers as told."""

    def __init__(self, code: int, told: Any) -> None:
        self.code, self.told, self.asked = code, told, []

    def post(self, url: str, **sent: Any) -> "Process":
        self.asked.append((url, sent["json"], sent["headers"]))
        return self

    async def __aenter__(self) -> "Process":
        if isinstance(self.told, Exception):
            raise self.told
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @property
    def status(self) -> int:
        return self.code

    async def json(self, content_type: object) -> Any:
        return self.told


def answer(process: Process, *asks: Ask) -> tuple[Answer, ...]:
    """What a pass over the bot tells the task."""
    api = FakeApi()
    meta = {"name": "btc-api", "namespace": "trading", "ownerReferences": [{"uid": make.UID, "controller": True}]}
    token = base64.b64encode(b"newest\nolder\n").decode()
    api.put({"kind": "Secret", "metadata": meta, "data": {"token": token}})
    reach = SimpleNamespace(means=SimpleNamespace(http=process, bot_port=8000))
    plan = Plan(Keep("x", "y"), asks=asks)
    return asyncio.run(wished(make.bot(), plan, (SimpleNamespace(api=api), reach)))


def test_process_is_asked_with_the_bots_token_and_the_tasks_name():
    """By its uid the process knows the same wish again."""
    process = Process(200, ADOPTED)
    assert answer(process, Ask(WISH, "10.0.0.5")) == (Answer(WISH, None, "ETH/USDT adopted 1"),)
    sent = {"action": "adopt", "reason": "it is ours", "name": "task-1"}
    assert process.asked == [("http://10.0.0.5:8000/api/reconcile", sent, {"Authorization": "Bearer newest"})]
    answer(process, Ask(WISH, "fd00::5"))
    assert process.asked[-1][0] == "http://[fd00::5]:8000/api/reconcile"


def test_nothing_is_asked_where_nobody_wishes():
    """No token is read either."""
    process = Process(200, ADOPTED)
    assert (answer(process), process.asked) == ((), [])


@pytest.mark.parametrize(
    ("code", "told", "result", "failed", "waits"),
    [
        (200, {"differences": []}, "ledger and account agree", None, None),
        (409, {"error": "ask again", "again": True}, None, None, "ask again"),
        (409, {"error": "shared", "again": False}, None, "shared", None),
        (503, {"error": "the ledger is away"}, None, None, "the ledger is away"),
        (404, {}, None, "the process answers 404", None),
        (200, {}, None, None, "the process does not answer (KeyError)"),
        (200, TimeoutError(), None, None, "the process does not answer (TimeoutError)"),
        (200, aiohttp.ClientConnectionError(), None, None, "the process does not answer (ClientConnectionError)"),
    ],
)
def test_answer_ends_the_task_or_has_it_wait(code, told, result, failed, waits):
    """Done, refused for good, or to be asked again."""
    (said,) = answer(Process(code, told), Ask(WISH, "10.0.0.5"))
    assert said == Answer(WISH, None, result, failed, Wait(waits) if waits else None)
