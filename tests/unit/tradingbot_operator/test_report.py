"""What a status says of a bot."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_operator as make
from tradingbot_operator.domain.observed import Comparison, Keys, Schema
from tradingbot_operator.domain.outcome import Applied, Trouble
from tradingbot_operator.domain.revision import revision_name
from tradingbot_operator.report.conditions import conditions
from tradingbot_operator.report.reasons import REASONS
from tradingbot_operator.report.status import begins, change, report
from tradingbot_operator.report.wait import look_again

NAME = revision_name(make.bot().spec)
GOING = {"deletionTimestamp": "2026-11-21T14:00:00Z", "finalizers": ["tradingbot.io/operator"]}
TAKEN = Trouble("NameTaken", "Service btc exists")
SUSPENDED = {**make.MINIMAL, "suspend": True}
OLD_READY = {"type": "Ready", "status": "False", "reason": "PodNotReady", "lastTransitionTime": "2026-11-21T13:00:00Z"}


def serving(**changes):
    return make.observed(pods=(make.pod(revision=NAME),), **changes)


def seen(facts):
    """Status and reason by condition."""
    return {each.type: (each.status.value, each.reason) for each in conditions(facts)}


def status(facts):
    return report(facts.bot, facts.observed, facts.plan, facts.applied, facts.now)


def test_only_what_starts_and_was_never_told_of_begins():
    """Its first status may wait for a moment; whatever was told once, and all that is not a start, may not."""
    new, told = make.facts(), make.facts(status={"conditions": [OLD_READY]})
    assert begins(new.bot, status(new))
    assert not begins(told.bot, status(told))
    serves, refused = make.facts(seen=serving()), make.facts(make.LIVE)
    assert not begins(serves.bot, status(serves))
    assert not begins(refused.bot, status(refused))


def test_first_start_is_reconciling_and_not_ready():
    """kstatus: InProgress."""
    said = seen(make.facts())
    assert said["Ready"] == ("False", "PodNotReady")
    assert said["Reconciling"] == ("True", "Starting")
    assert said["Progressing"] == ("True", "Starting")
    assert "Stalled" not in said
    assert said["TradingActive"] == ("False", "NoPod")
    assert said["ConfigInSync"] == ("False", "NotRunning")


def test_running_bot_is_ready_and_nothing_else_is_under_way():
    """kstatus: Current."""
    said = seen(make.facts(seen=serving(report=make.said())))
    assert said["Ready"] == ("True", "PodReady")
    assert said["Progressing"] == ("False", "Settled")
    assert "Reconciling" not in said
    assert "Stalled" not in said
    assert said["TradingActive"] == ("True", "Trading")
    assert said["SingleWriter"] == ("True", "LeaseHeld")
    assert said["MigrationsApplied"] == ("True", "LedgerOpen")
    assert said["Halted"] == ("False", "NotHalted")
    assert said["ConfigInSync"] == ("True", "RevisionRuns")
    assert said["RollbackAvailable"] == ("False", "OneColour")
    assert said["BackupHealthy"] == ("Unknown", "NotConfigured")


def test_backup_that_nobody_takes_is_not_healthy():
    """A wish for backups is never silently forgotten."""
    spec = {**make.MINIMAL, "backup": {"schedule": "0 3 * * *", "destination": {"claim": "backups"}}}
    assert seen(make.facts(spec))["BackupHealthy"] == ("False", "NotServed")


def test_silence_is_unknown():
    """A process that does not answer may or may not trade."""
    said = seen(make.facts(seen=serving()))
    assert said["TradingActive"] == ("Unknown", "NotReported")
    assert said["SingleWriter"] == ("Unknown", "NotReported")
    assert said["MigrationsApplied"] == ("Unknown", "NotReported")
    assert said["Halted"] == ("Unknown", "NotReported")


def test_process_without_ledger_has_no_epoch():
    """Before the ledger is open neither writer nor tables are known."""
    said = seen(
        make.facts(seen=serving(report=make.said(epoch=None, ledger_id=None, trading_active=False, state="starting")))
    )
    assert said["SingleWriter"] == ("Unknown", "NotReported")
    assert said["MigrationsApplied"] == ("Unknown", "NotReported")
    assert said["TradingActive"] == ("False", "NotTrading")


def test_halted_bot_is_ready_with_the_reason():
    """A halt is an order, not a failure."""
    facts = make.facts(
        seen=serving(report=make.said(trading_active=False, state="halted", halts=(make.halt(kind="reduce"),)))
    )
    said = seen(facts)
    assert said["Ready"] == ("True", "Halted")
    assert said["Halted"] == ("True", "Reduce")
    assert said["TradingActive"] == ("False", "Halted")
    assert status(facts)["phase"] == "Halted"


@pytest.mark.parametrize(
    ("outside", "reason"),
    [
        (("an order of somebody else: sell 1 BTC/USDT",), "ForeignOrderDetected"),
        (("the account lacks 0.1 of the position in BTC/USDT", "a trade of somebody else: sell 0.1"), "AccountChanged"),
    ],
)
def test_what_others_do_on_the_account_is_a_condition_while_it_matters(outside, reason):
    """In the process's own words; where nobody else was, the condition is not there."""
    facts = make.facts(seen=serving(report=make.said(outside=outside)))
    assert seen(facts)["ForeignActivity"] == ("True", reason)
    found = next(each for each in status(facts)["conditions"] if each["type"] == "ForeignActivity")
    assert found["message"] == "; ".join(outside)
    assert "ForeignActivity" not in seen(make.facts(seen=serving(report=make.said())))


