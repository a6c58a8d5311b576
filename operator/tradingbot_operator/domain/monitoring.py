"""Whether somebody would be told of a bot: the objects by which Prometheus reads its figures and knows its rules."""

from dataclasses import dataclass

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.condition import Truth

MONITOR = "tradingbot-bots"
# What the pass that tells of it mends.
MADE_AGAIN = ("RuleMissing", "MonitorMissing")


@dataclass(frozen=True, slots=True)
class Watched:
    """Whether the bot's monitor and its rule stand; *why*: what kept the rule from being written."""

    monitor: bool
    rule: bool
    why: str | None = None


def rule_name(bot: Bot) -> str:
    """Not the bot's own name: a rule a person made for it may have that."""
    return f"tradingbot-{bot.name}"


def configured(bot: Bot, watched: Watched | None) -> tuple[Truth, str, str]:
    """Whether a rule and a monitor stand for *bot*. Where the cluster does not know these kinds, nobody can say."""
    if watched is None:
        load = "load manifests/monitoring into Prometheus, or install its operator and restart this one"
        return Truth.UNKNOWN, "NoMonitoringKinds", f"this cluster has no PrometheusRule and PodMonitor; {load}"
    if not bot.status.get("active"):
        return Truth.UNKNOWN, "NotStarted", "the bot's rule and monitor are made when it is first started"
    if not watched.rule:
        absent = f"PrometheusRule {rule_name(bot)} does not stand for this bot"
        if watched.why is not None:
            return Truth.FALSE, "RuleNotWritten", f"{absent}; {watched.why}"
        return Truth.FALSE, MADE_AGAIN[0], f"{absent}; it was gone and is made again"
    if not isinstance(bot.spec, Rejection) and bot.spec.monitoring.pod_monitor == "Never":
        said = "spec.monitoring.podMonitor: 'Never', so who reads the bot's figures is not known here; set it to Auto"
        return Truth.UNKNOWN, "MonitorNotWanted", said
    if not watched.monitor:
        return Truth.FALSE, MADE_AGAIN[1], f"PodMonitor {MONITOR} is not there; it was gone and is made again"
    return Truth.TRUE, "Configured", f"PrometheusRule {rule_name(bot)} and PodMonitor {MONITOR} stand"
