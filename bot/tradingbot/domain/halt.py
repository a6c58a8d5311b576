"""Halts: latched orders not to trade. The most restrictive one wins (protocol 8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HaltKind(StrEnum):
    REDUCE = "reduce"  # exits only
    HALT = "halt"  # nothing new; stops at the venue stay
    FLATTEN = "flatten"  # close everything, then halt


SEVERITY = (HaltKind.REDUCE, HaltKind.HALT, HaltKind.FLATTEN)


@dataclass(frozen=True, slots=True)
class Halt:
    """One halt. *limit* halts (daily loss, drawdown of the day) clear at the trading day, all others by resume."""

    id: str
    kind: HaltKind
    source: str
    reason: str
    since: datetime
    limit: bool = False


MAINTENANCE, PAPER_VIOLATION = "maintenance-", "paper-violation-"
MAINTENANCE = "maintenance-"
# A strategy that is switched off is latched among the halts, under this beginning and its name: code that knows no
# switches takes it for a halt of the whole bot that lets exits pass, which is on the safe side.
SWITCH = "strategy-"

# What halts that nobody asked for, and maintenance, are called in conditions, alerts and runbooks, by the beginning
# of their ids.
CAUSES = (
    ("daily-loss-", "DailyLossLimit"),
    ("drawdown-", "DrawdownLimit"),
    ("flash-drawdown-", "FlashDrawdown"),
    ("runaway-", "Runaway"),
    ("low-win-rate-", "LowWinRate"),
    ("key-revoked-", "KeyRevoked"),
    ("foreign-", "ForeignActivity"),
    ("unknown-state-", "UnknownState"),
    ("mode-", "ModeChange"),
    ("corrupt-", "DataCorruption"),
    (PAPER_VIOLATION, "PaperViolation"),
    (MAINTENANCE, "Maintenance"),
    (SWITCH, "StrategyDisabled"),
)
REQUESTED = "Requested"

# What a person wrote on pods has no name there. Each process that reads it gives it this name, and the ledger the
# number: how often the same words have been resumed before, so that written anew they are another halt.
UNNUMBERED = "pod-"


def cause(halt_id: str) -> str:
    """One word for what has halted: the limit that was broken, or that somebody asked for it."""
    return next((word for beginning, word in CAUSES if halt_id.startswith(beginning)), REQUESTED)


def switch_id(strategy: str, new: str) -> str:
    """The name under which *strategy* is switched off; *new* tells it from earlier times."""
    return f"{SWITCH}{strategy}-{new}"


def switched(halt_id: str) -> str | None:
    """The strategy that *halt_id* switches off; None for a halt."""
    return halt_id.split("-")[1] if halt_id.startswith(SWITCH) else None


def unnumbered(digest: str) -> str:
    """The name of a halt that is known by the digest of its words only."""
    return f"{UNNUMBERED}{digest}"


def is_unnumbered(halt_id: str) -> bool:
    return halt_id.startswith(UNNUMBERED) and halt_id.count("-") == 1


def numbered(halt_id: str, resumed: int) -> str:
    """The name an unnumbered halt stands under, when its namesakes have been resumed so often."""
    return f"{halt_id}-{resumed + 1}"


def is_name_of(halt_id: str, known: str) -> bool:
    """True when *halt_id* names the halt that is *known* by that name, or without its number."""
    return halt_id == known or (is_unnumbered(known) and halt_id.startswith(f"{known}-"))


def most_restrictive(halts: Iterable[Halt]) -> HaltKind | None:
    """The kind that rules, or None when nothing halts."""
    kinds = {halt.kind for halt in halts}
    return max(kinds, key=SEVERITY.index, default=None)


def parse_halt(text: str) -> tuple[HaltKind, str]:
    """Kind and reason of an annotation's value ``[reduce:|halt:|flatten:]reason``; any value at all halts."""
    head, colon, rest = text.partition(":")
    if colon and head.strip() in {kind.value for kind in HaltKind}:
        return HaltKind(head.strip()), rest.strip()
    return HaltKind.HALT, text.strip()
