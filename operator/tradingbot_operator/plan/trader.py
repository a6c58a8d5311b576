"""The new trader takes stock and is observed."""

from dataclasses import replace

from tradingbot_operator.domain.handover import GATED, Kind, Step
from tradingbot_operator.plan import turns
from tradingbot_operator.plan.case import Case
from tradingbot_operator.plan.observation import worse
from tradingbot_operator.plan.probing import due, unanswered, worse_analysis
from tradingbot_operator.plan.rule import Rule, always, stranger_holds, why_back
from tradingbot_operator.plan.turns import SELDOM_MS, SOON_MS, Turn


def _back(case: Case) -> Turn:
    return turns.hold_back(case, why_back(case), case.now_on.source)


def _back_by_task_or_spec(case: Case) -> bool:
    if case.asks("rollback"):
        return case.wanted_back == case.now_on.source
    if case.seen.terms.leaves:
        return False
    return case.now_on.kind is not Kind.ROLLBACK and case.desired == case.now_on.source.revision and case.superseded


def _stock_ms(case: Case) -> int:
    """Often at first, for this is the time without entries."""
    return SOON_MS if case.since() < case.seen.terms.adopt else turns.SLOWLY_MS


def _fails(case: Case) -> str | None:
    return worse(case.target, case.source) or worse_analysis(case)


def _watch(case: Case) -> Turn:
    """The next Job that asks is begun, if one is due."""
    gated = case.now_on.kind in GATED
    turn = turns.stay(case, unanswered(case) if gated else "", _observe_ms(case))
    return replace(turn, effect=due(case)) if case.source_is_warm else turn


def _observe_ms(case: Case) -> int:
    left = case.seen.terms.observe - case.since()
    return min(SELDOM_MS, max(1, int(left.total_seconds() * 1000) + 1))


TRADER_RULES: tuple[Rule, ...] = (
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
        "observed; a rollback is rolled back, a start in place or another mode done",
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
        stranger_holds,
        "the lease is granted to it",
        lambda case: turns.take_over(case, case.active, Kind.SWAP, "the colour runs another revision"),
    ),
    Rule(
        frozenset({Step.ADOPTING}),
        "not yet adopted",
        always,
        "wait",
        lambda case: turns.stay(case, turns.stock_taking(case), _stock_ms(case)),
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
        lambda case: case.source_is_warm and case.now_on.kind in GATED and _fails(case) is not None,
        "the epoch goes back, and the revision is held",
        lambda case: turns.give_back(case, _fails(case) or ""),
    ),
    Rule(
        frozenset({Step.OBSERVING}),
        "another revision is asked for, outside a blackout window",
        lambda case: case.superseded and not case.seen.terms.blackout,
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
        "wait; a Job of spec.rollout.analysis that is due begins",
        _watch,
    ),
)
