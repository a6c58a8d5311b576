"""The net under the watches."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

import make_operator as make
from fakecluster import FakeApi
from tradingbot_operator.cluster.memory import Memory, place, trace
from tradingbot_operator.domain.kinds import ALERT_RULE, POD, POD_MONITOR
from tradingbot_operator.engine.audit import SHARES, Audit
from tradingbot_operator.engine.engine import Engine
from tradingbot_operator.engine.queue import Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally

BOT = ("trading", "btc")
KEY = ("TradingBot", *BOT)
LABELS = {"app.kubernetes.io/managed-by": "tradingbot-operator", "tradingbot.io/bot": "btc"}


@pytest.fixture
def api():
    made = FakeApi()
    made.put(make.body())
    for kind, name in (("Deployment", "btc-blue"), ("Service", "btc"), ("Secret", "btc-api"), ("Pod", "p1")):
        made.put({"kind": kind, "metadata": {"name": name, "namespace": "trading", "labels": LABELS}})
    return made


@pytest.fixture
def engine():
    return Engine(Queue(lambda: 0.0, lambda: 0.0), Store(), Memory(), Tally(CollectorRegistry(), "test"))


@pytest.fixture
def audit(api, engine):
    made = Audit(api, engine, (None,), monitoring=(POD_MONITOR, ALERT_RULE))
    asyncio.run(made.warm())
    for kind in ("Deployment", "Service", "Secret"):
        for body in api.of(kind):
            engine.memory.wrote(place(body, kind), trace(body, BOT))
    engine.memory.settle(BOT, "intent")
    drained(engine)
    return made


def drained(engine):
    keys = list(iter(engine.queue.take_ready, None))
    for key in keys:
        engine.queue.done(key)
    return keys


def changed(api, kind, name, **parts):
    """The object as the API server has it now, one version on, though no watch told of it."""
    body = api.one(kind, name)
    meta = {**body["metadata"], "resourceVersion": str(int(body["metadata"].get("resourceVersion") or 0) + 1)}
    api.put({**body, "metadata": meta, **parts})


def settled(engine):
    return engine.memory.is_settled(BOT, "intent")


def one_round(audit, engine):
    """One audit, without the share that is renewed by turns."""
    audit._renew = lambda: None
    asyncio.run(audit.once())
    return drained(engine)


def test_store_is_warm_before_anything_is_decided(api, engine):
    """Bots, workloads and pods are known, and every bot is looked at."""
    asyncio.run(Audit(api, engine, ("trading",), monitoring=()).warm())
    seen = engine.store.observed(BOT)
    assert ([each.name for each in seen.workloads], [each.name for each in seen.pods]) == (["btc-blue"], ["p1"])
    assert drained(engine) == [KEY]


def test_what_a_bot_left_behind_is_not_known_to_the_next_one_of_its_name(api, engine):
    """Its claim outlived it and may be deleted before another bot of that name comes: that one must look again."""
    claims = {"btc-data": "btc", "gone-data": "gone"}
    for name, bot in claims.items():
        labels = {**LABELS, "tradingbot.io/bot": bot}
        api.put({"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "trading", "labels": labels}})
    asyncio.run(Audit(api, engine, ("trading",), monitoring=()).warm())
    known = {name for name in claims if engine.memory.listed(("PersistentVolumeClaim", "trading", name))}
    assert known == {"btc-data"}


def test_audit_of_what_is_as_it_was_finds_nothing(audit, engine):
    """No bot is looked at for nothing."""
    assert one_round(audit, engine) == []
    assert settled(engine)


@pytest.mark.parametrize(("kind", "name"), [("Service", "btc"), ("Secret", "btc-api"), ("Deployment", "btc-blue")])
def test_missing_child_is_found(audit, engine, api, kind, name):
    """Whatever kind it is, and though no watch told of it."""
    del api.objects[kind, "trading", name]
    assert one_round(audit, engine) == [KEY]
    assert not settled(engine)


def test_changed_child_is_found(audit, engine, api):
    """Another resource version is a change by someone else."""
    body = api.one("Service", "btc")
    api.put({**body, "metadata": dict(body["metadata"]), "spec": {"selector": {}}})
    assert one_round(audit, engine) == [KEY]


def test_ghosts_are_purged_and_counted(audit, engine, api):
    """A pod and a bot that went unseen are forgotten."""
    del api.objects["Pod", "trading", "p1"]
    del api.objects["TradingBot", "trading", "btc"]
    assert one_round(audit, engine) == [KEY]
    assert engine.store.count() == 0
    assert engine.store.observed(BOT).pods == ()
    count = engine.tally.registry.get_sample_value("tradingbot_operator_ghosts_purged_total", {"kind": "Pod"})
    assert count == 1


def test_every_bot_is_written_anew_once_in_six_audits(audit, engine):
    """Nothing is believed for ever."""
    looked = []
    for _ in range(SHARES):
        asyncio.run(audit.once())
        looked += drained(engine)
    assert looked == [KEY]
    assert not settled(engine)


def test_audits_come_at_their_pace(audit, engine):
    """A little earlier or later than asked for, so that two operators do not ask together."""
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(audit.run(100, lambda: 0.5, sleep))
    assert pauses == [100, 100, 100]


def test_rule_that_was_not_written_is_tried_again_by_each_audit(audit, engine):
    """Until then no pass over its bot tries it."""
    engine.memory.remember_unalerted(BOT, "the check of rules is away")
    assert one_round(audit, engine) == [KEY]
    assert engine.memory.unalerted(BOT) is None
    assert not settled(engine)
    assert one_round(audit, engine) == []


def test_bot_no_watch_told_of_is_looked_at(api, audit, engine):
    """Its first event was lost, and nothing else would ever tell of it."""
    api.put(make.body(name="eth", uid="other"))
    assert ("TradingBot", "trading", "eth") in one_round(audit, engine)


def test_pod_that_became_ready_unseen_is_seen(api, audit, engine):
    """A line that is silent says nothing, for ever."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.5"}
    changed(api, "Pod", "p1", status=ready)
    assert one_round(audit, engine) == [KEY]
    assert [pod.ready for pod in engine.store.observed(BOT).pods] == [True]


