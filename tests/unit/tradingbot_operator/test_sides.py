"""From what was observed of a bot to what a move rests on."""

from datetime import timedelta

import pytest

import make_operator as make
from tradingbot_operator.domain.handover import Bar, Place, Request, Side
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.domain.names import SKIP_GATES
from tradingbot_operator.domain.probe import Check, Command
from tradingbot_operator.plan.sides import request, seen, side, steers

BLUE = make.workload()
GREEN = make.workload(name="btc-green", uid="deployment-2", colour="green", revision="r2")
POSTGRES = {"mode": "postgres", "postgres": make.LIVE["database"]["postgres"]}
FIRST, SECOND, THIRD = make.revision(1), make.revision(2), make.revision(3)
EVERY = (FIRST, SECOND, THIRD)


def look(seen_of=None, spec=None, status=None, wanted="r2", **metadata):
    bot = make.bot(spec, status, **metadata)
    return seen(bot, bot.spec, seen_of or make.observed(), wanted, make.NOW)


def beat(instance, silent_ms):
    return Sign(instance, "standby", silent_ms)


def test_colour_is_what_its_deployment_pod_and_process_say():
    """The revision and the replicas asked for, the pod that serves, the process in it by the ledger's clock."""
    said = make.said()
    here = make.observed(workloads=(BLUE, GREEN), pods=(make.pod(),), row=make.row(), reports={"pod-1": said})
    assert side(here, "blue") == Side(
        "blue",
        "r1",
        1,
        pod="btc-blue-abc",
        ready=True,
        instance="pod-1/1",
        silent_ms=100,
        report=said,
        pods=(("btc-blue-abc", "pod-1"),),
        unended=(("btc-blue-abc", "pod-1"),),
    )
    assert side(here, "green") == Side("green", "r2", 1)


def test_colour_of_which_nothing_is_there_is_empty():
    """No revision, no replica, no process."""
    assert side(make.observed(), "green") == Side("green")


def test_newest_pod_of_the_revision_counts_and_those_that_go_are_only_left():
    """What is ending, and what an older template made, is not who will trade."""
    pods = (
        make.pod(name="older", uid="1", made="2026-11-21T13:00:00Z"),
        make.pod(name="newer", uid="2", made="2026-11-21T13:30:00Z"),
        make.pod(name="going", uid="3", made="2026-11-21T13:59:00Z", deleting=True),
        make.pod(name="other", uid="4", made="2026-11-21T13:58:00Z", revision="r0"),
        make.pod(name="green", uid="5", made="2026-11-21T13:58:00Z", colour="green"),
    )
    here = side(make.observed(workloads=(BLUE,), pods=pods), "blue")
    assert here.pod == "newer"
    assert here.pods == (("older", "1"), ("newer", "2"), ("going", "3"), ("other", "4"))
    assert here.unended == (("older", "1"), ("newer", "2"), ("other", "4"))


@pytest.mark.parametrize(
    ("row", "instance", "silent_ms"),
    [
        (make.row(signs=(beat("pod-1/1", 900), beat("pod-1/2", 100), beat("pod-2/1", 0))), "pod-1/2", 100),
        (make.row(signs=(beat("pod-2/1", 0),)), "pod-1/7", None),
        (None, "pod-1/7", None),
    ],
)
def test_process_of_a_pod_is_the_one_that_beat_last(row, instance, silent_ms):
    """One that never beat is known by its own answer, and how long it is silent is unknown."""
    here = make.observed(
        workloads=(BLUE,), pods=(make.pod(),), row=row, reports={"pod-1": make.said(instance="pod-1/7")}
    )
    found = side(here, "blue")
    assert (found.instance, found.silent_ms) == (instance, silent_ms)


def test_process_that_neither_beats_nor_answers_is_unknown():
    """A pod alone names nobody; nor does an answer without a name."""
    there = {"workloads": (BLUE,), "pods": (make.pod(),), "row": make.row(signs=())}
    assert side(make.observed(**there), "blue").instance is None
    assert side(make.observed(**there, reports={"pod-1": make.said(instance="")}), "blue").instance is None


@pytest.mark.parametrize(
    ("row", "status", "colour"),
    [
        (make.row(holder="tb_q3v9zk_green"), {"active": {"colour": "blue"}}, "green"),
        (None, {"active": {"colour": "green"}}, "green"),
        (None, {}, "blue"),
    ],
)
def test_active_colour_is_that_of_the_lease(row, status, colour):
    """While it is unknown, the one it named last; a new bot begins with blue."""
    assert look(make.observed(row=row), status=status).active.colour == colour


