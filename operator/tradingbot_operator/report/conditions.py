"""One function for each condition. Those that can give None are set only while they are true."""

from collections.abc import Callable

from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.condition import Condition, Truth
from tradingbot_operator.domain.keyage import key_age
from tradingbot_operator.domain.moment import FORM
from tradingbot_operator.domain.monitoring import configured
from tradingbot_operator.report import failures, handover
from tradingbot_operator.report.facts import Facts

Verdict = tuple[Truth, str, str]
YES, NO, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
# How a process begins the sentence with which it refuses its key.
UNSAFE_KEY = "UnsafeKeyPermissions"
# And how it tells of an order that is not its own.
FOREIGN_ORDER = "an order of somebody else"


def ready(facts: Facts) -> Verdict:
    """A pod of the bot can serve."""
    if facts.removing:
        return NO, "Deleting", "the bot is being deleted"
    if facts.suspended:
        return _suspended(facts)
    if facts.active_pod is None:
        return NO, "PodNotReady", facts.pod_trouble or "no pod of the wanted revision is ready"
    if facts.report and facts.report.halts:
        return YES, "Halted", f"pod {facts.active_pod.name} serves; trading is halted: {facts.report.halts[0].reason}"
    return YES, "PodReady", f"pod {facts.active_pod.name} serves"


def _suspended(facts: Facts) -> Verdict:
    if facts.pods:
        return NO, "Stopping", "spec.suspend is true; the pod is stopping"
    return YES, "Suspended", "spec.suspend is true; no pod runs"


def reconciling(facts: Facts) -> Verdict | None:
    """Something is under way that ends by itself."""
    if facts.removing:
        return YES, "Deleting", "the pod is stopped before the bot is let go"
    if facts.preparing:
        return YES, facts.preparing.reason, facts.preparing.message
    if facts.refusal or handover.nobody(facts) or (not facts.under_way and (facts.pod_trouble or facts.overdue)):
        return None
    if facts.suspended:
        return (YES, "Stopping", "the pod is stopping") if facts.pods else None
    if said := handover.step(facts):
        return said
    if facts.active_pod is None:
        return YES, "Starting", "waiting for the pod of the wanted revision to be ready"
    return handover.waiting(facts)


def progressing(facts: Facts) -> Verdict:
    """The same as Reconciling, for those who look for this name; always set."""
    return reconciling(facts) or (NO, "Settled", "nothing is under way")


def stalled(facts: Facts) -> Verdict | None:
    """A person must act: the spec is refused, or its pod cannot start."""
    if facts.removing:
        return None
    if facts.refusal:
        return YES, facts.refusal.reason, facts.refusal.message
    if said := handover.stuck(facts):
        return said
    if facts.under_way:
        return None
    if facts.pod_trouble:
        return YES, "UnsafeKeyPermissions" if UNSAFE_KEY in facts.pod_trouble else "PodFailing", facts.pod_trouble
    if facts.overdue:
        minutes = facts.patience.total_seconds() / 60
        return YES, "StartDeadlineExceeded", f"no pod became ready within {minutes:g} min (spec.rollout.deadline)"
    return None


def trading_active(facts: Facts) -> Verdict:
    """The process says that it may place orders. Silence is unknown, never false."""
    report = facts.report
    if not facts.pods:
        return NO, "NoPod", "no pod runs"
    if report is None:
        return UNKNOWN, "NotReported", "the bot's process has not answered"
    if report.trading_active:
        return YES, "Trading", f"{report.instance} trades under epoch {report.epoch}"
    if report.halts:
        return NO, "Halted", f"trading is halted: {report.halts[0].reason}"
    return NO, "NotTrading", f"the bot's process is {report.state}"


def backup_healthy(facts: Facts) -> Verdict:
    """The newest backup was proved by restoring it."""
    if isinstance(facts.bot.spec, Rejection) or facts.bot.spec.backup is None:
        return UNKNOWN, "NotConfigured", "no backup is asked for"
    return NO, "NotServed", "spec.backup is set but this operator takes no backups yet"


def migrations_applied(facts: Facts) -> Verdict:
    """The ledger has the tables the running process needs."""
    if facts.report is None or facts.report.ledger_id is None:
        return UNKNOWN, "NotReported", "no process has opened the ledger"
    return YES, "LedgerOpen", f"ledger {facts.report.ledger_id} is open"


def halted(facts: Facts) -> Verdict:
    """At least one halt stands; the last answer counts while no process answers."""
    if facts.report is None:
        known = facts.bot.status.get("halts")
        text = "the bot's process has not answered"
        return (
            (YES, "LastKnown", f"{text}; it was halted: {known[0]['reason']}")
            if known
            else (UNKNOWN, "NotReported", text)
        )
    if not facts.report.halts:
        return NO, "NotHalted", "no halt stands"
    first = facts.report.halts[0]
    reason = first.kind.capitalize() if first.cause == "Requested" else first.cause
    return YES, reason, f"{first.reason} (id {first.id}, by {first.source})"


