"""When to look at a bot again though nothing happens."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.operations import Rollout
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Plan
from tradingbot_operator.domain.scalars import span

TROUBLE_SECONDS = 10.0


def look_again(bot: Bot, plan: Plan, applied: Applied, status: Mapping[str, Any]) -> float | None:
    """After a trouble that another may cure; at the deadline of a start; else only when something happens."""
    if plan.again_seconds is not None:
        return plan.again_seconds
    if applied.trouble:
        return TROUBLE_SECONDS
    starting = any(each["type"] == "Reconciling" for each in status["conditions"])
    rollout = Rollout() if isinstance(bot.spec, Rejection) else bot.spec.rollout
    return span(rollout.deadline).total_seconds() + 1 if starting else None