@pytest.mark.parametrize(
    ("workloads", "row", "last", "revision"),
    [
        ((make.workload(revision="r7"),), make.row(revision="r1"), "r1", "r7"),
        ((), make.row(revision="r1"), "r2", "r1"),
        ((), make.row(revision="r7"), "r3", "r3"),
        ((), None, "r3", "r3"),
        ((), None, "r7", "r2"),
        ((), None, None, "r2"),
    ],
)
def test_colour_goes_on_with_what_it_runs_and_a_deleted_one_comes_back_as_it_was(workloads, row, last, revision):
    """Deployment, lease, status, in this order, of what is recorded; else what the spec asks for."""
    here = make.observed(workloads=workloads, row=row, revisions=EVERY)
    assert look(here, status={"active": {"colour": "blue", "revision": last}}).active == Place("blue", revision)


@pytest.mark.parametrize(
    ("timeframe", "window", "bars"),
    [
        ("1m", None, 3),
        ("1m", "30s", 3),
        ("1d", "1h", 3),
        ("15m", "1h", 4),
        ("1m", "5m", 5),
        ("3m", "13m", 5),
        ("5m", "21m", 5),
        ("15m", "61m", 5),
        ("30m", "121m", 5),
        ("1h", "241m", 5),
        ("4h", "961m", 5),
        ("1d", "5761m", 5),
    ],
)
def test_window_of_a_gate_is_counted_in_whole_bars(timeframe, window, bars):
    """Rounded up, and never fewer than three."""
    gate = {"name": "shadow", "threshold": "5"} | ({"window": window} if window else {})
    strategy = {"name": "sma_cross", "timeframe": timeframe}
    terms = look(spec={**make.MINIMAL, "strategy": strategy, "rollout": {"gates": [gate]}}).terms
    assert terms.gates == (Bar("shadow", "5", bars),)


def test_jobs_and_queries_of_a_spec_become_terms():
    """A Job may take five minutes unless the spec says otherwise."""
    terms = look(spec=make.ANALYSED).terms
    assert terms.gates == (Bar("smoke", None, 3), Bar("job", None, 3, Command(("check", "--all"), None, 300)))
    assert terms.analysis == (
        Check("errors", 'sum(errors_total{colour="$colour"})', "0.05"),
        Check("path", command=Command(("check",), None, 30), window=timedelta(minutes=1)),
    )


@pytest.mark.parametrize(
    ("spec", "mode", "promotion"),
    [(make.LIVE, "paper", True), (make.LIVE, "live", False), (make.LIVE, None, False), (make.MINIMAL, "sim", False)],
)
def test_way_from_practice_to_money_is_a_promotion(spec, mode, promotion):
    """A bot that never ran another mode is not promoted, and none is promoted to practice."""
    assert look(spec=spec, status={"active": {"mode": mode}} if mode else {}).terms.promotion is promotion


def test_terms_are_those_of_the_spec_and_the_annotation():
    """Warm standby, blackout, suspension and skipped gates."""
    windows = [{"start": "13:00", "end": "15:00"}]
    spec = {**make.MINIMAL, "suspend": True, "rollout": {"standby": "warm", "blackoutWindows": windows}}
    terms = look(spec=spec, annotations={SKIP_GATES: "shadow the model was replaced"}).terms
    assert (terms.warm, terms.blackout, terms.suspended, terms.skipped) == (True, True, True, ("shadow",))
    terms = look().terms
    assert (terms.warm, terms.blackout, terms.suspended, terms.skipped) == (False, False, False, ())


@pytest.mark.parametrize(
    ("spec", "workloads", "swappable"),
    [
        ({**make.MINIMAL, "rollout": {"strategy": "Recreate"}, "database": POSTGRES}, (), False),
        ({**make.MINIMAL, "database": POSTGRES}, (BLUE,), True),
        (make.MINIMAL, (), True),
        (make.MINIMAL, (make.workload(claim="btc-state"),), True),
        (make.MINIMAL, (BLUE,), False),
        ({**make.MINIMAL, "mode": "sim"}, (), False),
    ],
)
def test_two_colours_share_a_ledger_on_a_server_or_on_a_claim(spec, workloads, swappable):
    """A file of the colour's own cannot be handed over, nor one that is not kept; Recreate never has two."""
    assert look(make.observed(workloads=workloads), spec).swappable is swappable


