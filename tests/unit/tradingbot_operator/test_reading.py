"""From the API's objects to records, and from changes to Events."""

import pytest

import make_operator as make
from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.apply import taken
from tradingbot_operator.cluster.events import changes, event
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, LEASE, NAMESPACE, SERVICE
from tradingbot_operator.domain.observed import Halt
from tradingbot_operator.settings import Settings


def pod(**status):
    return {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "status": status}


def waiting(reason, message=None, ended=None):
    last = {"terminated": {"message": ended}} if ended else {}
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}, "lastState": last}]}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, None),
        (waiting("ContainerCreating"), None),
        (waiting("ErrImagePull", "no such image"), "pod p: ErrImagePull: no such image"),
        (waiting("CrashLoopBackOff", "back-off", "settings: bad\n"), "pod p: CrashLoopBackOff: settings: bad"),
        (waiting("CreateContainerError"), "pod p: CreateContainerError: no reason is given"),
        ({"containerStatuses": [{"state": {"running": {}}}]}, None),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
                ]
            },
            "pod p finds no node: no cpu",
        ),
    ],
)
def test_trouble_of_a_pod_is_in_its_own_words(status, words):
    """What will not end by itself is told; what may still be well is not."""
    assert reading.pod(pod(**status)).trouble == words


def test_only_our_annotations_of_a_pod_are_kept():
    """Records are small."""
    body = pod()
    body["metadata"]["annotations"] = {"tradingbot.io/halt": "x", "other": "y"}
    assert reading.pod(body).annotations == {"tradingbot.io/halt": "x"}


def test_image_of_a_pod_is_that_of_its_own_container():
    """Another container in the pod is not the bot; one that has no image yet has none."""
    statuses = [{"name": "a-proxy", "imageID": "proxy@sha256:a"}, {"name": "bot", "imageID": "bot@sha256:b"}]
    assert reading.pod(pod(containerStatuses=statuses)).image_id == "bot@sha256:b"
    assert reading.pod(pod(containerStatuses=statuses[:1])).image_id == ""
    assert reading.pod(pod(containerStatuses=[{"name": "bot"}])).image_id == ""


def test_revision_is_read_from_metadata_alone():
    """Number and settings stand in annotations."""
    meta = {
        "name": "btc-r1",
        "uid": "u",
        "labels": {"tradingbot.io/revision": "r1"},
        "annotations": {"tradingbot.io/revision-number": "7", "tradingbot.io/config": "btc-abc"},
    }
    made = reading.revision({"metadata": meta})
    assert (made.name, made.number, made.config) == ("r1", 7, "btc-abc")


def test_report_keeps_what_has_meaning():
    """No equity, no price, no time of day."""
    answer = {
        "instance": "i",
        "state": "halted",
        "trading_active": False,
        "epoch": 3,
        "equity": "10000",
        "halts": [{"id": "h", "kind": "halt", "source": "http", "reason": "r", "since": "t"}],
    }
    made = reading.report(answer)
    assert made.halts == (Halt("h", "halt", "http", "r", "t"),)
    assert (made.state, made.epoch, made.ledger_id) == ("halted", 3, None)
    assert not hasattr(made, "equity")


def conditions(**states):
    return {"conditions": [{"type": kind, "status": s, "reason": r} for kind, (s, r) in states.items()]}


def told(before, after):
    return [each["type"] for each in changes(before, after)]


def test_new_reason_is_told_and_the_same_is_not():
    """One Event for each change of status or reason."""
    ready = {**conditions(Ready=("True", "PodReady")), "highestEpoch": 1}
    assert told(ready, ready) == []
    assert told(ready, conditions(Ready=("True", "Halted"))) == ["Ready"]


def test_that_a_new_bot_does_not_trade_yet_is_no_news():
    """First sight is told only where it says something."""
    assert told({}, conditions(TradingActive=("False", "NoPod"), Halted=("Unknown", "NotReported"))) == []
    assert told({}, conditions(Halted=("True", "Halt"), Stalled=("True", "NameTaken"))) == ["Halted", "Stalled"]


def test_conditions_nobody_waits_for_are_not_told():
    """Events are for people."""
    assert told({}, conditions(Progressing=("True", "Starting"))) == []


def test_event_is_named_by_what_it_tells():
    """Told twice, it is the same object; bad news are warnings."""
    said = ("NameTaken", "Stalled is True: x", True)
    first = event(make.bot(), said, "2026-11-21T14:00:00Z", ("a",))
    assert first == event(make.bot(), said, "2026-11-21T14:00:00Z", ("a",))
    assert first["metadata"]["name"] != event(make.bot(), said, "2026-11-21T14:00:00Z", ("b",))["metadata"]["name"]
    assert first["type"] == "Warning"
    assert first["involvedObject"]["uid"] == make.UID


