"""Why a bot does not trade: five questions in the order in which the runbooks ask them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from kubectl_tradingbot.domain.doctor import Finding


def idle(live: Mapping[str, Any] | None) -> tuple[Finding, ...]:
    """The five answers of the bot's own process; one that does not answer is the whole answer."""
    if live is None:
        return (Finding("process", False, "no process answers", "kubectl get pods; see the log of the bot's pod"),)
    return (_halted(live), _strategies(live), _signals(live), _market(live), *_limits(live))


def _halted(live: Mapping[str, Any]) -> Finding:
    halts = [f"{each['id']} ({each['reason']})" for each in live.get("halts") or ()]
    return Finding("halted", not halts, ", ".join(halts) or "no halt stands", "resume what has been looked at")


def _strategies(live: Mapping[str, Any]) -> Finding:
    off = [str(each["name"]) for each in live.get("strategies") or () if not each["enabled"]]
    said = f"{', '.join(off)} is switched off" if off else "every strategy is enabled"
    return Finding("strategies", not off, said, "enable it")


def _signals(live: Mapping[str, Any]) -> Finding:
    wishes = (live.get("wishes") or {}).get("enter", 0)
    said = f"{wishes} wishes to enter since {live.get('started_at')}"
    return Finding("signals", wishes > 0, said, "wait for the market, or look at the strategy's parameters")


def _market(live: Mapping[str, Any]) -> Finding:
    blocks = "; ".join(live.get("blocks") or ())
    return Finding("market", not blocks, blocks or "the market is open, and nothing blocks entries", "wait, or mend it")


def _limits(live: Mapping[str, Any]) -> Iterator[Finding]:
    refused = live.get("refused") or ()
    if not refused:
        yield Finding("limits", True, "risk has refused nothing since the start")
    for each in reversed(refused):
        said = f"{each['times']} times {each['reason']}, last: {each['message']}"
        yield Finding("limits", False, said, "look at the limit that is named in spec.risk")
