"""From what was observed of a bot to what a move rests on."""

from dataclasses import replace
from datetime import datetime, timedelta

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.handover import CANDIDATE, ORDERING, Bar, Place, Request, Seen, Side, Terms, other
from tradingbot_operator.domain.lease import LeaseRow
from tradingbot_operator.domain.names import BLUE, GREEN, SKIP_GATES
from tradingbot_operator.domain.observed import Observed, Pod
from tradingbot_operator.domain.operations import Analysis, Gate, JobCheck
from tradingbot_operator.domain.practice import config_hash
from tradingbot_operator.domain.probe import Check, Command
from tradingbot_operator.domain.rollout import parse_rollout
from tradingbot_operator.domain.scalars import span
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode, Mode
from tradingbot_operator.domain.task import STEERED, Task
from tradingbot_operator.domain.windows import within
from tradingbot_operator.plan import modes

BARS = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
FEWEST_BARS = 3
JOB_DEADLINE = "5m"


def seen(bot: Bot, spec: BotSpec, observed: Observed, wanted: str, now: datetime) -> Seen:
    """Both colours, the lease and the terms; *wanted* is the revision the spec asks for."""
    blue, green = side(observed, BLUE), side(observed, GREEN)
    colour = active_colour(bot, observed)
    return Seen(
        row=observed.row,
        blue=blue,
        green=green,
        active=Place(colour, _active_revision(bot, observed, blue if colour == BLUE else green) or wanted),
        wanted=wanted,
        terms=replace(
            terms(bot, spec, now),
            changes=modes.changes(bot, spec, observed),
            leaves=modes.left(bot, spec, observed) is not None,
        ),
        shut=observed.shut,
        request=request(bot, observed),
        swappable=_is_swappable(spec, observed, colour),
        embedded=spec.database.mode is DatabaseMode.EMBEDDED,
        probes=observed.probes,
        samples=observed.samples,
    )


def active_colour(bot: Bot, observed: Observed) -> str:
    """The colour the lease names; while it is unknown, the one it named last."""
    if observed.row is not None:
        return observed.row.colour
    return (bot.status.get("active") or {}).get("colour") or BLUE


def _active_revision(bot: Bot, observed: Observed, here: Side) -> str | None:
    """What the active colour is to go on with; a Deployment that someone deleted comes back as it was."""
    if here.revision:
        return here.revision
    named = observed.row.revision if observed.row else None
    known = {each.name for each in observed.revisions}
    last = (bot.status.get("active") or {}).get("revision")
    return next((each for each in (named, last) if each in known), None)


def side(observed: Observed, colour: str) -> Side:
    """One colour as it is; of two pods the newer one counts."""
    workload = observed.workload(colour)
    pod = _pod(observed, colour, workload.revision if workload else None)
    instance, silent = _process(observed.row, pod)
    said = observed.reports.get(pod.uid) if pod else None
    here = [each for each in observed.pods if each.colour == colour]
    return Side(
        colour=colour,
        revision=workload.revision if workload else None,
        replicas=workload.replicas if workload else 0,
        pod=pod.name if pod else None,
        ready=pod.ready if pod else False,
        trouble=pod.trouble if pod else None,
        instance=instance or (said.instance if said and said.instance else None),
        silent_ms=silent,
        report=said,
        pods=tuple((each.name, each.uid) for each in here),
        unended=tuple((each.name, each.uid) for each in here if not each.deleting),
    )


def _pod(observed: Observed, colour: str, revision: str | None) -> Pod | None:
    own = [each for each in observed.pods if each.colour == colour and not each.deleting]
    of_it = [each for each in own if each.revision == revision]
    return max(of_it, key=lambda each: (each.made, each.name), default=None)


def _process(row: LeaseRow | None, pod: Pod | None) -> tuple[str | None, int | None]:
    """The process of *pod* that beat last, by the ledger's own clock."""
    if row is None or pod is None:
        return None, None
    own = [sign for sign in row.signs if sign.instance.partition("/")[0] == pod.uid]
    newest = min(own, key=lambda sign: sign.silent_ms, default=None)
    return (newest.instance, newest.silent_ms) if newest else (None, None)


