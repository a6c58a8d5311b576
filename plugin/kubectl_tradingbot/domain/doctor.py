"""What is looked at before anything is done to a bot: its conditions, its process, who is called, what limits it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIMITS = ("maxOrderNotional", "maxPositionNotional", "maxDrawdownPercent", "maxOrdersPerMinute")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; *cure* says what to do where it is not well."""

    check: str
    ok: bool
    message: str
    cure: str = ""


def examined(
    resource: Mapping[str, Any], live: Mapping[str, Any] | None, failing: Sequence[str]
) -> tuple[Finding, ...]:
    """Every check of one bot; *failing* are the checks of its own that its process fails. A halt is no illness."""
    return (_seen(resource), _stalled(resource), *_process(live, failing), _writer(resource), *_money(resource))


def _condition(resource: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found = (each for each in (resource.get("status") or {}).get("conditions") or () if each["type"] == kind)
    return next(found, {})


def _seen(resource: Mapping[str, Any]) -> Finding:
    generation = resource["metadata"].get("generation", 0)
    acted = (resource.get("status") or {}).get("observedGeneration", -1)
    if acted == generation:
        return Finding("spec", True, f"generation {generation} is acted on")
    cure = "wait for the hand-over, or see the operator's log"
    return Finding("spec", False, f"generation {generation} is asked for, {acted} is acted on", cure)


def _stalled(resource: Mapping[str, Any]) -> Finding:
    stalled = _condition(resource, "Stalled")
    if stalled.get("status") != "True":
        return Finding("stalled", True, "nothing waits for a person")
    return Finding("stalled", False, f"{stalled['reason']}: {stalled['message']}", "do what the message says")


def _process(live: Mapping[str, Any] | None, failing: Sequence[str]) -> Iterator[Finding]:
    if live is None:
        yield Finding("process", False, "no process answers", "kubectl get pods; see the log of the bot's pod")
        return
    halts = ", ".join(str(each["id"]) for each in live.get("halts") or ())
    yield Finding("process", True, f"{live.get('state')}" + (f", halted by {halts}" if halts else ""))
    blocks = ", ".join(live.get("blocks") or ())
    yield Finding("blocks", not blocks, blocks or "nothing blocks it", "wait, or mend what is named")
    said = "; ".join(failing)
    yield Finding("reach", not said, said or "venue and ledger answer", "mend what is named: network, venue, database")


def _writer(resource: Mapping[str, Any]) -> Finding:
    writer = _condition(resource, "SingleWriter")
    held = writer.get("status") == "True"
    cure = "wait until a process holds the lease"
    return Finding("one trader", held, str(writer.get("message") or "nobody has said who may trade"), cure)


def _money(resource: Mapping[str, Any]) -> Iterator[Finding]:
    """What must be set before real money is traded; what is not live is told and never sick for it."""
    spec = resource.get("spec") or {}
    live = spec.get("mode") == "live"
    risk = spec.get("risk") or {}
    lacking = [name for name in LIMITS if name not in risk]
    if not {"maxDailyLoss", "maxDailyLossPercent"} & risk.keys():
        lacking.append("maxDailyLoss")
    limits = f"spec.risk lacks {', '.join(lacking)}" if lacking else "the five limits are set"
    yield Finding("limits", not (live and lacking), limits, "set them, in quotes")
    called = ", ".join(str(each["name"]) for each in spec.get("contacts") or ())
    yield Finding("contacts", bool(called) or not live, called or "spec.contacts is empty", "say who is called")