@pytest.mark.parametrize(("clock", "reason"), [("skewed", "Skewed"), ("off", "Off")])
def test_a_clock_that_is_off_is_a_condition_while_it_is(clock, reason):
    """A warning first, then what keeps entries back; where all is well, the condition is not there."""
    assert seen(make.facts(seen=serving(report=make.said(clock=clock))))["ClockSkew"] == ("True", reason)
    assert "ClockSkew" not in seen(make.facts(seen=serving(report=make.said())))
    assert "ClockSkew" not in seen(make.facts())


def test_a_pod_that_contradicts_its_settings_is_a_condition_until_it_is_mended_and_after():
    """Nobody else has it; who had it once is told that all is well again, or that nobody knows."""
    kind = "PaperModeConsistent"
    wrong, well, silent = (serving(report=make.said(paper_consistent=each)) for each in (False, True, None))
    assert seen(make.facts(seen=wrong))[kind] == ("False", "Contradicted")
    assert kind not in seen(make.facts(seen=well))
    assert kind not in seen(make.facts(seen=silent))
    before = {"conditions": [{"type": kind, "status": "False", "reason": "Contradicted"}]}
    assert seen(make.facts(seen=well, status=before))[kind] == ("True", "Consistent")
    assert seen(make.facts(seen=silent, status=before))[kind] == ("Unknown", "NotReported")
    assert seen(make.facts(status=before))[kind] == ("Unknown", "NotReported")


def test_a_breaker_that_is_open_is_a_condition_with_its_name():
    """Which of them it is; none is open, and the condition is gone."""
    facts = make.facts(seen=serving(report=make.said(breakers=("binance/account", "binance/enter"))))
    assert seen(facts)["VenueFailing"] == ("True", "BreakerOpen")
    found = next(each for each in status(facts)["conditions"] if each["type"] == "VenueFailing")
    assert found["message"] == "open: binance/account, binance/enter; nothing is entered, stops and exits go on"
    assert "VenueFailing" not in seen(make.facts(seen=serving(report=make.said())))
    assert "VenueFailing" not in seen(make.facts())


