"""The page of what only a bot's own process can do: it is asked, with the bot's token, and its answer is the task's."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from tradingbot_operator.cluster import ledger as places
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.plan import Answer, Ask, Plan, Wait
from tradingbot_operator.handover import Reach
from tradingbot_operator.prepare import Means

# Asked again, it is the same wish: no halt of the bot has to wait for a venue.
PATIENCE = aiohttp.ClientTimeout(total=1.5)
AGREE = "ledger and account agree"
UNREADABLE = (aiohttp.ClientError, OSError, ValueError, TypeError, KeyError, AttributeError)


async def wished(bot: Bot, plan: Plan, means: tuple[Cluster, Reach]) -> tuple[Answer, ...]:
    """What each wish of this pass has come to: done, refused for good, or to be asked again."""
    cluster, reach = means
    if not plan.asks or reach.means is None:
        return ()
    tokens = await places.api_tokens(cluster.api, bot)
    return tuple([await _asked(each, next(iter(tokens), ""), reach.means) for each in plan.asks])


async def _asked(ask: Ask, token: str, means: Means) -> Answer:
    spec = ask.task.spec
    action = spec.parameters.get("action", "") if spec else ""
    reason = (spec.reason if spec else None) or f"task {ask.task.name}"
    sent = {"action": action, "reason": reason, "name": ask.task.uid}
    host = f"[{ask.ip}]" if ":" in ask.ip else ask.ip
    url = f"http://{host}:{means.bot_port}/api/reconcile"
    try:
        bearer = {"Authorization": f"Bearer {token}"}
        async with means.http.post(url, json=sent, headers=bearer, timeout=PATIENCE) as answer:
            return _answer(ask, answer.status, await answer.json(content_type=None))
    except (TimeoutError, *UNREADABLE) as error:
        return Answer(ask.task, None, waits=Wait(f"the process does not answer ({type(error).__name__})"))


def _answer(ask: Ask, code: int, told: Mapping[str, Any]) -> Answer:
    """A process that cannot reach its ledger or venue may do so later; one that does not know the question never."""
    if code == 200:
        done = [f"{each['symbol']} {each['done']}" for each in told["differences"] if each["done"]]
        return Answer(ask.task, None, "; ".join(done) or AGREE)
    said = str(told.get("error", f"the process answers {code}"))
    if code == 503 or told.get("again"):
        return Answer(ask.task, None, waits=Wait(said))
    return Answer(ask.task, None, failed=said)
