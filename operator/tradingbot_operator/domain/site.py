"""What is true of this cluster and this operator, the same for every bot."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    cluster: str
    bot_image: str
    operator_namespace: str
    allow_live: bool = False
    pod_monitors: bool = False
    operator_url: str = "http://tradingbot-operator.tradingbot-system.svc:8000"
    rate_gate_url: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Fresh random tokens; used only where none exist yet."""

    http: str
    operator: str