WAYS = {
    frozenset({"network"}): "Network",
    frozenset({"away", "maintenance"}): "Maintenance",
    frozenset({"network", "banned"}): "IpBanned",
    frozenset({"rate_limit"}): "RateLimited",
    frozenset({"moved", "network"}): "EndpointChanged",
    frozenset({"away"}): "BreakerOpen",
    frozenset({"a word of a later version"}): "BreakerOpen",
}


@pytest.mark.parametrize(
    ("kinds", "reason"), WAYS.items(), ids=lambda each: each if isinstance(each, str) else "+".join(sorted(each))
)
def test_how_the_venue_fails_is_the_reason(kinds, reason):
    """The plainest of the words of what is open."""
    facts = make.facts(seen=serving(report=make.said(breakers=("binance/account",), failures=kinds)))
    assert seen(facts)["VenueFailing"] == ("True", reason)
    assert ("VenueFailing", "True", reason) in KNOWN


def compared(at, *differences):
    return make.said(reconciliation=Comparison(at, differences))


def test_how_ledger_and_account_compared_last_is_told_once():
    """Result, the differences, and since when; another look with that result writes nothing, nor does silence."""
    first = status(make.facts(seen=serving(report=compared("2026-11-21T13:00:00Z"))))
    said = {"result": "Matches", "at": "2026-11-21T13:00:00Z", "message": "ledger and account agree"}
    assert first["reconciliation"] == said
    again = status(make.facts(seen=serving(report=compared("2026-11-21T14:00:00Z")), status=first))
    assert again["reconciliation"] == said
    assert status(make.facts(seen=serving(), status=first))["reconciliation"] == said
    then = compared("2026-11-21T15:00:00Z", "BTC/USDT lacks 0.1", "ETH/USDT has 2 more")
    assert status(make.facts(seen=serving(report=then), status=first))["reconciliation"] == {
        "result": "Differs",
        "at": "2026-11-21T15:00:00Z",
        "message": "BTC/USDT lacks 0.1; ETH/USDT has 2 more",
    }


def test_the_schema_of_the_ledger_is_told():
    """As the process says it, and as it was known while none does."""
    facts = make.facts(seen=serving(report=make.said(schema=Schema("0004", "0003"))))
    assert status(facts)["schemaVersion"] == "0003"
    assert status(make.facts(seen=serving(), status={"schemaVersion": "0003"}))["schemaVersion"] == "0003"
    unread = make.said(schema=Schema("0004", ""))
    assert "schemaVersion" not in status(make.facts(seen=serving(report=unread)))


def test_the_name_of_a_halt_outlives_the_pods_that_carry_it():
    """It is kept while words stand on the bot or its namespace, and forgotten with them."""
    named, kept = make.pod(annotations={"tradingbot.io/halt-id": "h1"}), {"haltOrder": "h0"}
    assert status(make.facts(seen=make.observed(pods=(named,), namespace_halt="why"), status=kept))["haltOrder"] == "h1"
    assert status(make.facts(seen=make.observed(namespace_halt="why"), status=kept))["haltOrder"] == "h0"
    assert "haltOrder" not in status(make.facts(seen=make.observed(pods=(named,)), status=kept))


def test_silent_bot_stays_halted():
    """Silence clears no halt: what stood before still stands."""
    halt = {"id": "h1", "kind": "halt", "source": "http", "reason": "drill", "since": "2026-11-21T13:00:00Z"}
    facts = make.facts(seen=serving(), status={"halts": [halt]})
    assert seen(facts)["Halted"] == ("True", "LastKnown")
    assert status(facts)["halts"] == [halt]


def test_pod_of_an_old_revision_is_not_the_wanted_one():
    """While the new version starts the bot is not ready."""
    said = seen(make.facts(seen=make.observed(pods=(make.pod(revision="old"),))))
    assert said["Ready"] == ("False", "PodNotReady")
    assert said["Reconciling"] == ("True", "Starting")


