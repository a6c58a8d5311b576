"""What the conditions are drawn from: one view of a bot after a pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.observed import Observed, Pod, Report
from tradingbot_operator.domain.operations import Rollout
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Keep, Plan, Remove, Run
from tradingbot_operator.domain.scalars import span


@dataclass(frozen=True, slots=True)
class Facts:
    bot: Bot
    observed: Observed
    plan: Plan
    applied: Applied
    now: datetime

    @property
    def report(self) -> Report | None:
        return self.observed.report

    @property
    def pods(self) -> tuple[Pod, ...]:
        return self.observed.pods

    @property
    def wanted(self) -> str | None:
        """The revision that is to run, where the plan names one and it could be written."""
        action = self.plan.action
        return action.revision if isinstance(action, Run) and self.applied.trouble is None else None

    @property
    def active_pod(self) -> Pod | None:
        """The pod that serves; of the wanted revision, if one is named."""
        serving = (pod for pod in self.pods if pod.ready and not pod.deleting)
        return next((pod for pod in serving if self.wanted in (None, pod.revision)), None)

    @property
    def refusal(self) -> Keep | None:
        """Why the spec as it stands is not acted on."""
        if isinstance(self.plan.action, Keep):
            return self.plan.action
        trouble = self.applied.trouble
        return Keep(trouble.reason, trouble.message) if trouble else None

    @property
    def suspended(self) -> bool:
        return isinstance(self.plan.action, Run) and self.plan.action.replicas == 0

    @property
    def removing(self) -> bool:
        return isinstance(self.plan.action, Remove)

    @property
    def pod_trouble(self) -> str | None:
        """Why a pod that is to run will not start by itself."""
        if self.suspended or self.removing or self.active_pod:
            return None
        awaited = (pod for pod in self.pods if self.wanted in (None, pod.revision) and not pod.deleting)
        return next((pod.trouble for pod in awaited if pod.trouble), None)

    @property
    def patience(self) -> timedelta:
        """How long a start may take."""
        rollout = Rollout() if isinstance(self.bot.spec, Rejection) else self.bot.spec.rollout
        return span(rollout.deadline)

    @property
    def overdue(self) -> bool:
        """Whether a start has taken longer than it may; it stays so for this spec until a pod serves."""
        if self.wanted is None or self.suspended or self.active_pod:
            return False
        stalled, waiting = self.previous("Stalled"), self.previous("Reconciling")
        if stalled.get("reason") == "StartDeadlineExceeded" and self._current(stalled):
            return True
        began = waiting.get("lastTransitionTime")
        late = began is not None and self.now >= datetime.fromisoformat(began) + self.patience
        return late and self._current(waiting)

    def _current(self, condition: Mapping[str, Any]) -> bool:
        return condition.get("observedGeneration") == self.bot.generation

    def previous(self, kind: str) -> Mapping[str, Any]:
        """The condition as last reported, or nothing."""
        return next((old for old in self.bot.status.get("conditions") or () if old["type"] == kind), {})
