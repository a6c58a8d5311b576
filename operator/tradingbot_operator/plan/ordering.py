"""The trader is asked to release, and does so, or does not."""

from tradingbot_operator.domain.handover import ORDERING, Kind, Step
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import PAUSE_MS, Case
from tradingbot_operator.plan.rule import Rule, always, is_up
from tradingbot_operator.plan.turns import SOON_MS, Turn


def _undecided(case: Case) -> bool:
    """What is being ordered is no longer what is asked for."""
    if case.now_on.kind is Kind.ROLLBACK or case.step is Step.ROLLING_BACK:
        return False
    return case.superseded or case.asks("rollback") or (case.overdue() and not case.nobody_holds)


def _successor_is_gone(case: Case) -> bool:
    return case.successor is None or case.successor != case.now_on.successor


def _go_on_after_call(case: Case) -> Turn:
    """No order stands any more: the candidate is replaced, called off or refused."""
    if case.asks("rollback"):
        return turns.refuse_for_task(case)
    if case.reverted:
        return turns.call_off(case, "what traded before is asked for again")
    if case.superseded:
        return turns.start_candidate(case)
    return turns.refuse(case, "the trader did not release within spec.rollout.deadline")


ORDERING_RULES: tuple[Rule, ...] = (
    Rule(ORDERING, "the lease is with the successor's colour", lambda case: case.moved, "it takes stock", turns.adopt),
    Rule(
        ORDERING,
        "not wanted any more, and an order stands",
        lambda case: _undecided(case) and case.row.successor is not None,
        "the order is taken back",
        turns.take_back,
    ),
    Rule(ORDERING, "not wanted any more", _undecided, "dropped, replaced or refused", _go_on_after_call),
    Rule(
        ORDERING,
        "the order is unanswered for 500 ms and the trader is silent",
        lambda case: case.is_unanswered and not _successor_is_gone(case),
        "forced",
        lambda case: turns.force(case, "the trader does not answer"),
    ),
    Rule(
        ORDERING,
        "the trader has retired, or is gone, and the candidate is up",
        lambda case: (case.row.released or case.lost) and is_up(case),
        "forced",
        lambda case: turns.force(case, "the trader is gone"),
    ),
    Rule(
        ORDERING,
        "the successor's process is gone, and an order to it stands",
        lambda case: _successor_is_gone(case) and case.row.successor is not None,
        "the order is taken back",
        turns.take_back,
    ),
    Rule(
        ORDERING,
        "the successor's process is another one now",
        lambda case: _successor_is_gone(case) and is_up(case),
        "the order is given to that one",
        turns.order_again,
    ),
    Rule(
        ORDERING,
        "the successor's process is gone",
        _successor_is_gone,
        "another one is awaited",
        turns.restart_candidate,
    ),
    Rule(
        ORDERING,
        "the order of a way back is void",
        lambda case: case.is_void and (case.step is Step.ROLLING_BACK or case.now_on.kind is Kind.ROLLBACK),
        "forced",
        lambda case: turns.force(case, "the trader did not release"),
    ),
    Rule(
        ORDERING, "no order of ours stands", lambda case: not case.is_ordered, "the order is given", turns.order_again
    ),
    Rule(
        ORDERING,
        "the order is void for 5 s",
        lambda case: case.is_void and case.order_left_ms <= -PAUSE_MS,
        "the order is given again",
        turns.order_again,
    ),
    Rule(
        ORDERING,
        "the order is void",
        lambda case: case.is_void,
        "entries go on; wait",
        lambda case: turns.stay(case, "the trader could not release in time; it is asked again", step=Step.DRAINING),
    ),
    Rule(
        ORDERING,
        "the order stands",
        always,
        "wait for the release",
        lambda case: turns.stay(
            case, case.now_on.reason, SOON_MS, Step.ROLLING_BACK if case.step is Step.ROLLING_BACK else Step.RELEASING
        ),
    ),
)
