"""What starts a hand-over, and what holds whatever the step is."""

from tradingbot_operator.domain.handover import AT_REST, CANDIDATE, GATED, Admit, Kill, Kind, Place, Step
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.rule import MOVING, Rule, always, other_asked, stranger_holds, why_back
from tradingbot_operator.plan.turns import SELDOM_MS, SOON_MS, Turn


def _unknown(case: Case) -> bool:
    return case.seen.row is None


def _suspended(case: Case) -> bool:
    return case.seen.terms.suspended


def _back_is_warm(case: Case) -> bool:
    back = case.wanted_back
    return (
        back is not None and case.can_swap and back.colour == case.idle.colour and case.is_up(case.idle, back.revision)
    )


def _old_is_asked_and_warm(case: Case) -> bool:
    rollout = case.rollout
    old = rollout is not None and rollout.source == Place(case.idle.colour, case.desired)
    return old and case.can_swap and case.is_up(case.idle, case.desired) and not case.seen.terms.changes


def _warm_other(case: Case) -> bool:
    return case.can_swap and case.is_up(case.idle)


def _to_task_target(case: Case) -> Turn:
    return turns.hold_back(case, why_back(case), case.wanted_back or case.seen.active)


def _released_hold(case: Case) -> Turn:
    rollout = case.rollout.at(Step.IDLE, case.now, held=None) if case.rollout else None
    return Turn(rollout, again_ms=SOON_MS, ends="what was held may be tried again")


def _shut_out(case: Case) -> str | None:
    """The idle colour's role that is shut out while no pod is left of the process it was shut out for."""
    for holder, instance in case.row.shut_out:
        uids = {uid for _, uid in case.idle.pods}
        if holder.endswith(case.idle.colour) and uids and instance.partition("/")[0] not in uids:
            return holder
    return None


def _locked_out(case: Case) -> tuple[tuple[str, str], ...]:
    """The idle colour's pods whose process was shut out: they run, and can neither be warm nor trade ever again."""
    dead = {instance.partition("/")[0] for holder, instance in case.row.shut_out if holder.endswith(case.idle.colour)}
    return tuple(each for each in case.idle.unended if each[1] in dead) if case.idle.replicas else ()


def _replace_pod(case: Case) -> Turn:
    return Turn(case.rollout, Kill(_locked_out(case), 1), turns.SLOWLY_MS)


def _readmit(case: Case) -> Turn:
    return Turn(case.rollout, Admit(_shut_out(case) or case.row.holder), turns.SLOWLY_MS)


def _release_role(case: Case) -> Turn:
    return Turn(case.rollout, Admit(case.row.holder), turns.SLOWLY_MS)


AT_REST_RULES: tuple[Rule, ...] = (
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
        lambda case: _unknown(case) and other_asked(case) and not case.serves,
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
            case, case.rollout.reason if case.rollout else "", turns.SLOWLY_MS if other_asked(case) else None
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
    Rule(AT_REST, "a promote task", lambda case: case.asks("promote"), "the hold is lifted", _released_hold),
    Rule(
        AT_REST,
        "the holder's role is shut out and its process is heard of",
        lambda case: not case.row.can_login and not case.row.released,
        "it may log in again",
        _release_role,
    ),
    Rule(
        AT_REST | CANDIDATE | {Step.OBSERVING},
        "the idle colour's role is shut out, and its pod is a new one",
        lambda case: _shut_out(case) is not None,
        "it may log in again",
        _readmit,
    ),
    Rule(
        AT_REST | CANDIDATE | {Step.OBSERVING},
        "the idle colour's role is shut out, and the pod it was shut out for is still there",
        lambda case: bool(_locked_out(case)),
        "that pod ends within a second, and another one comes",
        _replace_pod,
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
        lambda case: case.lost and _warm_other(case),
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
        "a restart task, and two colours cannot share the ledger",
        lambda case: case.asks("restart") and bool(case.active.pods),
        "its pod ends, and another one comes",
        lambda case: Turn(case.rollout, Kill(case.active.pods, None), turns.SLOWLY_MS, "the pod is started anew"),
    ),
    Rule(
        AT_REST,
        "the active colour runs another revision than the lease names, and nobody holds it",
        stranger_holds,
        "the lease is granted to it",
        lambda case: turns.take_over(case, case.active, Kind.SWAP, "the colour runs another revision"),
    ),
    Rule(
        AT_REST,
        "what trades is what is asked for, or the asked one is held",
        lambda case: not other_asked(case),
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
        AT_REST,
        "a blackout window, and another revision asked for",
        lambda case: case.seen.terms.blackout,
        "it waits for the end of the window",
        lambda case: turns.stay(case, "spec.rollout.blackoutWindows: no swap begins now", SELDOM_MS),
    ),
    Rule(AT_REST, "another revision is asked for", always, "its colour is started", turns.start_candidate),
)
