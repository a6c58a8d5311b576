"""The hand-over as one table: the first rule whose step and observation fit says what is done. Each moment has one."""

from datetime import datetime

from tradingbot_operator.domain.handover import ACROSS_BOOKS, AT_REST, BOTH, Move, Post, Rollout, Seen, Step, other
from tradingbot_operator.plan.at_rest import AT_REST_RULES
from tradingbot_operator.plan.candidate import CANDIDATE_RULES
from tradingbot_operator.plan.case import LOST_MS, Case
from tradingbot_operator.plan.forced import FORCED_RULES
from tradingbot_operator.plan.ordering import ORDERING_RULES
from tradingbot_operator.plan.rule import Rule
from tradingbot_operator.plan.trader import TRADER_RULES
from tradingbot_operator.plan.turns import SLOWLY_MS

RULES: tuple[Rule, ...] = (*AT_REST_RULES, *CANDIDATE_RULES, *ORDERING_RULES, *FORCED_RULES, *TRADER_RULES)


def move(rollout: Rollout | None, seen: Seen, now: datetime) -> Move:
    """What is done about the hand-over at this moment: total, and nothing at rest."""
    case = Case(rollout, seen, now)
    rule = next(each for each in RULES if case.step in each.steps and each.test(case))
    turn = rule.act(case)
    posts_now = posts(turn.rollout, seen, now)
    again = turn.again_ms if turn.again_ms is not None else _warm_ms(turn.rollout, seen, now)
    return Move(turn.rollout, posts_now, selector(seen), turn.effect, again, rule.when, turn.ends)


def selector(seen: Seen) -> str:
    """The colour the Service leads to: the row is the truth of who trades."""
    return seen.row.colour if seen.row else seen.active.colour


def _warm_ms(rollout: Rollout | None, seen: Seen, now: datetime) -> int | None:
    """When the colour that is kept warm after a way back is to stop, or the lost trader is to be noticed.

    What is under way is always looked at again: that its record was written is no event.
    """
    if rollout is not None and rollout.step not in AT_REST:
        return SLOWLY_MS
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
        stopped = rollout.step is Step.FORCED and seen.embedded and selector(seen) == rollout.source.colour
        source = Post(rollout.source.colour, rollout.source.revision, 0 if stopped else running)
        return (target,) if rollout.in_place else tuple(sorted((source, target), key=lambda each: each.colour))
    # Nothing runs while suspended, so what is asked for needs no hand-over to be what comes up.
    revision = Case(rollout, seen, now).desired if seen.terms.suspended else seen.active.revision
    active = Post(seen.active.colour, revision, running)
    side = seen.side(other(active.colour))
    warm = (seen.terms.warm and seen.swappable) or _still_warm(rollout, seen, now)
    if side.revision is None and not (warm and seen.row is not None):
        return (active,)
    # What traded in another mode is never kept warm to take over.
    across = rollout is not None and rollout.step is Step.DONE and rollout.kind in ACROSS_BOOKS
    beside = active.revision if across and warm else side.revision or active.revision
    idle = Post(side.colour, beside, running if warm else 0)
    return tuple(sorted((active, idle), key=lambda each: each.colour))


def _still_warm(rollout: Rollout | None, seen: Seen, now: datetime) -> bool:
    """After a way back the other colour stays warm for as long as after a swap."""
    if rollout is None or rollout.step is not Step.ROLLED_BACK or seen.side(other(seen.active.colour)).replicas == 0:
        return False
    return now - rollout.step_since < seen.terms.observe
