"""The hand-over as one table: the first rule whose step and observation fit says what is done. Every moment has one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tradingbot_operator.domain.handover import (
    AT_REST,
    BOTH,
    CANDIDATE,
    GATED,
    ORDERING,
    Admit,
    Kind,
    Move,
    Place,
    Post,
    Rollout,
    Seen,
    Step,
    other,
)
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import LOST_MS, PATIENCE, PAUSE_MS, Case
from tradingbot_operator.plan.observation import worse
from tradingbot_operator.plan.turns import SELDOM_MS, SOON_MS, Turn

EVERY = frozenset(Step)
MOVING = EVERY - AT_REST


@dataclass(frozen=True, slots=True)
class Rule:
    """At one of *steps*, when *test* holds, *act*; *when* and *then* say both in words."""

    steps: frozenset[Step]
    when: str
    test: Callable[[Case], bool]
    then: str
    act: Callable[[Case], Turn]


def _seen(*checks: Callable[[Case], bool]) -> Callable[[Case], bool]:
    return lambda case: all(check(case) for check in checks)


def always(_: Case) -> bool:
    """The last rule of a step."""
    return True


def _unknown(case: Case) -> bool:
    return case.seen.row is None


def _suspended(case: Case) -> bool:
    return case.seen.terms.suspended


def _other_asked(case: Case) -> bool:
    return case.desired != case.seen.active.revision


def _back_is_warm(case: Case) -> bool:
    back = case.wanted_back
    return (
        back is not None and case.can_swap and back.colour == case.idle.colour and case.is_up(case.idle, back.revision)
    )


def _old_is_asked_and_warm(case: Case) -> bool:
    rollout = case.rollout
    old = rollout is not None and rollout.source == Place(case.idle.colour, case.desired)
    return old and case.can_swap and case.is_up(case.idle, case.desired)


def _warm_other(case: Case) -> bool:
    return case.can_swap and case.is_up(case.idle)


def _broken_start(case: Case) -> bool:
    return case.target.trouble is not None and case.since() >= PATIENCE


def _up(case: Case) -> bool:
    return case.is_up(case.target, case.now_on.target.revision)


def _stranger_holds(case: Case) -> bool:
    """The active colour runs another revision than the row names, and nobody can write."""
    side, row = case.active, case.row
    return case.is_up(side) and row.revision not in (None, side.revision) and case.nobody_holds


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


def _taker(case: Case) -> Turn:
    successor = case.successor
    return turns.stay(case) if successor is None else turns.grant(case, successor)


def _old_may_return(case: Case) -> bool:
    """The candidate is gone for good and a new process of the old colour is there: better it than nobody."""
    side = case.source
    fresh = side.instance is not None and side.instance != case.row.instance
    return not _up(case) and fresh and case.is_up(side) and not case.now_on.in_place


def _grant_old(case: Case) -> Turn:
    side, row = case.source, case.row
    holder = row.holder.removesuffix(row.colour) + side.colour
    revision = side.revision or case.now_on.source.revision
    return turns.grant(case, Successor(holder, side.instance or "", revision))


def _shut_elsewhere(case: Case) -> bool:
    return case.seen.shut is None or case.seen.shut.epoch != case.row.epoch


def _release_role(case: Case) -> Turn:
    return Turn(case.rollout, Admit(case.row.holder), turns.SLOWLY_MS)


def _back(case: Case) -> Turn:
    return turns.hold_back(case, _why_back(case), case.now_on.source)


def _why_back(case: Case) -> str:
    request = case.seen.request
    if request is not None and request.kind == "rollback":
        return f"rolled back by task {request.task}"
    return "what traded before is asked for again"


def _to_task_target(case: Case) -> Turn:
    return turns.hold_back(case, _why_back(case), case.wanted_back or case.seen.active)


def _released_hold(case: Case) -> Turn:
    rollout = case.rollout.at(Step.IDLE, case.now, held=None) if case.rollout else None
    return Turn(rollout, again_ms=SOON_MS, ends="what was held may be tried again")


def _back_by_task_or_spec(case: Case) -> bool:
    if case.asks("rollback"):
        return case.wanted_back == case.now_on.source
    return case.now_on.kind is not Kind.ROLLBACK and case.desired == case.now_on.source.revision and case.superseded


RULES: tuple[Rule, ...] = (
    # Whatever the step.
    Rule(
        MOVING,
        "the bot is suspended",
        _suspended,
        "the hand-over is called off; both colours stop",
        lambda case: turns.call_off(case, "the bot is suspended"),
    ),
    Rule(AT_REST, "the bot is suspended", _suspended, "both colours stop", turns.rest),
    Rule(
        AT_REST,
        "lease unknown, another revision asked for, and the active colour cannot serve",
        lambda case: _unknown(case) and _other_asked(case) and not case.serves,
        "the colour is started anew with it",
        turns.start_in_place,
    ),
    Rule(
        CANDIDATE,
        "lease unknown, started in place, and another revision asked for",
        lambda case: _unknown(case) and case.now_on.in_place and case.superseded,
        "the colour is started anew with that one",
        turns.start_in_place,
    ),
    Rule(
        AT_REST,
        "lease unknown",
        _unknown,
        "nothing moves",
        lambda case: turns.stay(
            case, case.rollout.reason if case.rollout else "", turns.SLOWLY_MS if _other_asked(case) else None
        ),
    ),
    Rule(
        MOVING,
        "lease unknown",
        _unknown,
        "nothing moves",
        lambda case: turns.stay(case, "the ledger cannot be reached"),
    ),
    Rule(
        MOVING,
        "an exit grant stands",
        lambda case: (case.row.hold_left_ms or 0) > 0,
        "nothing moves until it ends",
        lambda case: turns.stay(case, "an exit grant stands"),
    ),
    # At rest.
    Rule(AT_REST, "a promote task", lambda case: case.asks("promote"), "the hold is lifted", _released_hold),
    Rule(
        AT_REST,
        "the holder's role is shut out and its process is heard of",
        lambda case: not case.row.can_login and not case.row.released,
        "it may log in again",
        _release_role,
    ),
    Rule(
        AT_REST | {Step.OBSERVING},
        "a rollback task to what trades",
        lambda case: (
            case.asks("rollback")
            and case.wanted_back is not None
            and case.wanted_back.revision == case.seen.active.revision
        ),
        "the task is done",
        lambda case: Turn(case.rollout, ends="that revision trades already"),
    ),
    Rule(
        AT_REST,
        "a rollback task, and that revision is warm",
        lambda case: case.asks("rollback") and _back_is_warm(case),
        "the order is given at once",
        _to_task_target,
    ),
    Rule(
        frozenset({Step.ADOPTING, Step.OBSERVING}),
        "what just took over is lost and the old colour is warm",
        lambda case: case.lost and case.source_is_warm and case.now_on.kind in GATED,
        "the old colour takes over by force, and the revision is held",
        turns.take_back_by_force,
    ),
    Rule(
        AT_REST | {Step.OBSERVING},
        "the trader is lost and the other colour is warm",
        _seen(lambda case: case.lost, _warm_other),
        "the warm colour takes over by force",
        lambda case: turns.take_over(case, case.idle, Kind.TAKEOVER, "the trader is lost"),
    ),
    Rule(
        AT_REST,
        "a rollback task, and that revision is cold",
        lambda case: case.asks("rollback") and case.wanted_back is not None,
        "it is started first",
        turns.roll_back_cold,
    ),
    Rule(
        AT_REST,
        "a restart task",
        lambda case: case.asks("restart") and case.can_swap,
        "the same revision is started in the other colour",
        turns.restart,
    ),
    Rule(
        AT_REST,
        "the active colour runs another revision than the lease names, and nobody holds it",
        _stranger_holds,
        "the lease is granted to it",
        lambda case: turns.take_over(case, case.active, Kind.SWAP, "the colour runs another revision"),
    ),
    Rule(
        AT_REST,
        "what trades is what is asked for, or the asked one is held",
        lambda case: not _other_asked(case),
        "nothing",
        turns.rest,
    ),
    Rule(
        AT_REST,
        "the old revision is asked for and warm",
        _old_is_asked_and_warm,
        "the order is given at once",
        lambda case: turns.hold_back(
            case, "what traded before is asked for again", Place(case.idle.colour, case.desired)
        ),
    ),
    Rule(
        AT_REST | {Step.OBSERVING},
        "a blackout window, and another revision asked for",
        lambda case: (
            case.seen.terms.blackout and case.superseded
            if case.rollout and case.step is Step.OBSERVING
            else case.seen.terms.blackout and case.step is not Step.OBSERVING
        ),
        "it waits for the end of the window",
        lambda case: turns.stay(case, "spec.rollout.blackoutWindows: no swap begins now", SELDOM_MS),
    ),
    Rule(AT_REST, "another revision is asked for", always, "its colour is started", turns.start_candidate),
    # The candidate comes up.
    Rule(
        CANDIDATE,
        "the lease is with the target already",
        lambda case: case.moved and (_up(case) or not case.now_on.in_place),
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
        lambda case: case.now_on.in_place and _up(case) and case.nobody_holds,
        "the lease is granted to it",
        lambda case: turns.force(case, "nobody holds the lease"),
    ),
    Rule(
        CANDIDATE,
        "its process is not up",
        lambda case: not _up(case) or case.now_on.in_place,
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
    # The order.
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
        lambda case: (case.row.released or case.lost) and _up(case),
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
        lambda case: _successor_is_gone(case) and _up(case),
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
        frozenset({Step.ROLLING_BACK}),
        "the order is void",
        lambda case: case.is_void,
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
    # By force.
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
        lambda case: case.row.released and _up(case),
        "the lease is granted",
        _taker,
    ),
    Rule(
        frozenset({Step.FORCED}),
        "no process may take it",
        lambda case: not _up(case) and not _old_may_return(case),
        "nobody can trade; the condition says so",
        lambda case: turns.stay(case, "nobody can take the lease: the process that was to is gone"),
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
    # The new trader.
    Rule(
        frozenset({Step.ADOPTING, Step.OBSERVING}),
        "the lease is with the old colour again",
        lambda case: case.went_back,
        "rolled back",
        lambda case: Turn(case.now_on.at(Step.ROLLED_BACK, case.now, "the lease went back")),
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "adopted, halted or blocked",
        lambda case: case.adopted,
        "observed; a rollback is rolled back, a start in place done",
        turns.settle,
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "the old revision is asked for, by task or spec, and warm",
        lambda case: case.source_is_warm and _back_by_task_or_spec(case),
        "the order goes to the old colour",
        _back,
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "failed, or not adopted within spec.rollout.adoptDeadline, and the old colour is warm",
        lambda case: (
            case.source_is_warm
            and case.now_on.kind in GATED
            and (case.failed_to_adopt or case.since() >= case.seen.terms.adopt)
        ),
        "the epoch goes back once, and the revision is held",
        lambda case: turns.give_back(case, "it did not take over within spec.rollout.adoptDeadline"),
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "the new trader is lost and the old colour is warm",
        lambda case: case.lost and case.source_is_warm,
        "the old colour takes over by force",
        lambda case: turns.take_over(case, case.source, Kind.TAKEOVER, "the new trader is lost"),
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "another revision runs there than the lease names, and nobody holds it",
        _stranger_holds,
        "the lease is granted to it",
        lambda case: turns.take_over(case, case.active, Kind.SWAP, "the colour runs another revision"),
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "not yet adopted",
        always,
        "wait",
        lambda case: turns.stay(case, "the new trader takes stock", SOON_MS),
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "a promote task",
        lambda case: case.asks("promote"),
        "done",
        lambda case: Turn(case.now_on.at(Step.DONE, case.now), ends="the observation was ended"),
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "the old revision is asked for, by task or spec, and warm",
        lambda case: case.source_is_warm and _back_by_task_or_spec(case),
        "the order goes to the old colour",
        _back,
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "a rollback task to another revision, or a cold one",
        lambda case: case.asks("rollback") and case.wanted_back is not None,
        "it is started first",
        turns.roll_back_cold,
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "the new trader fails a check that the old colour passes",
        lambda case: case.source_is_warm and case.now_on.kind in GATED and worse(case.target, case.source) is not None,
        "the epoch goes back, and the revision is held",
        lambda case: turns.give_back(case, worse(case.target, case.source) or ""),
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "another revision is asked for",
        lambda case: case.superseded,
        "it takes the warm colour",
        turns.start_candidate,
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "spec.rollout.observe is over",
        lambda case: case.since() >= case.seen.terms.observe,
        "done; the old colour stops unless it is kept warm",
        lambda case: Turn(case.now_on.at(Step.DONE, case.now)),
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "nothing of this",
        always,
        "wait",
        lambda case: turns.stay(case, "", _observe_ms(case)),
    ),
)


def _observe_ms(case: Case) -> int:
    left = case.seen.terms.observe - case.since()
    return min(SELDOM_MS, max(1, int(left.total_seconds() * 1000) + 1))


def move(rollout: Rollout | None, seen: Seen, now: datetime) -> Move:
    """What is done about the hand-over at this moment: total, and nothing at rest."""
    case = Case(rollout, seen, now)
    rule = next(each for each in RULES if case.step in each.steps and each.test(case))
    turn = rule.act(case)
    posts_now = posts(turn.rollout, seen, now)
    selector = seen.row.colour if seen.row else seen.active.colour
    again = turn.again_ms if turn.again_ms is not None else _warm_ms(turn.rollout, seen, now)
    return Move(turn.rollout, posts_now, selector, turn.effect, again, rule.when, turn.ends)


def _warm_ms(rollout: Rollout | None, seen: Seen, now: datetime) -> int | None:
    """When the colour that is kept warm after a way back is to stop, or the lost trader is to be noticed."""
    if seen.terms.warm and not seen.terms.suspended:
        return LOST_MS // 2
    if rollout is None or rollout.step is not Step.ROLLED_BACK:
        return None
    left = seen.terms.observe - (now - rollout.step_since)
    return max(1, int(left.total_seconds() * 1000) + 1) if left.total_seconds() > 0 else None


def posts(rollout: Rollout | None, seen: Seen, now: datetime) -> tuple[Post, ...]:
    """What each colour is to run: the trader, and beside it who comes, who is kept warm, or nobody."""
    running = 0 if seen.terms.suspended else 1
    if rollout is not None and rollout.step in BOTH:
        target = Post(rollout.target.colour, rollout.target.revision, running)
        source = Post(rollout.source.colour, rollout.source.revision, running)
        return (target,) if rollout.in_place else tuple(sorted((source, target), key=lambda each: each.colour))
    active = Post(seen.active.colour, seen.active.revision, running)
    side = seen.side(other(active.colour))
    warm = (seen.terms.warm and seen.swappable) or _still_warm(rollout, seen, now)
    if side.revision is None and not (warm and seen.row is not None):
        return (active,)
    idle = Post(side.colour, side.revision or active.revision, running if warm else 0)
    return tuple(sorted((active, idle), key=lambda each: each.colour))


def _still_warm(rollout: Rollout | None, seen: Seen, now: datetime) -> bool:
    """After a way back the other colour stays warm for as long as after a swap."""
    if rollout is None or rollout.step is not Step.ROLLED_BACK or seen.side(other(seen.active.colour)).replicas == 0:
        return False
    return now - rollout.step_since < seen.terms.observe
