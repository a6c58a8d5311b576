"""When to look at a bot again though nothing happens."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.moment import soonest
from tradingbot_operator.domain.monitoring import MADE_AGAIN
from tradingbot_operator.domain.operations import Rollout
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Plan
from tradingbot_operator.domain.scalars import span

TROUBLE_SECONDS = 10.0
# Nobody tells when a rule that was gone stands again.
MADE_AGAIN_SECONDS = 2.0


def look_again(bot: Bot, plan: Plan, applied: Applied, status: Mapping[str, Any]) -> float | None:
    """The soonest of: when the plan says, after a trouble another may cure, at the deadline of a start."""
    if applied.trouble:
        asked = applied.trouble.again_seconds
        return soonest(plan.again_seconds, TROUBLE_SECONDS if asked is None else asked)
    starting = any(each["type"] == "Reconciling" for each in status["conditions"])
    rollout = Rollout() if isinstance(bot.spec, Rejection) else bot.spec.rollout
    unwatched = any(
        each["type"] == "MonitoringConfigured" and each["reason"] in MADE_AGAIN for each in status["conditions"]
    )
    moves = plan.move.again_ms / 1000 if plan.move and plan.move.again_ms is not None else None
    deadline = span(rollout.deadline).total_seconds() + 1 if starting else None
    return soonest(moves, plan.again_seconds, deadline, MADE_AGAIN_SECONDS if unwatched else None)