@pytest.mark.parametrize("pod", [make.pod(revision=NAME, ready=False), make.pod(revision=NAME, deleting=True)])
def test_pod_that_is_unready_or_going_does_not_serve(pod):
    """Only a ready pod that stays makes a bot ready."""
    assert seen(make.facts(seen=make.observed(pods=(pod,))))["Ready"] == ("False", "PodNotReady")


def test_refused_spec_leaves_ready_to_the_old_generation():
    """What still runs stands for the generation it came from; the refusal speaks of the new one."""
    before = {
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "PodReady",
                "observedGeneration": 1,
                "lastTransitionTime": "x",
            }
        ]
    }
    facts = make.facts(
        make.LIVE,
        status=before,
        seen=make.observed(pods=(make.pod(revision="old"),)),
        metadata={"generation": 2},
    )
    made = {each.type: each for each in conditions(facts)}
    assert (made["Ready"].status, made["Ready"].generation) == ("True", 1)
    assert (made["Stalled"].reason, made["Stalled"].generation) == ("LiveNotAllowed", 2)
    assert (made["ConfigInSync"].status, made["ConfigInSync"].reason) == ("False", "LiveNotAllowed")
    assert status(facts)["observedGeneration"] == 2
    assert status(facts)["phase"] == "Stalled"


def test_refused_spec_of_a_new_bot_speaks_of_its_only_generation():
    """There is no older generation to stand for."""
    made = {each.type: each for each in conditions(make.facts(make.LIVE))}
    assert (made["Ready"].status, made["Ready"].generation) == ("False", 1)


def test_object_that_could_not_be_written_stalls_the_bot():
    """The trouble is the reason, and a person must act."""
    said = seen(make.facts(trouble=TAKEN, seen=make.observed(pods=(make.pod(revision="old"),))))
    assert said["Stalled"] == ("True", "NameTaken")
    assert said["Ready"] == ("True", "PodReady")
    assert "Reconciling" not in said


def test_suspended_bot_is_ready_once_nothing_runs():
    """Stopping is under way; suspended is done."""
    stopping = make.facts(SUSPENDED, seen=make.observed(pods=(make.pod(deleting=True),)))
    assert seen(stopping)["Ready"] == ("False", "Stopping")
    assert seen(stopping)["Reconciling"] == ("True", "Stopping")
    rested = make.facts(SUSPENDED)
    assert seen(rested)["Ready"] == ("True", "Suspended")
    assert "Reconciling" not in seen(rested)
    assert status(rested)["phase"] == "Suspended"


def test_pod_that_cannot_start_stalls_the_bot_in_its_words():
    """The node's or the process's own words are the message."""
    pod = make.pod(revision=NAME, ready=False, trouble="pod btc-blue-abc: ErrImagePull: no such image")
    facts = make.facts(seen=make.observed(pods=(pod,)))
    assert seen(facts)["Stalled"] == ("True", "PodFailing")
    assert "Reconciling" not in seen(facts)
    stalled = next(each for each in conditions(facts) if each.type == "Stalled")
    assert stalled.message == "pod btc-blue-abc: ErrImagePull: no such image"


def test_trouble_of_a_suspended_bots_pod_is_no_matter():
    """A pod that is to go need not start."""
    pod = make.pod(revision=NAME, ready=False, trouble="pod x: CrashLoopBackOff: x")
    assert "Stalled" not in seen(make.facts(SUSPENDED, seen=make.observed(pods=(pod,))))


def test_trouble_of_the_old_version_is_no_matter():
    """Going back is not stalled by the pod it goes back from."""
    pod = make.pod(revision="broken", ready=False, trouble="pod x: CrashLoopBackOff: x")
    said = seen(make.facts(seen=make.observed(pods=(pod,))))
    assert "Stalled" not in said
    assert said["Reconciling"] == ("True", "Starting")


