"""What a pass asks the API server for beside what the watches brought."""

import asyncio
from typing import Any

import pytest

from make_operator import SANDBOX, bot, observed
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.names import FINALIZER


class Together:
    """An API server that answers only when three questions wait for it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._all = asyncio.Barrier(3)

    async def _answer(self, kind: Any, nothing: Any) -> Any:
        self.asked.append(kind.kind)
        await asyncio.wait_for(self._all.wait(), 5)
        return nothing

    async def find(self, kind: Any, *_: Any) -> None:
        return await self._answer(kind, None)

    async def glimpse(self, kind: Any, *_: Any) -> None:
        return await self._answer(kind, None)

    async def list_metadata(self, kind: Any, *_: Any) -> tuple[Any, ...]:
        return tuple(await self._answer(kind, ()))


def test_history_keys_and_tokens_are_asked_for_at_once():
    """A person who goes back waits for the slowest of them; one after the other, none would be answered here."""

    async def story() -> list[str]:
        api = Together()
        await Cluster(api, Memory(), ()).complete(bot(SANDBOX, finalizers=[FINALIZER]), observed())
        return api.asked

    assert asyncio.run(story()) == ["ControllerRevision", "Secret", "Secret"]


class Unlisted:
    """An API server that is asked for no list."""

    async def glimpse(self, *_: Any) -> None:
        return None


def test_bot_that_was_never_touched_has_no_history():
    """Its finalizer stands before its first child, and a status after its first pass: nobody needs to ask."""
    for status in ({}, {"observedGeneration": -1}):
        memory = Memory()
        fresh = asyncio.run(Cluster(Unlisted(), memory, ()).complete(bot(status=status), observed()))
        assert fresh.revisions == ()
        assert memory.history(bot().key) == ()


def test_bot_that_lost_its_finalizer_is_asked_for_its_history():
    """Its status tells that it is not new."""
    memory = Memory()
    with pytest.raises(AttributeError, match="list_metadata"):
        asyncio.run(Cluster(Unlisted(), memory, ()).complete(bot(status={"phase": "Running"}), observed()))
    assert memory.history(bot().key) is None
