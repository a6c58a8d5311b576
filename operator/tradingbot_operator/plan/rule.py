"""One line of the table of a hand-over, and the observations that more than one step looks at."""

from collections.abc import Callable
from dataclasses import dataclass

from tradingbot_operator.domain.handover import AT_REST, Step
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.turns import Turn

MOVING = frozenset(Step) - AT_REST


@dataclass(frozen=True, slots=True)
class Rule:
    """At one of *steps*, when *test* holds, *act*; *when* and *then* say both in words."""

    steps: frozenset[Step]
    when: str
    test: Callable[[Case], bool]
    then: str
    act: Callable[[Case], Turn]


def always(_: Case) -> bool:
    """The last rule of a step."""
    return True


def other_asked(case: Case) -> bool:
    return case.desired != case.seen.active.revision


def is_up(case: Case) -> bool:
    return case.is_up(case.target, case.now_on.target.revision)


def stranger_holds(case: Case) -> bool:
    """The active colour runs another revision than the row names, and nobody can write."""
    side, row = case.active, case.row
    return case.is_up(side) and row.revision not in (None, side.revision) and case.nobody_holds


def why_back(case: Case) -> str:
    request = case.seen.request
    if request is not None and request.kind == "rollback":
        return f"rolled back by task {request.task}"
    return "what traded before is asked for again"
