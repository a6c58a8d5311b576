"""What the conditions are drawn from: one view of a bot after a pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.handover import UNDER_WAY, Held
from tradingbot_operator.domain.handover import Rollout as HandOver
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.observed import Observed, Pod, Report
from tradingbot_operator.domain.operations import Rollout
from tradingbot_operator.domain.outcome import Applied, Trouble
from tradingbot_operator.domain.plan import Keep, Plan, Remove, Run
from tradingbot_operator.domain.rollout import parse_rollout
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
        """What the trader's process says; of the only process, where the colours do not tell."""
        said = [self.observed.reports[pod.uid] for pod in self.own_pods if pod.uid in self.observed.reports]
        if not said and self.observed.reports and self.rollout is not None:
            return None
        # A twin of the trader's colour, or one that is on its way out, does not speak for it.
        return max(
            reversed(said), key=lambda each: (each.trading_active, each.epoch or 0), default=self.observed.report
        )

    @property
    def rollout(self) -> HandOver | None:
        """The newest hand-over, as this pass has left it."""
        return self.plan.move.rollout if self.plan.move else parse_rollout(self.bot.status)

    @property
    def under_way(self) -> bool:
        """The lease is on its way to another place, or will be."""
        return self.rollout is not None and self.rollout.step in UNDER_WAY

    @property
    def colour(self) -> str:
        """The colour the lease names, or named last."""
        if self.plan.move is not None:
            return self.plan.move.selector
        return str((self.bot.status.get("active") or {}).get("colour") or BLUE)

    @property
    def own_pods(self) -> tuple[Pod, ...]:
        """The pods of the active colour; one that tells no colour counts."""
        return tuple(pod for pod in self.pods if pod.colour in (self.colour, ""))

    @property
    def asked(self) -> str | None:
        """The revision the spec asks for, if it can be understood."""
        return self.plan.action.revision if isinstance(self.plan.action, Run) else None

    @property
    def behind(self) -> bool:
        """What serves is not what the spec asks for: it is on its way, or it was refused."""
        return self.asked is not None and self.wanted is not None and self.asked != self.wanted

    @property
    def held(self) -> Held | None:
        """Why what the spec asks for is not tried again."""
        held = self.rollout.held if self.rollout else None
        return held if held is not None and held.revision == self.asked and not self.under_way else None

    @property
    def pods(self) -> tuple[Pod, ...]:
        return self.observed.pods

    @property
    def wanted(self) -> str | None:
        """The revision that is to serve, where the plan names one and it could be written."""
        if not isinstance(self.plan.action, Run) or self.applied.trouble is not None:
            return None
        posts = self.plan.move.posts if self.plan.move else ()
        return next((each.revision for each in posts if each.colour == self.colour), self.plan.action.revision)

    @property
    def active_pod(self) -> Pod | None:
        """The pod that serves; of the wanted revision, if one is named."""
        serving = (pod for pod in self.own_pods if pod.ready and not pod.deleting)
        return next((pod for pod in serving if self.wanted in (None, pod.revision)), None)

    @property
    def refusal(self) -> Keep | None:
        """Why the spec as it stands is not acted on."""
        if isinstance(self.plan.action, Keep):
            return self.plan.action
        trouble = self.applied.trouble
        return Keep(trouble.reason, trouble.message) if trouble and trouble.again_seconds is None else None

    @property
    def preparing(self) -> Trouble | None:
        """What must be there before the wanted revision may start, and is on its way."""
        trouble = self.applied.trouble
        return trouble if trouble and trouble.again_seconds is not None else None

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
        awaited = (pod for pod in self.own_pods if self.wanted in (None, pod.revision) and not pod.deleting)
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
