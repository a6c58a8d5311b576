"""Hearing of the lease row: at once when it changed, within a second whatever happened, and never by an error."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hands import Hands, claimed, every_hands, made_hands, who  # noqa: F401
from ledgers import NOW, TIMES, migrated_file, order, running_server, running_server_17  # noqa: F401
from tradingbot.domain.book import in_book
from tradingbot.domain.ports import LeaseWatch
from tradingbot.ledger.watch import FileWatch, open_watch

LONG = timedelta(seconds=30)
SOON = timedelta(milliseconds=300)


@pytest.fixture(name="watch")
def watch_of(hands: Hands) -> Iterator[LeaseWatch]:
    hands.open()
    # As a bot's process asks, whose address names its book.
    watch = open_watch(in_book(hands.url(hands.holder("green")), "paper"))
    yield watch
    watch.close()


@pytest.fixture(name="sqlite_hands")
def hands_on_a_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hands]:
    made = made_hands(request, "sqlite", tmp_path)
    yield made
    made.close()


async def settled(watch: LeaseWatch) -> None:
    """The watch is connected and has said all it had to say: nothing is heard for a while."""
    while await watch.changed(SOON):
        continue


def until_one(hands: Hands, count: str) -> None:
    ends = time.monotonic() + 30
    while hands.place.raw(count) != [(1,)]:
        assert time.monotonic() < ends


@pytest.mark.asyncio
async def test_a_change_of_the_row_is_heard_at_once(hands: Hands, watch: LeaseWatch) -> None:
    """Long before the second is over after which it would be looked at anyway."""
    blue = hands.open()
    await settled(watch)
    for start in "ab":
        waiting = asyncio.create_task(watch.changed(LONG))
        await asyncio.sleep(0)
        changed = await asyncio.to_thread(claimed, blue, "blue", f"pod-1/{start}")
        began = time.monotonic()
        assert await waiting
        assert time.monotonic() - began < 0.5
        assert changed.epoch == "ab".index(start) + 1


@pytest.mark.asyncio
async def test_other_writes_are_not_taken_for_a_change_of_the_row(hands: Hands, watch: LeaseWatch) -> None:
    """Intents and heartbeats come by the hundred; who trades does not change by them."""
    blue = hands.open()
    lease = claimed(blue)
    await settled(watch)
    blue.intend(lease, order(), *TIMES)
    blue.heartbeat(who(), "trader", NOW)
    assert not await watch.changed(timedelta(milliseconds=200))


@pytest.mark.asyncio
async def test_once_a_second_the_row_is_to_be_looked_at_anyway(hands: Hands, watch: LeaseWatch) -> None:
    """A notice can be lost, an order becomes void without one: nobody waits longer than a second for the truth."""
    claimed(hands.open())
    await settled(watch)
    assert await watch.changed(LONG)
    began = time.monotonic()
    assert not await watch.changed(timedelta(milliseconds=100))
    assert await watch.changed(LONG)
    assert 0.8 < time.monotonic() - began < 3


@pytest.mark.asyncio
async def test_a_file_is_looked_at_more_often_while_an_order_stands(sqlite_hands: Hands) -> None:
    """Both colours wait for its next change then; before the order and after the release it is looked at as ever."""
    blue, green = sqlite_hands.open(), sqlite_hands.open("green")
    lease = claimed(blue)
    green.heartbeat(who("green", "pod-2/a"), "standby", NOW)
    watch = FileWatch(sqlite_hands.url("").removeprefix("sqlite:///"))
    assert (watch.pause, await watch.changed(LONG), watch.pause) == (0.02, True, 0.02)
    assert sqlite_hands.door.order(1, None, sqlite_hands.successor().text, 60_000)
    assert (await watch.changed(LONG), watch.pause) == (True, 0.005)
    blue.release(lease, sqlite_hands.successor(), NOW)
    assert (await watch.changed(LONG), watch.pause) == (True, 0.02)
    watch.close()


@pytest.mark.asyncio
async def test_a_change_while_nobody_waited_is_not_lost(hands: Hands, watch: LeaseWatch) -> None:
    """It is heard at the next call, at once."""
    blue = hands.open()
    await settled(watch)
    await asyncio.to_thread(claimed, blue)
    began = time.monotonic()
    assert await watch.changed(LONG)
    assert time.monotonic() - began < 0.5


@pytest.mark.asyncio
@pytest.mark.parametrize("hands", ["postgresql", "postgresql17"], indirect=True)
async def test_a_lost_connection_is_made_anew(hands: Hands, watch: LeaseWatch) -> None:
    """The server ends it; what happened meanwhile is to be looked at, and the next change is heard again."""
    blue = hands.open()
    await settled(watch)
    listening = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    hands.place.raw(f"SELECT pg_terminate_backend(pid, 5000) {listening}")
    assert await watch.changed(LONG)
    await asyncio.to_thread(until_one, hands, f"SELECT count(*) {listening}")
    await settled(watch)
    waiting = asyncio.create_task(watch.changed(LONG))
    await asyncio.to_thread(claimed, blue)
    assert await waiting


@pytest.mark.parametrize("url", ["sqlite:///{folder}/none.sqlite", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_ledger_that_is_away_is_no_error(tmp_path: Path, url: str) -> None:
    """The watch is opened before the ledger can be reached; it says what a second's silence says, and makes nothing."""
    watch = open_watch(url.replace("{folder}", str(tmp_path)))

    async def heard() -> tuple[bool, bool]:
        return await watch.changed(timedelta(milliseconds=50)), await watch.changed(LONG)

    assert asyncio.run(heard()) == (False, True)
    watch.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_closing_ends_the_thread(watch: LeaseWatch) -> None:
    """Nothing goes on listening."""
    await watch.changed(SOON)
    watch.close()
    assert [thread.name for thread in threading.enumerate() if thread.name == "lease-watch"] == []