OWNED = {"kind": "Service", "metadata": {"name": "btc", "ownerReferences": [{"uid": make.UID}]}}
LABELS = {"app.kubernetes.io/managed-by": "tradingbot-operator", "tradingbot.io/bot": "btc"}
KEPT = {"kind": "PersistentVolumeClaim", "metadata": {"name": "btc-data", "labels": LABELS}}


def existing(uid=None, labels=None):
    owners = [{"uid": uid, "controller": True}] if uid else []
    return {"metadata": {"ownerReferences": owners, "labels": labels or {}}}


@pytest.mark.parametrize(
    ("manifest", "there", "free"),
    [
        (OWNED, None, True),
        (OWNED, existing(make.UID), True),
        (OWNED, existing("somebody"), False),
        (OWNED, existing(), False),
        (KEPT, existing(labels=LABELS), True),
        (KEPT, existing(labels={"app.kubernetes.io/managed-by": "tradingbot-operator"}), False),
        (KEPT, existing(), False),
    ],
)
def test_name_is_free_or_ours_or_taken(manifest, there, free):
    """Controlled by this bot's uid, or, where there is no owner, labelled as its own; anything else is not touched."""
    trouble = taken(make.bot(), manifest, there)
    assert (trouble is None) == free
    if trouble:
        assert trouble.reason == "NameTaken"
        assert trouble.message.startswith(f"{manifest['kind']} {manifest['metadata']['name']} exists")


def test_kinds_know_where_they_are_served():
    """Core kinds under /api, all others under /apis; cluster-wide without a namespace."""
    assert SERVICE.path("n", "s") == "/api/v1/namespaces/n/services/s"
    assert DEPLOYMENT.path("n") == "/apis/apps/v1/namespaces/n/deployments"
    assert BOT.path(None) == "/apis/tradingbot.io/v1alpha1/tradingbots"
    assert NAMESPACE.path(None, "kube-system") == "/api/v1/namespaces/kube-system"
    assert LEASE.path("n", "l") == "/apis/coordination.k8s.io/v1/namespaces/n/leases/l"


def test_moment_and_observed_answer_what_they_are_asked(monkeypatch):
    """Small lookups."""
    seen = make.observed(workloads=(make.workload(),), revisions=(make.revision(1),))
    assert seen.workload("blue") is not None
    assert seen.workload("green") is None
    assert seen.revision("r1") is not None
    assert seen.revision("r9") is None
    assert make.moment().text == "2026-11-21T14:00:00Z"
    monkeypatch.setenv("OPERATOR_WATCH_NAMESPACES", "a, b,,c")
    assert Settings().namespaces == ("a", "b", "c")


def test_an_adoption_is_read_as_the_bot_writes_it():
    """The bot writes milliseconds as a decimal in a string; a report that cannot be read would be no report at all."""
    said = {"instance": "p/1", "adoption": {"epoch": 3, "result": "adopted", "adopted": 1, "milliseconds": "135.259"}}
    read = reading.report(said).adoption
    assert (read.epoch, read.result, read.adopted, read.milliseconds) == (3, "adopted", 1, 135)


def test_a_comparison_is_read_once_there_is_one():
    """That the same was found at another time is no news."""
    assert reading.report({"reconciliation": {"at": None, "differences": []}}).reconciliation is None
    made = reading.report({"reconciliation": {"at": "t1", "differences": ["BTC/USDT lacks 1"]}})
    assert made.reconciliation is not None
    assert (made.reconciliation.at, made.reconciliation.differences) == ("t1", ("BTC/USDT lacks 1",))
    assert made == reading.report({"reconciliation": {"at": "t2", "differences": ["BTC/USDT lacks 1"]}})
    assert made != reading.report({"reconciliation": {"at": "t2", "differences": []}})


def test_only_breakers_that_are_open_are_read():
    """One that may be tried again keeps nothing back; a bot that tells of neither clock nor breakers is well."""
    said = [{"name": "binance/enter", "state": "open"}, {"name": "binance/account", "state": "half_open"}]
    made = reading.report({"clock": "skewed", "circuit_breakers": said})
    assert (made.clock, made.breakers, made.failures) == ("skewed", ("binance/enter",), frozenset())
    told = [{**said[0], "kind": "network"}, {**said[1], "kind": "moved"}]
    assert reading.report({"circuit_breakers": told}).failures == {"network"}
    older = reading.report({"circuit_breakers": [{"name": "exchange", "state": "closed", "last_error": None}]})
    assert (older.clock, older.breakers) == ("ok", ())


@pytest.mark.parametrize(("said", "known"), [(True, True), (False, False), (None, None), ("yes", None)])
def test_whether_paper_is_paper_is_read_as_it_is_said(said, known):
    """What is no plain yes or no says nothing, nor does a bot of before."""
    assert reading.report({"paper_mode_consistent": said}).paper_consistent is known
    assert reading.report({}).paper_consistent is None