def foreign_activity(facts: Facts) -> Verdict | None:
    """Somebody else trades on the account, or it lacks what the ledger says is there."""
    said = facts.report.outside if facts.report else ()
    if not said:
        return None
    orders = any(each.startswith(FOREIGN_ORDER) for each in said)
    return YES, "ForeignOrderDetected" if orders else "AccountChanged", "; ".join(said)


def paper_mode_consistent(facts: Facts) -> Verdict | None:
    """Settings and pod agree on whether money is real; told once they did not, and from then on."""
    said = facts.report.paper_consistent if facts.report else None
    if said is False:
        return NO, "Contradicted", "settings, environment and process disagree on whether money is real; it is halted"
    if not facts.previous("PaperModeConsistent"):
        return None
    if said is None:
        return UNKNOWN, "NotReported", "the bot's process does not say"
    return YES, "Consistent", "settings, environment and process agree on whether money is real"


def clock_skew(facts: Facts) -> Verdict | None:
    """The venue's clock and the node's are further apart than they should be."""
    match facts.report.clock if facts.report else "ok":
        case "skewed":
            return (
                YES,
                "Skewed",
                "the venue's clock is off by more than spec.clockSync.warnThresholdMs; trading goes on",
            )
        case "off":
            return (
                YES,
                "Off",
                "the venue's clock is off by more than spec.clockSync.killThresholdMs; nothing is entered",
            )
    return None


def venue_failing(facts: Facts) -> Verdict | None:
    """Something at the venue failed so often that it is left alone for a while, and entries wait."""
    said = facts.report
    if said is None or not said.breakers:
        return None
    message = f"open: {', '.join(said.breakers)}; nothing is entered, stops and exits go on"
    return YES, failures.reason(said.failures), message


def key_rotation_due(facts: Facts) -> Verdict | None:
    """The exchange keys are older than a person wants them to become."""
    spec, keys = facts.bot.spec, facts.observed.keys
    if isinstance(spec, Rejection) or keys is None or keys.since is None:
        return None
    age = key_age(spec, keys.since)
    if not age.is_due(facts.now):
        return None
    said = (
        f"Secret '{keys.secret}' was rotated last at {keys.since.strftime(FORM)}, more than {age.limit_days} days ago"
    )
    return YES, "ApiKeyRotationDue", f"{said}; make new keys and run kubectl atb keys rotate {facts.bot.name}"


def config_in_sync(facts: Facts) -> Verdict:
    """What runs is what the spec asks for."""
    if facts.refusal:
        return NO, facts.refusal.reason, facts.refusal.message
    if facts.behind:
        return NO, "OtherRevisionRuns", f"revision {facts.wanted} serves; the spec asks for {facts.asked}"
    if facts.wanted and facts.active_pod:
        return YES, "RevisionRuns", f"revision {facts.wanted} runs"
    return NO, "NotRunning", "the wanted revision does not run"


def monitoring_configured(facts: Facts) -> Verdict:
    """A rule and a monitor stand, so that somebody can be told; live trading begins only where that is not false."""
    if facts.removing:
        return UNKNOWN, "Deleting", "the bot is being deleted"
    return configured(facts.bot, facts.observed.watched)


CONDITIONS: dict[str, Callable[[Facts], Verdict | None]] = {
    "Ready": ready,
    "Progressing": progressing,
    "Reconciling": reconciling,
    "Stalled": stalled,
    "TradingActive": trading_active,
    "SingleWriter": handover.single_writer,
    "RollbackAvailable": handover.rollback_available,
    "BackupHealthy": backup_healthy,
    "MigrationsApplied": migrations_applied,
    "Halted": halted,
    "ForeignActivity": foreign_activity,
    "PaperModeConsistent": paper_mode_consistent,
    "ClockSkew": clock_skew,
    "VenueFailing": venue_failing,
    "KeyRotationDue": key_rotation_due,
    "ConfigInSync": config_in_sync,
    "MonitoringConfigured": monitoring_configured,
}


def conditions(facts: Facts) -> list[Condition]:
    """All conditions of a bot, in a fixed order."""
    verdicts = ((name, verdict(facts)) for name, verdict in CONDITIONS.items())
    return [Condition(name, *said, _generation(name, facts)) for name, said in verdicts if said is not None]


def _generation(name: str, facts: Facts) -> int:
    """While what runs is not what is asked for, Ready stands for the generation that still runs."""
    if name == "Ready" and (facts.refusal or facts.behind):
        return int(facts.previous("Ready").get("observedGeneration", facts.bot.generation))
    return facts.bot.generation
