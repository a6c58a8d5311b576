"""What a rule of a hand-over does: the next record, and at most one effect on the lease."""

from dataclasses import dataclass, replace

from tradingbot_operator.domain.handover import (
    ACROSS_BOOKS,
    GATED,
    Effect,
    Fence,
    Grant,
    Held,
    Kind,
    Order,
    Place,
    Rollout,
    Side,
    Step,
    TakeBack,
)
from tradingbot_operator.domain.lease import Successor
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.plan.case import ORDER_MS, Case
from tradingbot_operator.plan.gates import can_be_asked, first_refused, first_waiting, verdicts
from tradingbot_operator.plan.probing import due

SOON_MS = 20
SLOWLY_MS = 500
SELDOM_MS = 5000


@dataclass(frozen=True, slots=True)
class Turn:
    """*ends*: what to tell the task that asked."""

    rollout: Rollout | None
    effect: Effect | None = None
    again_ms: int | None = None
    ends: str | None = None


def stay(case: Case, reason: str = "", again_ms: int | None = SLOWLY_MS, step: Step | None = None) -> Turn:
    """Nothing is done; the reason says what is waited for."""
    if case.rollout is None:
        return Turn(None, again_ms=again_ms)
    return Turn(case.rollout.at(step or case.step, case.now, reason), again_ms=again_ms)


def rest(case: Case) -> Turn:
    """Nothing is to be done; a hold that no longer speaks of what is asked for is gone."""
    rollout = case.rollout
    if rollout is not None and rollout.held is not None and not case.held:
        rollout = replace(rollout, held=None)
    return Turn(rollout)


def begun(case: Case, kind: Kind, target: Place, step: Step = Step.STARTING, reason: str = "") -> Rollout:
    """A new hand-over, from whoever has the lease now."""
    source, now = case.seen.active, case.now
    held = case.rollout.held if case.rollout and case.held else None
    uid = digest([kind.value, source.revision, target.revision, target.colour, now.isoformat()], 10)
    return Rollout(uid, kind, step, source, target, now, now, reason=reason, held=held)


def start(case: Case, kind: Kind, target: Place, reason: str) -> Turn:
    return Turn(begun(case, kind, target, reason=reason), again_ms=SLOWLY_MS)


def start_candidate(case: Case) -> Turn:
    """The other colour brings up what is asked for; what traded before needs no gates."""
    terms = case.seen.terms
    back = case.rollout is not None and case.rollout.source.revision == case.desired
    forward = Kind.MODE if terms.changes else Kind.ROLLBACK if back else Kind.SWAP
    kind = Kind.PROMOTION if terms.promotion else forward
    colour = case.idle.colour if case.can_swap else case.active.colour
    return start(case, kind, Place(colour, case.desired), "the candidate is started")


def start_in_place(case: Case) -> Turn:
    return start(case, Kind.SWAP, Place(case.active.colour, case.desired), "the colour is started anew")


def hold_back(case: Case, why: str, target: Place) -> Turn:
    """The lease goes to the warm colour at once, gates skipped; with a task, what traded is held."""
    rollout = begun(case, Kind.ROLLBACK, target, Step.ROLLING_BACK, why)
    request = case.seen.request
    asked = request is not None and request.kind == "rollback"
    held = Held(case.seen.wanted, why) if asked and case.seen.wanted != target.revision else rollout.held
    named = replace(rollout, held=held, task=request.task if asked and request else None)
    return order(Case(named, case.seen, case.now), Step.ROLLING_BACK)


def give_back(case: Case, why: str) -> Turn:
    """What just took over failed: the old colour takes the lease, and the failed revision is held."""
    failed = case.now_on
    rollout = begun(case, Kind.ROLLBACK, failed.source, Step.ROLLING_BACK, why)
    held = replace(rollout, held=Held(failed.target.revision, why), task=failed.task)
    return order(Case(held, case.seen, case.now), Step.ROLLING_BACK)


def roll_back_cold(case: Case) -> Turn:
    """The revision to go back to is started first."""
    place, request = case.wanted_back, case.seen.request
    if place is None or request is None:
        return stay(case)
    rollout = begun(case, Kind.ROLLBACK, place, reason=f"task {request.task} asks for revision {place.revision}")
    held = Held(case.seen.wanted, f"rolled back by task {request.task}")
    kept = held if case.seen.wanted != place.revision else rollout.held
    return Turn(replace(rollout, held=kept, task=request.task), again_ms=SLOWLY_MS)


def restart(case: Case) -> Turn:
    """The same revision comes up in the other colour and takes the lease."""
    request = case.seen.request
    target = Place(case.idle.colour, case.seen.active.revision)
    rollout = begun(case, Kind.RESTART, target, reason="a restart is asked for")
    return Turn(replace(rollout, task=request.task if request else None), again_ms=SLOWLY_MS)


def order(case: Case, step: Step = Step.DRAINING) -> Turn:
    """The trader is asked to release to the candidate's process; the record says so first."""
    successor = case.successor
    if successor is None:
        return stay(case, "the process that is to take over is not heard of")
    rollout = replace(case.now_on.at(step, case.now, case.now_on.reason), successor=successor, epoch=case.row.epoch)
    return Turn(rollout, Order(case.row.epoch, case.row.successor, successor, ORDER_MS), SOON_MS)


def order_again(case: Case) -> Turn:
    step = Step.ROLLING_BACK if case.step is Step.ROLLING_BACK else Step.DRAINING
    return order(case, step)