def terms(bot: Bot, spec: BotSpec, now: datetime) -> Terms:
    rollout, traded = spec.rollout, (bot.status.get("active") or {}).get("mode")
    return Terms(
        observe=span(rollout.observe),
        adopt=span(rollout.adopt_deadline),
        deadline=span(rollout.deadline),
        warm=rollout.standby == "warm",
        blackout=within(rollout.blackout_windows, now),
        suspended=spec.suspend,
        gates=tuple(_bar(spec, each) for each in rollout.gates),
        analysis=tuple(_check(each) for each in rollout.analysis),
        skipped=skipped(bot.annotations.get(SKIP_GATES, "")),
        skip_reason=skip_reason(bot.annotations.get(SKIP_GATES, "")),
        promotion=spec.mode is Mode.LIVE
        and traded not in (None, Mode.LIVE.value)
        and not modes.was_live(bot, config_hash(spec)),
    )


def skipped(note: str) -> tuple[str, ...]:
    """The gates a person skips, given as names and a reason; without a reason none is."""
    names, _, reason = note.strip().partition(" ")
    return tuple(name for name in names.split(",") if name) if reason.strip() else ()


def skip_reason(note: str) -> str:
    """Why a person skips gates."""
    return note.strip().partition(" ")[2].strip()


def _bar(spec: BotSpec, gate: Gate) -> Bar:
    """A window is counted in bars of the strategy."""
    minutes = span(gate.window) / timedelta(minutes=1) if gate.window else 0
    bars = max(FEWEST_BARS, -int(-minutes // BARS[spec.strategy.timeframe]))
    return Bar(gate.name, gate.threshold, bars, _command(gate.job))


def _check(asked: Analysis) -> Check:
    window = span(asked.window) if asked.window else None
    return Check(asked.name, asked.query, asked.threshold, _command(asked.job), window)


def _command(job: JobCheck | None) -> Command | None:
    return Command(job.command, job.image, int(span(job.deadline or JOB_DEADLINE).total_seconds())) if job else None


def _is_swappable(spec: BotSpec, observed: Observed, colour: str) -> bool:
    """Two colours can share the ledger: on a server, or in a file on a claim that both mount."""
    if spec.rollout.strategy != "BlueGreen":
        return False
    if spec.database.mode is not DatabaseMode.EMBEDDED:
        return True
    running = observed.workload(colour)
    return spec.shares_state and (running is None or bool(running.claim))


def request(bot: Bot, observed: Observed) -> Request | None:
    """The oldest task that steers and has not begun; its target as recorded, or as resolved now."""
    begun = {each["name"] for each in bot.status.get("tasks") or ()}
    waiting = [each for each in observed.tasks if steers(each) and each.name not in begun]
    first = min(waiting, key=lambda each: (each.created, each.name), default=None)
    if first is None or first.spec is None:
        return None
    # Another mode is asked for by the spec, which leaves a market only when nothing is open there.
    book = modes.told(bot, observed)
    fit = tuple(each for each in observed.revisions if book is None or each.book in ("", book))
    alike = replace(observed, revisions=fit)
    target = first.status.get("target") or _target(bot, alike, first.spec.target)
    known = {each.name for each in alike.revisions}
    return Request(first.name, first.uid, first.spec.type, target if target in known else None)


def steers(task: Task) -> bool:
    """Whether it is a valid request to the state machine that is not answered yet."""
    return task.spec is not None and task.spec.type in STEERED and task.finished_at is None and not task.deleted


def _target(bot: Bot, observed: Observed, named: str | None) -> str | None:
    """The revision a task names, or the one before.

    Of a swap that has not gone over that is what trades; else what the other colour holds; else the newest other one.
    """
    if named not in (None, "previous"):
        return named
    colour = active_colour(bot, observed)
    trading, beside = observed.workload(colour), observed.workload(other(colour))
    now = trading.revision if trading else None
    rollout = parse_rollout(bot.status)
    if rollout is not None and rollout.step in CANDIDATE | ORDERING and rollout.source.colour == colour:
        return rollout.source.revision
    if beside is not None and beside.revision not in ("", now):
        return beside.revision
    older = sorted(observed.revisions, key=lambda each: each.number, reverse=True)
    return next((each.name for each in older if each.name != now), None)