def test_halt_of_a_namespace_no_watch_told_of_is_heard(api, audit, engine):
    """Nothing forgets a halt; who watches some namespaces only asks for theirs otherwise."""
    halted = {"name": "trading", "annotations": {"tradingbot.io/halt": "stop"}, "uid": "n", "resourceVersion": "9"}
    api.put({"kind": "Namespace", "metadata": halted})
    assert KEY in one_round(audit, engine)
    assert engine.store.observed(BOT).namespace_halt == "stop"


def test_what_a_watch_has_told_is_not_undone_by_an_older_list(engine):
    """The list was read while the object changed."""
    pod = {"kind": "Pod", "metadata": {"name": "p1", "namespace": "trading", "labels": LABELS, "uid": "p"}}
    newer = {**pod, "metadata": {**pod["metadata"], "resourceVersion": "8"}, "status": {"podIP": "10.0.0.5"}}
    older = {**pod, "metadata": {**pod["metadata"], "resourceVersion": "7"}}
    engine.happened(POD, "ADDED", newer)
    engine.happened(POD, "LISTED", older)
    assert [each.ip for each in engine.store.observed(BOT).pods] == ["10.0.0.5"]


def test_what_comes_while_a_list_is_read_is_no_ghost(api, audit, engine):
    """It is not on the list, and it is there."""
    late = {"kind": "Pod", "metadata": {"name": "p2", "namespace": "trading", "labels": LABELS, "uid": "late"}}
    usual = api.each

    async def slow(kind, namespace, labels=""):
        async for body in usual(kind, namespace, labels):
            yield body
        if kind == POD:
            engine.happened(POD, "ADDED", late)

    api.each = slow
    one_round(audit, engine)
    assert {pod.name for pod in engine.store.observed(BOT).pods} == {"p1", "p2"}


def test_what_ends_while_a_list_is_read_does_not_come_back(api, audit, engine):
    """The list still holds it, and nobody would tell of its end again."""
    usual = api.each

    async def slow(kind, namespace, labels=""):
        async for body in usual(kind, namespace, labels):
            if kind == POD:
                engine.happened(POD, "DELETED", body)
            yield body

    api.each = slow
    one_round(audit, engine)
    assert engine.store.observed(BOT).pods == ()
