"""The operator may die at any request: whoever comes next ends where it would have ended."""

import asyncio
import copy
from dataclasses import replace

import pytest

import make_operator as make
from fakecluster import Died, FakeApi
from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.kinds import ALERT_RULE, POD_MONITOR, TASK
from tradingbot_operator.domain.task import parse_task
from tradingbot_operator.reconcile import reconcile
from tradingbot_operator.steer import steer

BOT = ("trading", "btc")


def seen(api):
    """What the watches would bring."""
    pods = tuple(reading.pod(each) for each in api.of("Pod"))
    workloads = tuple(reading.workload(each) for each in api.of("Deployment"))
    tasks = tuple(parse_task(each) for each in api.of("BotTask"))
    return make.observed(workloads=workloads, pods=pods, tasks=tasks)


def operator(api):
    """A fresh process: it remembers nothing."""
    cluster = Cluster(api, Memory(), monitoring=(POD_MONITOR, ALERT_RULE))

    async def ask(_):
        return getattr(api, "said", None)

    async def passes(count=3):
        result = None
        for _ in range(count):
            try:
                result = await reconcile(
                    BOT,
                    cluster,
                    make.moment(seen=seen(api), site=make.site(pod_monitors=True, alert_rules=True)),
                    replace(make.reach(), ask=ask),
                )
            except Outdated:
                continue
        return result

    return passes


def applied(spec):
    def change(api):
        old = api.one("TradingBot", "btc")
        api.put({**(old or make.body()), "spec": spec})

    return change


def annotated(**notes):
    def change(api):
        body = copy.deepcopy(api.one("TradingBot", "btc"))
        body["metadata"]["annotations"] = {f"tradingbot.io/{key}": value for key, value in notes.items()}
        api.put(body)

    return change