def waited(seconds, generation=1):
    """The status of a bot that has been starting for that long."""
    began = (make.NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = {
        "type": "Reconciling",
        "status": "True",
        "reason": "Starting",
        "observedGeneration": generation,
        "lastTransitionTime": began,
    }
    return {"conditions": [old]}


def test_start_that_takes_too_long_stalls_the_bot():
    """Ten minutes by default, counted from when the start began."""
    assert "Stalled" not in seen(make.facts(status=waited(599)))
    late = make.facts(status=waited(600))
    assert seen(late)["Stalled"] == ("True", "StartDeadlineExceeded")
    assert "Reconciling" not in seen(late)


def test_late_start_stays_late_until_the_spec_changes_or_a_pod_serves():
    """The verdict does not flap when it is looked at again; a new spec has its own time."""
    before = status(make.facts(status=waited(600)))
    assert seen(make.facts(status=before))["Stalled"] == ("True", "StartDeadlineExceeded")
    assert "Stalled" not in seen(make.facts(status=before, metadata={"generation": 2}))
    assert "Stalled" not in seen(make.facts(status=before, seen=serving()))
    assert "Stalled" not in seen(make.facts(status=waited(600, generation=0)))


def test_bot_that_is_deleted_says_so():
    """kstatus: Terminating; nothing is stalled any more."""
    facts = make.facts(metadata=GOING, seen=make.observed(pods=(make.pod(trouble="x"),)))
    said = seen(facts)
    assert said["Ready"] == ("False", "Deleting")
    assert said["Reconciling"] == ("True", "Deleting")
    assert "Stalled" not in said
    assert status(facts)["phase"] == "Deleting"


def test_status_holds_nothing_that_ticks():
    """The whole status of a trading bot, literally."""
    said = status(make.facts(seen=serving(report=make.said())))
    assert {name: value for name, value in said.items() if name != "conditions"} == {
        "observedGeneration": 1,
        "phase": "Running",
        "mode": "paper",
        "active": {"colour": "blue", "revision": NAME, "epoch": 4, "since": "2026-11-21T14:00:00Z"},
        "ledgerId": "q3v9zk",
        "highestEpoch": 4,
        "halts": [],
    }


def test_highest_epoch_never_goes_back():
    """Whatever a process says, the highest epoch ever seen stays."""
    facts = make.facts(seen=serving(report=make.said(epoch=2, highest_epoch=3)), status={"highestEpoch": 9})
    assert status(facts)["highestEpoch"] == 9
    assert status(facts)["active"]["epoch"] == 2


def test_what_was_known_survives_silence_and_a_bad_spec():
    """Ledger, epoch, mode and since when stay as they were last known."""
    first = status(make.facts(seen=serving(report=make.said())))
    silent = status(make.facts(seen=serving(), status=first, now=make.NOW + timedelta(hours=1)))
    assert silent["ledgerId"] == "q3v9zk"
    assert silent["active"] == first["active"]
    bad = status(make.facts({**make.MINIMAL, "modus": "x"}, status=first))
    assert bad["mode"] == "paper"


def test_active_since_moves_with_the_revision():
    """Another revision serves since now."""
    before = {"active": {"colour": "blue", "revision": "old", "since": "2026-11-20T00:00:00Z"}}
    assert status(make.facts(seen=serving(), status=before))["active"] == {
        "colour": "blue",
        "revision": NAME,
        "since": "2026-11-21T14:00:00Z",
    }


def test_change_is_the_least_patch():
    """Only what differs is written, what is gone is null, and equal statuses need no write."""
    before = {"a": 1, "gone": 2, "active": {"epoch": 4, "colour": "blue"}, "same": {"x": 1}, "list": [1]}
    after = {"a": 1, "active": {"epoch": 5}, "same": {"x": 1}, "list": [1, 2], "new": {"y": 1}}
    assert change(before, after) == {
        "gone": None,
        "active": {"colour": None, "epoch": 5},
        "list": [1, 2],
        "new": {"y": 1},
    }
    assert change(after, after) is None


def test_second_look_writes_nothing():
    """A status read back gives no change, whatever the time."""
    first = status(make.facts(seen=serving(report=make.said())))
    again = status(make.facts(seen=serving(report=make.said()), status=first, now=make.NOW + timedelta(hours=5)))
    assert change(first, again) is None


def test_when_to_look_again():
    """At the end of a deletion step, after a trouble, at the deadline of a start; else when something happens."""
    deleting = make.facts(metadata=GOING, seen=make.observed(pods=(make.pod(),)))
    starting, done = make.facts(), make.facts(seen=serving())
    again = lambda facts: look_again(facts.bot, facts.plan, facts.applied, status(facts))  # noqa: E731
    assert again(deleting) == 5.0
    assert again(replace(done, applied=Applied(TAKEN))) == 10.0
    assert again(replace(done, applied=Applied(Trouble("LedgerPreparing", "the roles are made", 0.0)))) == 0.0
    assert again(starting) == 601.0
    assert again(done) is None
    assert again(make.facts({**make.MINIMAL, "modus": "x"})) is None


KNOWN = {(each.condition, each.status, each.reason) for each in REASONS}
reports = st.one_of(
    st.none(),
    st.builds(
        make.said,
        trading_active=st.booleans(),
        state=st.sampled_from(["starting", "standby", "trading", "halted", "blocked", "stopping"]),
        epoch=st.sampled_from([None, 0, 7]),
        ledger_id=st.sampled_from([None, "q3v9zk"]),
        halts=st.lists(st.builds(make.halt, kind=st.sampled_from(["reduce", "halt", "flatten"])), max_size=2).map(
            tuple
        ),
    ),
)
pods = st.lists(
    st.builds(
        make.pod,
        revision=st.sampled_from([NAME, "old"]),
        ready=st.booleans(),
        deleting=st.booleans(),
        trouble=st.sampled_from([None, "pod x: ErrImagePull: y"]),
    ),
    max_size=2,
).map(tuple)


@given(
    spec=st.sampled_from([make.MINIMAL, SUSPENDED, make.LIVE, {}]),
    pods=pods,
    said=reports,
    trouble=st.sampled_from([None, TAKEN, Trouble("ApplyRefused", "x")]),
    going=st.booleans(),
    started=st.sampled_from([{}, waited(5), waited(900)]),
)
def test_every_reason_is_in_the_reference(spec, pods, said, trouble, going, started):
    """No bot in any state has a reason the reference does not name; kstatus never sees both of its pair."""
    seen_now = make.observed(pods=pods, report=said)
    facts = make.facts(spec, trouble, seen=seen_now, status=started, metadata=GOING if going else {})
    made = conditions(facts)
    assert {(each.type, each.status.value, each.reason) for each in made} <= KNOWN
    types = [each.type for each in made]
    assert not {"Reconciling", "Stalled"} <= set(types)
    assert len(types) == len(set(types))
    truth = {each.type: each.status.value for each in made}
    if truth["Ready"] == "True":
        assert "Reconciling" not in types
    assert status(facts)["phase"]


def test_count_of_collisions_stays():
    """Names of revisions are made with it, so no report drops it."""
    assert status(make.facts(status={"collisionCount": 2}))["collisionCount"] == 2


def test_fingerprint_of_the_keys_is_of_those_that_are_wanted():
    """Keys are named while they run; while nothing is touched, those before stand; without keys there is none."""
    keyed = make.facts(
        make.SANDBOX, seen=make.observed(keys=Keys("keys", True, (), "k2")), status={"keyFingerprint": "k1"}
    )
    assert status(keyed)["keyFingerprint"] == "k2"
    missing = make.facts(make.SANDBOX, seen=make.observed(keys=Keys("keys", False)), status={"keyFingerprint": "k1"})
    assert status(missing)["keyFingerprint"] == "k1"
    assert "keyFingerprint" not in status(make.facts(status={"keyFingerprint": "k1"}))
