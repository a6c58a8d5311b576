"""What the conditions are drawn from: one view of a bot after a pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.observed import Observed, Pod, Report, Workload
from tradingbot_operator.domain.outcome import Applied
from tradingbot_operator.domain.plan import Keep, Plan, Remove, Run


@dataclass(frozen=True, slots=True)
class Facts:
    bot: Bot
    observed: Observed
    plan: Plan
    applied: Applied

    @property
    def workload(self) -> Workload | None:
        return self.observed.workload(BLUE)

    @property
    def report(self) -> Report | None:
        return self.observed.report

    @property
    def wanted(self) -> str | None:
        """The revision that is to run, where the plan names one."""
        return self.plan.action.revision if isinstance(self.plan.action, Run) else None

    @property
    def active_pod(self) -> Pod | None:
        """The pod that serves: of the wanted revision if one is named."""
        pods = [pod for pod in self.observed.pods if pod.ready and not pod.deleting]
        return next((pod for pod in pods if self.wanted in (None, pod.revision)), None)

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
        return next((pod.trouble for pod in self.observed.pods if pod.trouble and not pod.deleting), None)

    def previous(self, condition: str) -> Mapping[str, Any]:
        """The condition as last reported, or nothing."""
        return next((old for old in self.bot.status.get("conditions") or () if old["type"] == condition), {})