def pod_appears(api):
    template = api.one("Deployment", "btc-blue")["spec"]["template"]
    body = {"kind": "Pod", "metadata": {**copy.deepcopy(template["metadata"]), "name": "p1", "namespace": "trading"}}
    api.put({**body, "status": {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.5"}})


def pod_ends(api):
    api.objects.pop(("Pod", "trading", "p1"), None)


def deleted(api):
    body = copy.deepcopy(api.one("TradingBot", "btc"))
    body["metadata"]["deletionTimestamp"] = "2026-11-21T14:00:00Z"
    api.put(body)


def keys_appear(api):
    keys = {"apiKey": "eA==", "secret": "eA=="}
    api.put({"kind": "Secret", "metadata": {"name": "keys", "namespace": "trading"}, "data": keys})


def keys_turn(api):
    body = copy.deepcopy(api.one("Secret", "keys"))
    api.put({**body, "data": {"apiKey": "eA==", "secret": "eQ=="}})


def image_is_told(api):
    body = copy.deepcopy(api.one("Pod", "p1"))
    body["status"]["containerStatuses"] = [{"name": "bot", "imageID": "bot@sha256:a"}]
    api.put(body)


def week_passes(api):
    body = copy.deepcopy(api.one("Secret", "btc-api"))
    body["metadata"]["annotations"] = {"tradingbot.io/rotated-at": "2026-11-14T14:00:00Z"}
    api.put(body)


def task_comes(api):
    spec = {"bot": "btc", "type": "flatten", "notAfter": "2026-11-21T15:00:00Z", "reason": "out"}
    api.put({"kind": TASK.kind, "metadata": {"name": "t", "namespace": "trading"}, "spec": spec})


def pod_is_flat(api):
    """Its process has latched the order it was born with, and the venue says flat."""
    notes = api.one("Pod", "p1")["metadata"]["annotations"]
    assert notes["tradingbot.io/halt"] == "flatten: out"
    halt = make.halt(id=notes["tradingbot.io/halt-id"], kind="flatten", reason="out")
    api.said = make.said(state="halted", trading_active=False, halts=(halt,), flat=True)


ASLEEP = {**make.MINIMAL, "suspend": True}
STORIES = {
    "flatten": [applied(ASLEEP), task_comes, pod_appears, pod_is_flat, pod_ends],
    "other keys": [keys_appear, applied(make.SANDBOX), pod_appears, image_is_told, keys_turn],
    "first start": [keys_appear, applied(make.SANDBOX)],
    "another version": [applied(make.MINIMAL), pod_appears, applied({**make.MINIMAL, "logging": {"level": "debug"}})],
    "cut history": [
        applied({**make.MINIMAL, "rollout": {"historyLimit": 2}}),
        *(
            applied({**make.MINIMAL, "rollout": {"historyLimit": 2}, "engine": {"checkInterval": interval}})
            for interval in ("10s", "20s", "30s")
        ),
    ],
    "halt": [applied(make.MINIMAL), pod_appears, annotated(halt="why"), annotated()],
    "suspended": [applied(make.MINIMAL), pod_appears, applied(ASLEEP), pod_ends],
    "bad spec": [applied(make.MINIMAL), pod_appears, applied({**make.MINIMAL, "modus": "x"})],
    "deleted": [applied(make.MINIMAL), pod_appears, deleted, pod_ends],
}


def told(api, steps, dies_at=None, after=False):
    """The whole story; where the process dies, a new one takes over."""
    api.dies_at, api.after = dies_at, after
    passes = operator(api)
    for step in steps:
        step(api)
        try:
            asyncio.run(passes())
        except Died:
            passes = operator(api)
            asyncio.run(passes())
    return api


def kept(api):
    """Everything that stands, without what differs from run to run."""
    return {
        where: {key: value for key, value in _plain(body).items() if key != "stringData"}
        for where, body in api.objects.items()
        if where[0] != "Event"
    }


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k not in ("resourceVersion", "uid", "generation")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


# To die before a request is to die after the one before it: that is tried too, but for the longest story.
DEATHS = [(name, after) for name in sorted(STORIES) for after in (False, True) if after or name != "flatten"]


@pytest.mark.parametrize(("name", "after"), DEATHS)
def test_death_at_any_request_ends_where_life_would_have(name, after):
    """Every request of every story is a crash point, before and after its effect; all are tried."""
    calm = told(FakeApi(), STORIES[name])
    assert calm.requests > 10
    for point in range(1, calm.requests + 1):
        assert kept(told(FakeApi(), STORIES[name], point, after)) == kept(calm), f"request {point} of {calm.requests}"


def test_task_that_flattens_ends_with_the_bot_asleep():
    """Each in its turn: it began, a pod was born with the order, the venue said flat, and the pod went."""
    api, pods = told(FakeApi(), STORIES["flatten"][:2]), "btc-blue"
    assert api.one("Deployment", pods)["spec"]["replicas"] == 1
    assert api.one("BotTask", "t")["status"]["phase"] == "Running"
    told(api, STORIES["flatten"][2:])
    assert api.one("Deployment", pods)["spec"]["replicas"] == 0
    assert api.one("BotTask", "t")["status"]["phase"] == "Complete"
    assert [each["kind"] for each in api.one("TradingBot", "btc")["status"]["halts"]] == ["flatten"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", range(1, 41))
def test_death_at_any_request_of_a_rotation_rotates_once(point, after):
    """A rotation done twice would end the token that is still in use."""
    api = told(FakeApi(), [applied(make.MINIMAL), week_passes])
    fresh = FakeApi()
    fresh.objects = api.objects
    told(fresh, [annotated(resume="h1")], point, after)
    notes = api.one("Secret", "btc-api")["metadata"]["annotations"]
    assert notes == {"tradingbot.io/rotated-at": "2026-11-21T14:00:00Z"}
    assert fresh.written.count("merge Secret") == 1


def test_settled_bot_is_only_read():
    """Once all is written, a pass is one read of the bot, and nothing is written."""
    api = told(FakeApi(), [applied(make.MINIMAL), pod_appears])
    passes = operator(api)
    asyncio.run(passes(2))
    api.written.clear()
    before = api.requests
    asyncio.run(passes(5))
    assert api.written == []
    assert api.requests - before == 5


def test_bad_spec_writes_nothing_but_the_status():
    """A running bot is not touched by a spec that cannot be used."""
    api = told(FakeApi(), [applied(make.MINIMAL), pod_appears])
    api.written.clear()
    told(api, [applied({**make.MINIMAL, "modus": "x"})])
    assert set(api.written) == {"merge TradingBot", "create Event"}


def test_deletion_creates_nothing():
    """A namespace that is going takes no new objects, so nothing of an end needs one."""
    api = told(FakeApi(), [applied(make.MINIMAL), pod_appears])
    api.written.clear()
    told(api, [deleted, pod_ends])
    assert {"create", "apply"} & {each.split()[0] for each in api.written if "Event" not in each} == set()
    assert api.one("TradingBot", "btc") is None


def test_shared_objects_stay_while_another_bot_is_left():
    """What serves all bots of a namespace goes with the last of them."""
    api = told(FakeApi(), [applied(make.MINIMAL)])
    api.put(make.body(name="eth", uid="other"))
    told(api, [deleted])
    assert len(api.of("NetworkPolicy")) == 1
    assert api.one("TradingBot", "btc") is None


def test_revision_that_was_recorded_is_applied_as_recorded():
    """A new process with another default image runs what was recorded."""
    api = told(FakeApi(), [applied(make.MINIMAL)])
    before = copy.deepcopy(api.one("Deployment", "btc-blue")["spec"])
    cluster = Cluster(api, Memory(), monitoring=())
    moment = make.moment(seen=seen(api), site=make.site(bot_image="newer"))
    asyncio.run(reconcile(BOT, cluster, moment, make.reach()))
    assert api.one("Deployment", "btc-blue")["spec"] == before


def test_object_of_another_is_not_touched():
    """The first look finds it; nothing is written, not even what would have been free."""
    api = FakeApi()
    api.put({"kind": "Service", "metadata": {"name": "btc", "namespace": "trading"}, "spec": {"selector": {"a": "b"}}})
    told(api, [applied(make.MINIMAL)])
    assert api.one("Service", "btc")["spec"] == {"selector": {"a": "b"}}
    assert {each.split()[1] for each in api.written} == {"TradingBot", "Event"}


def test_gone_bot_is_forgotten():
    """Nothing is done for a bot that does not exist."""
    outcome = asyncio.run(reconcile(BOT, Cluster(FakeApi(), Memory(), monitoring=()), make.moment(), make.reach()))
    assert outcome.result == "gone"


def steered(api, moment=None):
    return asyncio.run(steer(("trading", "t"), Tasks(api), moment or make.moment()))


def test_task_is_answered_once_and_goes_after_its_time():
    """Found, refused, kept for its time, deleted; and a task that is gone or going is left alone."""
    api = FakeApi()
    assert steered(api).result == "gone"
    spec = {"bot": "btc", "type": "rollback", "ttlSecondsAfterFinished": 60}
    api.put({"kind": TASK.kind, "metadata": {"name": "t", "namespace": "trading"}, "spec": spec})
    assert steered(api).again_seconds is None
    failed = {each["type"]: each["reason"] for each in api.one("BotTask", "t")["status"]["conditions"]}
    assert failed["Failed"] == "BotNotFound"
    api.written.clear()
    assert steered(api).again_seconds == 60
    assert api.written == []
    later = make.moment(now=make.NOW.replace(minute=1))
    assert steered(api, later).again_seconds is None
    assert api.one("BotTask", "t") is None