def take_back(case: Case) -> Turn:
    """The trader is no longer asked; should it have released already, the next look shows it."""
    standing = case.row.successor
    effect = TakeBack(case.row.epoch, standing) if standing else None
    return Turn(case.now_on.at(case.step, case.now, "the order is taken back"), effect, SOON_MS)


def restart_candidate(case: Case) -> Turn:
    """The process that was to take over is gone; its colour brings another."""
    return stay(case, "the candidate's process is gone; another one is awaited", step=Step.STARTING)


def verify(case: Case) -> Turn:
    """The gates are asked; the last one that passes gives the order."""
    said = verdicts(case)
    asked = replace(case.now_on, gates=said)
    judged = Case(asked, case.seen, case.now)
    refused, waiting = first_refused(said), first_waiting(said)
    if refused is not None:
        return refuse(judged, f"gate {refused.gate}: {refused.message}")
    if waiting is not None and not case.asks("promote"):
        effect = due(judged) if can_be_asked(said) else None
        return replace(stay(judged, f"gate {waiting.gate}: {waiting.message}", step=Step.VERIFYING), effect=effect)
    if case.seen.terms.blackout:
        return stay(judged, "spec.rollout.blackoutWindows: no swap begins now", SELDOM_MS, Step.VERIFYING)
    turn = order(judged)
    return replace(turn, ends="the gates were ended") if case.asks("promote") else turn


def proceed(case: Case) -> Turn:
    """The candidate is up: gates for what is new, the order at once for what is not."""
    if case.now_on.kind in GATED:
        return verify(case)
    return order(case, Step.ROLLING_BACK if case.now_on.kind is Kind.ROLLBACK else Step.DRAINING)


def refuse(case: Case, why: str) -> Turn:
    """The candidate goes, and its revision is not tried again; a way back that failed holds nothing new."""
    rollout = case.now_on
    held = Held(rollout.target.revision, why) if rollout.kind in GATED else rollout.held
    return Turn(replace(rollout.at(Step.REFUSED, case.now, why), held=held))


def refuse_for_task(case: Case) -> Turn:
    request = case.seen.request
    turn = refuse(case, f"called off by task {request.task}" if request else "called off")
    stays = request is not None and request.target == case.seen.active.revision
    return replace(turn, ends="the candidate was called off before it traded" if stays else None)


def call_off(case: Case, why: str) -> Turn:
    """Nothing is left of the hand-over; what trades is not held."""
    held = case.now_on.held
    kept = held if held is not None and held.revision != case.seen.active.revision else None
    return Turn(replace(case.now_on.at(Step.IDLE, case.now, why), held=kept))


def adopt(case: Case) -> Turn:
    """The lease has gone over: the Service follows, and the new trader takes stock."""
    return Turn(case.now_on.at(Step.ADOPTING, case.now, stock_taking(case)), again_ms=SOON_MS)


def stock_taking(case: Case) -> str:
    """What is waited for; a way back goes on to say why it is one."""
    rollout = case.now_on
    if rollout.kind is not Kind.ROLLBACK:
        return "the new trader takes stock"
    return (rollout.held.reason if rollout.held else rollout.reason) or "the way back"


def settle(case: Case) -> Turn:
    """The new trader trades."""
    rollout, said = case.now_on, case.target.report
    noted = replace(rollout, adoption=said.adoption if said and said.adoption else rollout.adoption)
    if rollout.in_place or rollout.kind in ACROSS_BOOKS:
        return Turn(noted.at(Step.DONE, case.now))
    step = Step.ROLLED_BACK if rollout.kind is Kind.ROLLBACK else Step.OBSERVING
    return Turn(noted.at(step, case.now, rollout.reason if step is Step.ROLLED_BACK else ""))


def force(case: Case, why: str) -> Turn:
    """The trader does not answer: it will be shut out before another one is named."""
    rollout = replace(case.now_on.at(Step.FORCED, case.now, why), epoch=case.row.epoch)
    return Turn(rollout, again_ms=SOON_MS)


def take_over(case: Case, side: Side, kind: Kind, why: str) -> Turn:
    """The warm colour takes the lease of a trader that is gone."""
    revision = side.revision or case.desired
    rollout = begun(case, kind, Place(side.colour, revision), Step.FORCED, why)
    return Turn(replace(rollout, epoch=case.row.epoch), again_ms=SOON_MS)


def take_back_by_force(case: Case) -> Turn:
    """What just took over is gone: the old colour takes the lease, and the lost revision is held."""
    lost = case.now_on
    turn = take_over(case, case.source, Kind.ROLLBACK, "the new trader is lost")
    held = Held(lost.target.revision, "it was lost while it was observed")
    return replace(turn, rollout=replace(turn.rollout, held=held, task=lost.task)) if turn.rollout else turn


def fence(case: Case) -> Turn:
    return Turn(case.now_on.at(Step.FORCED, case.now, "the trader is shut out"), Fence(case.row.epoch), SOON_MS)


def wait_out(case: Case) -> Turn:
    left = case.seen.shut.left_ms if case.seen.shut else 0
    return stay(case, "the last request of the old trader may live yet", max(left, 1))


def grant(case: Case, successor: Successor) -> Turn:
    rollout = replace(case.now_on.at(Step.FORCED, case.now, "the lease is granted"), successor=successor)
    return Turn(rollout, Grant(case.row.epoch, case.row.epoch + 1, successor), SOON_MS)
