"""The operator's door to an embedded ledger: real bots with one file between them, asked over HTTP."""

import asyncio
import contextlib
import os
import signal
import time

import aiohttp
import pytest
import pytest_asyncio

import bots
from tradingbot_operator.domain.lease import Fenced, LedgerAway, Successor
from tradingbot_operator.ledger import embedded
from tradingbot_operator.ledger.embedded import EmbeddedDoor, Pods

pytestmark = pytest.mark.asyncio(loop_scope="module")
GREEN = Successor("green", "pod-2/b", "r2")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pod(tmp_path_factory):
    """A bot that replays its recording, with its ledger in a file. It starts slowly, so all tests share it."""
    folder = tmp_path_factory.mktemp("pod")
    async with bots.pod(folder, bots.settings(folder, mode="sim")) as running:
        await running.until(lambda seen: seen.get("epoch") == 1)
        yield running


@pytest.fixture(autouse=True)
def a_write_has_the_time_of_the_disk(monkeypatch):
    """What is asked here is what a write comes to, not how long a busy machine's disk takes for it."""
    monkeypatch.setattr(embedded, "WRITING", aiohttp.ClientTimeout(total=20))


@contextlib.asynccontextmanager
async def door(*pods, token=bots.OPERATOR):
    async with aiohttp.ClientSession() as http:
        urls = tuple(each if isinstance(each, str) else f"http://{each.rendered['listen']['http']}" for each in pods)
        yield EmbeddedDoor(http, Pods(urls, token))


async def test_the_row_of_an_embedded_ledger_is_told(pod):
    """Who holds, and that its process was heard of."""
    async with door(pod) as opened:
        row = await opened.row()
    assert (row.epoch, row.holder, row.colour, row.released, row.can_login) == (1, "blue", "blue", False, True)
    assert row.instance == (await pod.status())["instance"]
    assert row.silent_ms(row.instance) < 5000


async def test_an_order_is_placed_once_and_taken_back(pod):
    """As on a server: compared with what stands, and none takes it back."""
    async with door(pod) as opened:
        epoch = (await opened.row()).epoch
        assert await opened.order(epoch, None, GREEN, 60_000)
        assert (await opened.row()).successor == GREEN
        assert not await opened.order(epoch, None, Successor("green", "pod-3/c", "r2"), 60_000)
        assert await opened.order(epoch, GREEN, None, 0)
        assert (await opened.row()).successor is None


async def test_the_next_pod_is_asked_when_the_first_is_silent(pod):
    """A port that nobody listens on costs nothing; a pod that stands still costs half a second."""
    async with door(f"http://127.0.0.1:{bots.free_port()}", pod) as opened:
        assert (await opened.row()).epoch == 1
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    began = time.monotonic()
    async with door(f"http://127.0.0.1:{port}", pod) as opened:
        assert (await opened.row()).epoch == 1
    assert 0.4 < time.monotonic() - began < 3
    silent.close()


async def test_a_ledger_that_nobody_can_be_asked_about_is_away(pod):
    """No pod, a stopped pod and a wrong token are all unknown, and each says what it is."""
    async with door() as opened:
        with pytest.raises(LedgerAway, match="no pod has an address"):
            await opened.row()
    async with door(pod, token="wrong") as opened:
        with pytest.raises(LedgerAway, match="answers 401"):
            await opened.row()
    os.kill(pod.process.pid, signal.SIGSTOP)
    try:
        async with door(pod) as opened:
            with pytest.raises(LedgerAway, match="does not answer in time"):
                await opened.row()
    finally:
        os.kill(pod.process.pid, signal.SIGCONT)


async def test_an_epoch_is_granted_only_above_the_one_that_stands_and_beside_no_exit_grant(pod):
    """A stale operator changes nothing, and while an exit grant stands nobody does."""
    async with door(pod) as opened:
        epoch = (await opened.row()).epoch
        assert await opened.fence(epoch - 1) is None
        fenced = await opened.fence(epoch)
        assert isinstance(fenced, Fenced)
        assert fenced.wait_ms >= 1000
        assert await opened.admit("blue")
        assert not await opened.grant(epoch - 1, epoch + 4, GREEN)
        assert await opened.grant(epoch, epoch + 4, Successor("green", "", "r2"))
        row = await opened.row()
        assert (row.epoch, row.holder, row.instance) == (epoch + 4, "green", None)
        assert await opened.grant(epoch + 4, epoch + 5, GREEN)
        assert await opened.hold(epoch + 5, GREEN.instance, 10_000)
        assert await opened.fence(epoch + 5) is None
        assert not await opened.grant(epoch + 5, epoch + 6, GREEN)
