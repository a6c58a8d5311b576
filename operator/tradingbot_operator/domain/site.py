"""What is true of this cluster and this operator, the same for every bot."""

from dataclasses import dataclass

from tradingbot_operator.domain.kinds import ALERT_RULE, POD_MONITOR, Kind


@dataclass(frozen=True, slots=True)
class Site:
    cluster: str
    bot_image: str
    operator_namespace: str
    allow_live: bool = False
    pod_monitors: bool = False
    alert_rules: bool = False
    operator_url: str = "http://tradingbot-operator.tradingbot-system.svc:8000"
    rate_gate_url: str = ""

    @property
    def monitoring(self) -> tuple[Kind, ...]:
        """The kinds for monitoring that this cluster knows."""
        known = {POD_MONITOR: self.pod_monitors, ALERT_RULE: self.alert_rules}
        return tuple(kind for kind, there in known.items() if there)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Fresh random tokens; used only where none exist yet."""

    http: str
    operator: str
