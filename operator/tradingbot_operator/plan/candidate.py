"""The candidate comes up and passes its gates, or does not."""

from tradingbot_operator.domain.handover import CANDIDATE, Step
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import PATIENCE, Case
from tradingbot_operator.plan.rule import Rule, always, is_up


def _broken_start(case: Case) -> bool:
    return case.target.trouble is not None and case.since() >= PATIENCE


CANDIDATE_RULES: tuple[Rule, ...] = (
    Rule(
        CANDIDATE,
        "the lease is with the target already",
        lambda case: case.moved and (is_up(case) or not case.now_on.in_place),
        "it takes stock",
        turns.adopt,
    ),
    Rule(
        CANDIDATE,
        "a rollback task",
        lambda case: case.asks("rollback"),
        "the candidate is refused and held",
        turns.refuse_for_task,
    ),
    Rule(
        CANDIDATE,
        "the trader's own revision is asked for again",
        lambda case: case.reverted and not case.now_on.in_place,
        "the candidate is dropped",
        lambda case: turns.call_off(case, "what trades is asked for again"),
    ),
    Rule(
        CANDIDATE,
        "yet another revision is asked for",
        lambda case: case.superseded,
        "the candidate's colour starts that one",
        lambda case: turns.start_in_place(case) if case.now_on.in_place else turns.start_candidate(case),
    ),
    Rule(
        CANDIDATE,
        "its pod cannot start, for half a minute",
        lambda case: _broken_start(case) and not case.now_on.in_place,
        "refused and held",
        lambda case: turns.refuse(case, case.target.trouble or "the pod cannot start"),
    ),
    Rule(
        CANDIDATE,
        "not ready within spec.rollout.deadline",
        lambda case: case.overdue() and not case.now_on.in_place,
        "refused and held",
        lambda case: turns.refuse(case, case.now_on.reason or "not ready within spec.rollout.deadline"),
    ),
    Rule(
        CANDIDATE,
        "started in place, up, and nobody holds the lease",
        lambda case: case.now_on.in_place and is_up(case) and case.nobody_holds,
        "the lease is granted to it",
        lambda case: turns.force(case, "the lease is free"),
    ),
    Rule(
        CANDIDATE,
        "its process is not up",
        lambda case: not is_up(case) or case.now_on.in_place,
        "wait",
        lambda case: turns.stay(case, case.target.trouble or "the process is not up yet", step=Step.STARTING),
    ),
    Rule(
        CANDIDATE,
        "its process is up",
        always,
        "a swap passes its gates, then the order is given; a rollback orders at once",
        turns.proceed,
    ),
)
