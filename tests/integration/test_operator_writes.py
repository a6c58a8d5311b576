"""How often the operator writes: each write of a fleet is done a thousand times, and none of them for nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import make_operator as make
from fakecluster import FakeApi
from handing import NEW, started
from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.reconcile import reconcile

BOT = ("trading", "btc")


class Operator:
    """One process over an API server in memory; a bot that runs says what a trader says."""

    def __init__(self, api):
        self.api, self.cluster = api, Cluster(api, Memory(), monitoring=())
        self.asked = []

    def passes(self, seconds=0.0, said=None):
        async def ask(pod):
            self.asked.append(pod.uid)
            return said

        pods = tuple(reading.pod(each) for each in self.api.of("Pod"))
        seen = make.observed(workloads=tuple(reading.workload(each) for each in self.api.of("Deployment")), pods=pods)
        moment = make.moment(seen=seen, now=make.NOW + timedelta(seconds=seconds))
        reach = replace(make.reach(), ask=ask, untold_seconds=2.0)
        return asyncio.run(reconcile(BOT, self.cluster, moment, reach)).again_seconds


def applied():
    """A paper bot beside another one, which has made what all bots of a namespace share."""
    api = FakeApi()
    api.put(make.body())
    Operator(api).passes()
    for kind in ("TradingBot", "Secret", "ConfigMap", "PersistentVolumeClaim", "Service", "ControllerRevision"):
        for each in api.of(kind):
            del api.objects[kind, "trading", each["metadata"]["name"]]
    del api.objects["Deployment", "trading", "btc-blue"]
    api.put(make.body())
    api.written.clear()
    return api


def pod_runs(api):
    template = api.one("Deployment", "btc-blue")["spec"]["template"]
    body = {"kind": "Pod", "metadata": {**template["metadata"], "name": "p1", "namespace": "trading"}}
    api.put({**body, "status": {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.5"}})


def test_paper_bot_that_starts_in_time_costs_these_writes():
    """Its children, the finalizer before them, and one status that tells all; no Event."""
    api = applied()
    operator = Operator(api)
    operator.passes()
    pod_runs(api)
    operator.passes(1.0, said=make.said())
    operator.passes(3.0, said=make.said())
    assert api.written == [
        "merge TradingBot",
        "create Secret",
        "apply ConfigMap",
        "apply PersistentVolumeClaim",
        "apply Service",
        "apply ControllerRevision",
        "apply Deployment",
        "merge TradingBot",
    ]
    status = {each["type"]: each["reason"] for each in api.one("TradingBot", "btc")["status"]["conditions"]}
    assert (status["Ready"], status["TradingActive"]) == ("PodReady", "Trading")


def test_start_that_takes_longer_is_told():
    """A person who waits sees after two seconds that it goes on."""
    api = applied()
    operator = Operator(api)
    assert operator.passes() == 2.0
    assert operator.passes(1.5) == 0.5
    assert "status" not in api.one("TradingBot", "btc")
    operator.passes(2.0)
    assert api.one("TradingBot", "btc")["status"]["phase"] == "Starting"


def test_bad_news_of_a_start_are_told_at_once():
    """They do not end by themselves."""
    api = FakeApi()
    api.put(make.body({**make.MINIMAL, "modus": "x"}))
    Operator(api).passes()
    assert api.one("TradingBot", "btc")["status"]["phase"] == "Stalled"


def test_process_that_is_new_is_asked_in_the_pass_that_sees_its_pod():
    """That it serves and that it trades is one status; one that has answered is asked by the polling alone."""
    api = applied()
    operator = Operator(api)
    operator.passes()
    assert operator.asked == []
    pod_runs(api)
    operator.passes(1.0, said=make.said())
    assert len(operator.asked) == 1


def test_second_process_over_a_bot_at_rest_writes_nothing():
    """What stands is compared with what is asked."""
    api = applied()
    first = Operator(api)
    first.passes()
    pod_runs(api)
    first.passes(1.0, said=make.said())
    api.written.clear()
    Operator(api).passes(5.0, said=make.said())
    assert api.written == []


def test_hand_over_writes_its_status_once_at_each_step():
    """A decision is written with what is true meanwhile, and the report after it has nothing to add."""
    scene = started()
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.once()
    assert scene.effects == [
        "merge TradingBot",  # Starting
        "apply ConfigMap",
        "apply Service",
        "apply ControllerRevision",
        "apply Deployment",
        "merge TradingBot",  # Draining
        "order",
        "merge ControllerRevision",
        "merge TradingBot",  # Adopting
        "apply Service",
        "merge TradingBot",  # Observing
    ]
