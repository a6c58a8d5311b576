"""What the watches brought, and what it means for bots."""

import make_operator as make
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, NAMESPACE, POD, TASK
from tradingbot_operator.engine.store import Store

KEY = ("TradingBot", "trading", "btc")


def labelled(name, kind="Pod", **parts):
    meta = {
        "name": name,
        "namespace": "trading",
        "uid": f"uid-{name}",
        "generation": 1,
        "resourceVersion": "5",
        "labels": {"tradingbot.io/bot": "btc", "tradingbot.io/colour": "blue", "tradingbot.io/revision": "r1"},
        "ownerReferences": [{"uid": make.UID, "controller": True}],
    }
    return {"kind": kind, "metadata": meta, **parts}


def pod(name="p1", ready="True", **status):
    conditions = [{"type": "Ready", "status": ready}]
    return labelled(name, status={"podIP": "10.0.0.5", "conditions": conditions, **status})


def namespace(halt=None):
    notes = {"tradingbot.io/halt": halt} if halt is not None else {}
    return {"metadata": {"name": "trading", "uid": "n", "annotations": notes}}


def test_new_object_concerns_its_bot():
    """A bot or task concerns itself, a Deployment or pod the bot of its label."""
    store = Store()
    assert store.put(BOT, make.body()) == (KEY,)
    assert store.put(POD, pod()) == (KEY,)
    assert store.put(DEPLOYMENT, labelled("btc-blue", "Deployment")) == (KEY,)
    task = {"metadata": {"name": "t", "namespace": "trading", "uid": "t"}}
    assert store.put(TASK, task) == (("BotTask", "trading", "t"),)


def test_object_of_nobody_concerns_nobody():
    """Without the label there is no bot to look at."""
    stranger = pod()
    stranger["metadata"]["labels"] = {}
    assert Store().put(POD, stranger) == ()


def test_event_that_cannot_matter_is_dropped():
    """Another resource version alone, or a status the operator wrote itself, is no news."""
    store = Store()
    store.put(BOT, make.body())
    assert store.put(BOT, make.body(resourceVersion="99")) == ()
    assert store.put(BOT, make.body(generation=2, resourceVersion="100")) == (KEY,)
    store.put(POD, pod())
    assert store.put(POD, pod()) == ()
    assert store.put(POD, pod(ready="False")) == (KEY,)


def test_what_was_seen_of_a_bot_is_put_together():
    """Workloads and pods of one bot, and no other's."""
    store = Store()
    store.put(POD, pod())
    store.put(DEPLOYMENT, labelled("btc-blue", "Deployment", spec={"replicas": 1}))
    seen = store.observed(("trading", "btc"))
    assert [each.name for each in seen.pods] == ["p1"]
    assert [each.name for each in seen.workloads] == ["btc-blue"]
    assert store.observed(("trading", "eth")) == make.observed()


def test_pod_that_has_ended_for_good_runs_nothing():
    """An evicted pod stays as an object; it is no pod of the bot any more."""
    store = Store()
    store.put(POD, pod())
    assert store.put(POD, pod(phase="Failed")) == (KEY,)
    assert store.observed(("trading", "btc")).pods == ()


def test_deleted_object_is_forgotten():
    """What is gone is seen no more, and what its process said neither."""
    store = Store()
    store.put(POD, pod())
    store.put(DEPLOYMENT, labelled("btc-blue", "Deployment"))
    store.heard("uid-p1", make.said())
    assert store.drop(POD, pod()) == (KEY,)
    assert store.drop(DEPLOYMENT, labelled("btc-blue", "Deployment")) == (KEY,)
    assert store.observed(("trading", "btc")) == make.observed()
    assert store.count_trading() == 0


def test_ghosts_are_purged():
    """Objects whose end no watch brought go when a list does not have them; their bots are looked at."""
    store = Store()
    store.put(BOT, make.body())
    store.put(POD, pod())
    store.put(DEPLOYMENT, labelled("btc-blue", "Deployment"))
    assert store.purge(POD, frozenset({("trading", "p1")})) == ()
    assert store.purge(POD, frozenset()) == (KEY,)
    assert store.purge(DEPLOYMENT, frozenset()) == (KEY,)
    assert store.purge(BOT, frozenset()) == (KEY,)
    assert store.count() == 0
    assert store.observed(("trading", "btc")) == make.observed()


def test_namespace_halt_concerns_every_bot_in_it():
    """Set, changed and taken back; a namespace without halt says nothing."""
    store = Store()
    store.put(BOT, make.body())
    store.put(BOT, make.body(namespace="elsewhere", uid="other"))
    assert store.put(NAMESPACE, namespace()) == ()
    assert store.put(NAMESPACE, namespace("why")) == (KEY,)
    assert store.observed(("trading", "btc")).namespace_halt == "why"
    assert store.put(NAMESPACE, namespace("other")) == (KEY,)
    assert store.put(NAMESPACE, namespace()) == (KEY,)
    store.put(NAMESPACE, namespace("again"))
    assert store.drop(NAMESPACE, namespace("again")) == (KEY,)
    assert store.observed(("trading", "btc")).namespace_halt is None


def test_only_an_answer_with_a_new_meaning_is_news():
    """The same answer twice, or silence after silence, changes nothing."""
    store = Store()
    store.put(POD, pod())
    assert store.heard("uid-p1", None) is False
    assert store.heard("uid-p1", make.said()) is True
    assert store.heard("uid-p1", make.said()) is False
    assert store.heard("uid-p1", make.said(epoch=5)) is True
    assert store.heard("uid-p1", None) is True
    assert store.observed(("trading", "btc")).report is None


def test_of_two_pods_the_one_that_trades_counts():
    """During a restart two processes may answer; the trader is the truth."""
    store = Store()
    for name in ("p1", "p2"):
        store.put(POD, pod(name))
    store.heard("uid-p1", make.said(trading_active=False, epoch=9))
    store.heard("uid-p2", make.said(trading_active=True, epoch=8))
    assert store.observed(("trading", "btc")).report.epoch == 8
    assert store.count_trading() == 1


def test_every_pod_with_an_address_is_asked():
    """An unready or a stopping one may still trade; one without address cannot answer."""
    store = Store()
    store.put(POD, pod("p1", ready="False"))
    store.put(POD, pod("p2", podIP=None))
    assert [each.name for _, each in store.answering()] == ["p1"]
