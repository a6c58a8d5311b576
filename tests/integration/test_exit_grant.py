"""A trader without its ledger asks the operator over HTTP, who asks a real PostgreSQL: both sides of contract 8.8."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

import bots
import make_operator as make
import operator_ledgers
import postgres
from fakecluster import FakeApi
from handing import OLD
from operator_ledgers import BLUE, LEDGER
from tradingbot.domain.lease import Lease
from tradingbot.ledger.migrate import migrate
from tradingbot.settings import parse_settings
from tradingbot.start.credentials import TokenFile
from tradingbot.start.grants import OperatorGrants
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.engine.store import Store
from tradingbot_operator.granting import Granting, grant
from tradingbot_operator.handover import Reach
from tradingbot_operator.ledger.postgres import PostgresDoor
from tradingbot_operator.ledger.session import Session
from tradingbot_operator.ops import Counter, api

TOKEN = "b3Blbi1zZXNhbWU="  # base64, as the API server keeps it


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with operator_ledgers.running(migrate) as running:
        yield running


def cluster() -> Cluster:
    """The bot and its token, as the API server has them."""
    fake = FakeApi()
    bot = fake.put({**make.body(), "spec": OLD})
    owner = {"uid": bot["metadata"]["uid"], "controller": True, "kind": "TradingBot", "name": "btc"}
    meta = {"name": "btc-api", "namespace": "trading", "ownerReferences": [owner]}
    fake.put({"kind": "Secret", "metadata": meta, "data": {"token": TOKEN}})
    return Cluster(fake, Memory(), monitoring=())


def asking(folder: Path, url: str, token: str) -> OperatorGrants:
    (folder / "token").write_text(token)
    rendered = {**bots.settings(folder), "operator": {"url": url}}
    rendered["bot"] = {"name": "btc", "namespace": "trading", "cluster": "c"}
    return OperatorGrants(parse_settings(json.dumps(rendered)), TokenFile(folder / "token"))


@pytest.mark.asyncio
@pytest.mark.parametrize(("token", "lasts"), [("open-sesame", timedelta(seconds=10)), ("guessed", None)])
async def test_the_trader_of_the_row_may_sell_for_ten_seconds(server, tmp_path, token, lasts):
    """Once granted, nobody is fenced; a process of another epoch, and a stranger, get nothing."""
    place = operator_ledgers.place(server)
    epoch = place.trader("pod-1/a", "r1")
    known, door = cluster(), PostgresDoor(Session(place.fencer), LEDGER)

    async def opened(*_: object) -> PostgresDoor:
        return door

    means = Granting(known, Reach(opened, lambda _: None, lambda: 0.0), lambda _: make.observed(), lambda: make.NOW)
    async with TestServer(api(Store(), Counter(partial(grant, means=means)))) as operator, closed_after(door):
        grants = asking(tmp_path, f"http://127.0.0.1:{operator.port}", token)
        assert await grants.ask(Lease(LEDGER, epoch - 1, BLUE, "pod-1/a", "r1")) is None
        assert await grants.ask(Lease(LEDGER, epoch, BLUE, "pod-2/b", "r1")) is None
        assert await grants.ask(Lease(LEDGER, epoch, BLUE, "pod-1/a", "r1")) == lasts
        assert (await door.fence(epoch) is None) == (lasts is not None)


@asynccontextmanager
async def closed_after(door: PostgresDoor) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await door.close()


@pytest.mark.asyncio
async def test_an_operator_that_is_not_there_grants_nothing(tmp_path):
    """Refused, and without an address or a token nobody is asked at all."""
    lease = Lease(LEDGER, 1, BLUE, "pod-1/a", "r1")
    assert await asking(tmp_path, "http://127.0.0.1:9", "open-sesame").ask(lease) is None
    assert await asking(tmp_path, "http://127.0.0.1:9", "").ask(lease) is None
