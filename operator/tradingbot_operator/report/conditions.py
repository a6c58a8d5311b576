"""One function for each condition. Every known condition is always set; the kstatus pair Reconciling and Stalled only while true."""

from collections.abc import Callable

from tradingbot_operator.domain.condition import Condition, Truth
from tradingbot_operator.report.facts import Facts


def _now(facts: Facts, kind: str, status: Truth, reason: str, message: str) -> Condition:
    return Condition(kind, status, reason, message, facts.bot.generation)


def ready(facts: Facts) -> Condition:
    """A pod of the bot serves. With a refused spec it stands for the generation that still runs."""
    generation = facts.bot.generation
    if facts.refusal:
        generation = int(facts.previous("Ready").get("observedGeneration", generation))
    status, reason, message = _readiness(facts)
    return Condition("Ready", status, reason, message, generation)


def _readiness(facts: Facts) -> tuple[Truth, str, str]:
    if facts.removing:
        return Truth.FALSE, "Deleting", "the bot is being deleted"
    if facts.suspended:
        running = "its pod is stopping" if facts.observed.pods else "no pod runs"
        return Truth.FALSE if facts.observed.pods else Truth.TRUE, "Suspended", f"spec.suspend is true; {running}"
    if facts.active_pod is None:
        return Truth.FALSE, "PodNotReady", facts.pod_trouble or "no pod of the wanted revision is ready yet"
    if facts.report and facts.report.halts:
        return Truth.TRUE, "Halted", f"the pod serves; trading is halted: {facts.report.halts[0].reason}"
    return Truth.TRUE, "PodReady", f"pod {facts.active_pod.name} serves"


def progressing(facts: Facts) -> Condition:
    if reconciling(facts):
        return _now(facts, "Progressing", Truth.TRUE, "RollingOut", "the wanted revision is being brought up")
    return _now(facts, "Progressing", Truth.FALSE, "Settled", "nothing is under way")


def reconciling(facts: Facts) -> Condition | None:
    """Something is under way that ends by itself."""
    if facts.removing:
        return _now(facts, "Reconciling", Truth.TRUE, "Deleting", "the pod is stopped before the bot is let go")
    if facts.refusal or facts.pod_trouble:
        return None
    if facts.suspended:
        stopping = bool(facts.observed.pods)
        return _now(facts, "Reconciling", Truth.TRUE, "Stopping", "the pod is stopping") if stopping else None
    if facts.active_pod is None:
        return _now(facts, "Reconciling", Truth.TRUE, "Starting", "waiting for the pod to be ready")
    return None


def stalled(facts: Facts) -> Condition | None:
    """A person must act: the spec is refused, or its pod cannot start."""
    if facts.removing:
        return None
    if facts.refusal:
        return _now(facts, "Stalled", Truth.TRUE, facts.refusal.reason, facts.refusal.message)
    if facts.pod_trouble and not facts.suspended:
        return _now(facts, "Stalled", Truth.TRUE, "PodFailing", facts.pod_trouble)
    return None


def trading_active(facts: Facts) -> Condition:
    """The process says that it may place orders. Silence is unknown, never false."""
    report = facts.report
    if report is None:
        if facts.observed.pods:
            return _now(facts, "TradingActive", Truth.UNKNOWN, "NotReported", "the bot has not answered yet")
        return _now(facts, "TradingActive", Truth.FALSE, "NoPod", "no pod runs")
    if report.trading_active:
        return _now(
            facts, "TradingActive", Truth.TRUE, "Trading", f"{report.instance} trades under epoch {report.epoch}"
        )
    reason = "Halted" if report.halts else report.state.capitalize()
    return _now(facts, "TradingActive", Truth.FALSE, reason, f"the bot reports state {report.state}")


def single_writer(facts: Facts) -> Condition:
    """The ledger's lease row names one instance, and that instance answered."""
    report = facts.report
    if report is None or report.epoch is None:
        return _now(facts, "SingleWriter", Truth.UNKNOWN, "NotReported", "no process has named its epoch yet")
    return _now(
        facts,
        "SingleWriter",
        Truth.TRUE,
        "LeaseHeld",
        f"epoch {report.epoch} is held by {report.holder or report.instance}",
    )


def halted(facts: Facts) -> Condition:
    if facts.report is None:
        return _now(facts, "Halted", Truth.UNKNOWN, "NotReported", "the bot has not answered yet")
    if not facts.report.halts:
        return _now(facts, "Halted", Truth.FALSE, "NotHalted", "no halt stands")
    first = facts.report.halts[0]
    return _now(
        facts, "Halted", Truth.TRUE, first.kind.capitalize(), f"{first.reason} (id {first.id}, by {first.source})"
    )


def config_in_sync(facts: Facts) -> Condition:
    """What runs is what the spec asks for."""
    if facts.refusal:
        return _now(facts, "ConfigInSync", Truth.FALSE, facts.refusal.reason, facts.refusal.message)
    if facts.wanted and facts.active_pod:
        return _now(facts, "ConfigInSync", Truth.TRUE, "RevisionRuns", f"revision {facts.wanted} runs")
    return _now(facts, "ConfigInSync", Truth.FALSE, "NotRunning", "the wanted revision does not run")


def migrations_applied(facts: Facts) -> Condition:
    if facts.report is None or facts.report.ledger_id is None:
        return _now(facts, "MigrationsApplied", Truth.UNKNOWN, "NotReported", "no process has opened the ledger yet")
    return _now(facts, "MigrationsApplied", Truth.TRUE, "LedgerOpen", f"ledger {facts.report.ledger_id} is open")


def rollback_available(facts: Facts) -> Condition:
    return _now(facts, "RollbackAvailable", Truth.FALSE, "OneColour", "no other colour is warm")


def backup_healthy(facts: Facts) -> Condition:
    return _now(facts, "BackupHealthy", Truth.UNKNOWN, "NotServed", "this operator takes no backups yet")


CONDITIONS: tuple[Callable[[Facts], Condition | None], ...] = (
    ready,
    progressing,
    reconciling,
    stalled,
    trading_active,
    single_writer,
    rollback_available,
    backup_healthy,
    migrations_applied,
    halted,
    config_in_sync,
)


def conditions(facts: Facts) -> list[Condition]:
    """All conditions of a bot, in a fixed order."""
    return [condition for each in CONDITIONS if (condition := each(facts)) is not None]
