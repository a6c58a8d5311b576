"""The Jobs that ask a colour: which are asked at a step, which is to begin now, and which are over."""

from tradingbot_operator.domain.handover import GATED, ORDERING, Bar, Kind, Launch, Side, Step, Verdict
from tradingbot_operator.domain.probe import DOCTOR, JOB, SMOKE, Ask, Check, Command, JobState, Probe
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.plan.case import Case

PASSED, WAITING, REFUSED, SKIPPED = "passed", "waiting", "refused", "skipped"
# Nothing may take time while the lease is on its way.
HURRIED = ORDERING | {Step.ADOPTING, Step.FORCED}


def wanted(case: Case) -> tuple[Bar, ...]:
    """The gates that are Jobs: those the spec asks for, and for a promotion those that always stand."""
    asked = [each for each in case.seen.terms.gates if each.name in (SMOKE, JOB)]
    known = {each.name for each in asked}
    always = (SMOKE, DOCTOR) if case.rollout is not None and case.rollout.kind is Kind.PROMOTION else ()
    every = (*(Bar(name, None, 0) for name in always if name not in known), *asked)
    return every


def of_gate(case: Case, bar: Bar) -> Ask | None:
    """The Job of a gate asks the process that is to be named; None while there is none."""
    return _ask(case, case.target, bar.name, bar.command)


def verdict(case: Case, bar: Bar) -> Verdict:
    """Only a Job that has ended says anything; what cannot be seen is waited for."""
    if bar.name in case.seen.terms.skipped:
        return Verdict(bar.name, SKIPPED, case.seen.terms.skip_reason)
    ask = of_gate(case, bar)
    found = _answer(case, ask)
    if ask is None or case.seen.probes is None:
        return Verdict(bar.name, WAITING, "its Job cannot be seen yet")
    if found is None or found.state is JobState.RUNS:
        return Verdict(bar.name, WAITING, f"its Job {'runs' if found else 'has not begun'}")
    if found.state is JobState.DONE:
        return Verdict(bar.name, PASSED)
    return Verdict(bar.name, REFUSED, found.words or f"Job {found.name} failed and said nothing")


def failed(case: Case, check: Check) -> str | None:
    """What the new trader fails of *check* while the old colour passes it; neither is known without an answer."""
    if check.command is not None:
        new, old = (_answer(case, _round(case, side, check)) for side in (case.target, case.source))
        worse = new and old and new.state is JobState.FAILED and old.state is JobState.DONE
        return (new.words or f"Job {new.name} failed") if new and worse else None
    values = [case.seen.samples.get((check.name, side.colour)) for side in (case.target, case.source)]
    limit = check.limit
    if values[0] is None or values[1] is None or not values[0] > limit >= values[1]:
        return None
    return f"{values[0]} is above {limit}; revision {case.source.revision} has {values[1]}"


def worse_analysis(case: Case) -> str | None:
    """The first check of spec.rollout.analysis that only the new trader fails."""
    said = ((each.name, failed(case, each)) for each in case.seen.terms.analysis)
    return next((f"analysis {name}: {words}" for name, words in said if words is not None), None)


def unanswered(case: Case) -> str:
    """Which queries had no answer for one of the colours; they say nothing about the revision."""
    queries = [each.name for each in case.seen.terms.analysis if each.query is not None]
    colours = (case.target.colour, case.source.colour)
    mute = [name for name in queries if any((name, colour) not in case.seen.samples for colour in colours)]
    return f"analysis {', '.join(mute)}: Prometheus has no value for each colour" if mute else ""


def asks(case: Case) -> tuple[Ask, ...]:
    """The Jobs whose answers count at this step."""
    if case.rollout is None or case.rollout.kind not in GATED:
        return ()
    if case.step in (Step.STARTING, Step.VERIFYING):
        every = [of_gate(case, each) for each in wanted(case) if each.name not in case.seen.terms.skipped]
    elif case.step is Step.OBSERVING:
        jobs = [each for each in case.seen.terms.analysis if each.command is not None]
        every = [_round(case, side, each) for each in jobs for side in (case.target, case.source)]
    else:
        every = []
    return tuple(each for each in every if each is not None)


def due(case: Case) -> Launch | None:
    """The next Job that is to begin; none while those that exist cannot be seen."""
    if case.seen.probes is None:
        return None
    known = {each.key for each in case.seen.probes}
    return next((Launch(each) for each in asks(case) if each.key not in known), None)


def over(case: Case) -> tuple[Probe, ...]:
    """The Jobs that nobody waits for: their answer is in the record, or their process is gone."""
    if case.step in HURRIED:
        return ()
    awaited = {each.key for each in asks(case)}
    return tuple(each for each in case.seen.probes or () if each.key not in awaited)


def _round(case: Case, side: Side, check: Check) -> Ask | None:
    """A Job of the observation, both colours in the same round."""
    number = int(case.since() / check.window) if check.window else 0
    return _ask(case, side, check.name, check.command, number)


def _ask(case: Case, side: Side, name: str, command: Command | None, number: int = 0) -> Ask | None:
    if side.instance is None or side.pod is None or side.revision is None:
        return None
    key = digest([case.now_on.uid, name, side.instance, number], 10)
    return Ask(name, key, side.colour, side.pod, side.revision, command)


def _answer(case: Case, ask: Ask | None) -> Probe | None:
    return next((each for each in case.seen.probes or () if ask is not None and each.key == ask.key), None)