def test_ledger_in_a_file_is_known_as_such():
    """Nobody can be shut out of it from afar."""
    assert look(spec=make.MINIMAL).embedded is True
    assert look(spec={**make.MINIMAL, "database": POSTGRES}).embedded is False


def task(name, created="2026-11-21T13:00:00Z", target=None, **changes):
    spec = {"bot": "btc", "type": changes.pop("type", "rollback")} | ({"target": target} if target else {})
    return make.task(spec, name=name, uid=f"uid-{name}", created=created, **changes)


def test_oldest_task_that_steers_and_has_not_begun_is_the_request():
    """Of the same second the first by name; others wait their turn."""
    tasks = (
        task("late", "2026-11-21T13:05:00Z"),
        task("begun", "2026-11-21T12:00:00Z"),
        task("b", target="r1"),
        task("a", type="restart"),
    )
    status = {"tasks": [{"name": "begun", "uid": "uid-begun"}]}
    here = make.observed(tasks=tasks, revisions=EVERY)
    assert request(make.bot(status=status), here) == Request("a", "uid-a", "restart", "r3")
    without = make.observed(tasks=tasks[:3], revisions=EVERY)
    assert request(make.bot(status=status), without) == Request("b", "uid-b", "rollback", "r1")
    assert request(make.bot(status=status), make.observed(tasks=tasks[1:2])) is None
    assert look(here, status=status).request == Request("a", "uid-a", "restart", "r3")


@pytest.mark.parametrize(
    "other",
    [
        task("t", type="backup"),
        task("t", deleted=True),
        task("t", status={"finishedAt": "2026-11-21T13:30:00Z"}),
        make.task({"bot": "btc", "type": "dance"}),
    ],
)
def test_task_that_is_done_or_gone_or_not_understood_steers_nothing(other):
    """Nor does one whose work is another's."""
    assert steers(task("t"))
    assert not steers(other)
    assert request(make.bot(), make.observed(tasks=(other,), revisions=EVERY)) is None


@pytest.mark.parametrize(
    ("target", "status", "found"),
    [("r1", {}, "r1"), ("r9", {}, None), ("r1", {"target": "r3"}, "r3")],
)
def test_target_is_the_one_named_or_as_it_was_resolved_once(target, status, found):
    """A revision that is not recorded is none; what was resolved is not resolved again."""
    here = make.observed(tasks=(task("t", target=target, status=status),), revisions=EVERY)
    assert request(make.bot(), here).target == found


def record(step, source="blue"):
    return {
        "uid": "u",
        "kind": "swap",
        "step": step,
        "from": {"colour": source, "revision": "r1"},
        "to": {"colour": "green", "revision": "r2"},
        "startedAt": "2026-11-21T13:59:00.000Z",
        "stepSince": "2026-11-21T13:59:00.000Z",
    }


@pytest.mark.parametrize(
    ("workloads", "rollout", "found"),
    [
        ((BLUE, GREEN), record("Starting"), "r1"),
        ((BLUE, GREEN), record("Releasing"), "r1"),
        ((BLUE, GREEN), record("Starting", source="green"), "r2"),
        ((BLUE, GREEN), record("Observing"), "r2"),
        ((BLUE, GREEN), None, "r2"),
        ((BLUE, make.workload(colour="green", revision="r1")), None, "r3"),
        ((BLUE, make.workload(colour="green", revision="")), None, "r3"),
        ((BLUE,), None, "r3"),
        ((make.workload(revision="r3"),), None, "r2"),
        ((), None, "r3"),
    ],
)
@pytest.mark.parametrize("named", [None, "previous"])
def test_previous_is_what_trades_or_the_other_colour_or_the_newest_other_one(workloads, rollout, found, named):
    """A swap that has not gone over is called off; else what is warm or was last beside the trader comes back."""
    here = make.observed(
        workloads=workloads, row=make.row(), tasks=(task("t", target=named),), revisions=(FIRST, THIRD, SECOND)
    )
    assert request(make.bot(status={"rollout": rollout}), here).target == found


def test_previous_of_a_bot_with_one_revision_is_none():
    """There is nothing to go back to."""
    here = make.observed(workloads=(BLUE,), tasks=(task("t"),), revisions=(FIRST,))
    assert request(make.bot(), here) == Request("t", "uid-t", "rollback", None)
