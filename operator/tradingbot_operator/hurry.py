"""The page of a namespace's halt: every pod carries it before anything else is looked at, in one request each."""

import asyncio
import logging

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.bot import order_pod
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused
from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.engine.store import Store
from tradingbot_operator.plan.halts import hurried

AT_ONCE = 16
log = logging.getLogger(__name__)


async def hurry(namespace: str, store: Store, memory: Memory, api: Api) -> None:
    """Every pod of the namespace was told of its halt; what that did not reach is left to the pass of its bot."""
    lines = asyncio.Semaphore(AT_ONCE)
    bots = [key[1:] for key in store.known() if key[0] == BOT.kind and key[1] == namespace]
    notes = [note for bot in bots for note in hurried(store.observed(bot), memory.orders(bot))]
    told = 0

    async def tell(number: int) -> None:
        nonlocal told
        async with lines:
            try:
                await order_pod(api, namespace, notes[number])
                told += 1
            except (ClusterUnavailable, Outdated, Refused) as reason:
                log.warning("%s/%s: %s; its pass tells it", namespace, notes[number].pod, reason)

    await asyncio.gather(*(tell(number) for number in range(len(notes))))
    if notes:
        log.info("%s: %d of %d pods were told of its halt", namespace, told, len(notes))
