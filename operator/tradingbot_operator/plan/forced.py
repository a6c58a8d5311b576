"""A trader that does not answer is shut out before another one is named."""

from tradingbot_operator.domain.handover import Kill, Step
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.rule import Rule, always, is_up
from tradingbot_operator.plan.turns import Turn


def _taker(case: Case) -> Turn:
    successor = case.successor
    return turns.stay(case) if successor is None else turns.grant(case, successor)


def _old_may_return(case: Case) -> bool:
    """The candidate is gone for good and a new process of the old colour is there: better it than nobody."""
    side = case.source
    fresh = side.instance is not None and side.instance != case.row.instance
    return not is_up(case) and fresh and case.is_up(side) and not case.now_on.in_place


def _grant_old(case: Case) -> Turn:
    side, row = case.source, case.row
    holder = row.holder.removesuffix(row.colour) + side.colour
    revision = side.revision or case.now_on.source.revision
    return turns.grant(case, Successor(holder, side.instance or "", revision))


def _not_yet(case: Case) -> bool:
    """Nothing irrevocable has happened, and there is nobody to do it for."""
    untouched = _shut_elsewhere(case) and case.row.can_login and not case.nobody_holds
    return untouched and not is_up(case)


def _trader_is_left(case: Case) -> bool:
    """Nobody can be shut out of a file: its pods must be gone, and none may come."""
    side = case.seen.side(case.row.colour)
    return case.seen.embedded and not case.now_on.in_place and (bool(side.pods) or side.replicas > 0)


def _end_trader(case: Case) -> Turn:
    """What is left is ended first, for a pod whose colour is scaled has its whole grace; then the colour is scaled."""
    side, why = case.seen.side(case.row.colour), "nobody trades until the old pod is seen to end"
    told = case.now_on.reason == why
    effect = Kill(side.unended, 1) if side.unended and (side.replicas == 0 or not told) else None
    return Turn(case.now_on.at(Step.FORCED, case.now, why), effect, turns.SOON_MS)


def _shut_elsewhere(case: Case) -> bool:
    return case.seen.shut is None or case.seen.shut.epoch != case.row.epoch


FORCED_RULES: tuple[Rule, ...] = (
    Rule(
        frozenset({Step.FORCED}),
        "the lease is with the target",
        lambda case: case.moved and case.row.epoch != case.now_on.epoch,
        "it takes stock",
        turns.adopt,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "the trader's colour has a newer epoch: a new process of it trades",
        lambda case: case.row.epoch != case.now_on.epoch,
        "called off",
        lambda case: turns.call_off(case, "the trader's colour has come back by itself"),
    ),
    Rule(
        frozenset({Step.FORCED}),
        "the trader had retired, and the candidate is up",
        lambda case: case.row.released and is_up(case),
        "the lease is granted",
        _taker,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "nobody is shut out yet, the trader beats, and the candidate is gone",
        _not_yet,
        "another candidate is awaited",
        turns.restart_candidate,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "no process may take it",
        lambda case: not is_up(case) and not _old_may_return(case),
        "nobody can trade; the condition says so",
        lambda case: turns.stay(case, "nobody can take the lease: the process that was to is gone"),
    ),
    Rule(
        frozenset({Step.FORCED}),
        "the ledger is a file, and the trader's pod is there",
        _trader_is_left,
        "its colour is stopped, and its pod ends within a second",
        _end_trader,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "not shut out by this operator",
        _shut_elsewhere,
        "the trader is shut out",
        turns.fence,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "its last request may live",
        lambda case: case.seen.shut is not None and case.seen.shut.left_ms > 0,
        "wait",
        turns.wait_out,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "the target is gone and a new process of the old colour is up",
        _old_may_return,
        "the lease is granted to that",
        _grant_old,
    ),
    Rule(frozenset({Step.FORCED}), "its last request is dead", always, "the lease is granted", _taker),
)
