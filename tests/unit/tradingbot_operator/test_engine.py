"""The loop around a pass, its health, and how bots are asked."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

import make_operator as make
from fakecluster import FakeApi
from tradingbot_operator.cluster.memory import Memory, Trace
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated, Refused
from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, NAMESPACE, POD
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.engine.engine import Engine
from tradingbot_operator.engine.health import Health
from tradingbot_operator.engine.polling import Polling
from tradingbot_operator.engine.queue import Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally
from tradingbot_operator.hurry import hurry

KEY = ("TradingBot", "trading", "btc")


@pytest.fixture
def clock():
    class Clock:
        now = 50.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def engine(clock):
    return Engine(Queue(clock, lambda: 1.0), Store(), Memory(), Tally(CollectorRegistry(), "test"))


def count(engine, result):
    labels = {"kind": "TradingBot", "result": result}
    return engine.tally.registry.get_sample_value("tradingbot_operator_reconcile_total", labels)


def passed(engine, end):
    """One pass that ends so, an outcome or an error."""

    async def one_pass(_):
        if isinstance(end, Exception):
            raise end
        return end

    async def scene():
        engine.queue.add(KEY)
        await engine.one(await engine.queue.take(), one_pass)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("end", "result"),
    [
        (Outcome("done"), "done"),
        (Outcome("stalled", 10), "stalled"),
        (Outdated("conflict"), "outdated"),
        (ClusterUnavailable("connection refused"), "unavailable"),
        (Refused("forbidden"), "refused"),
        (RuntimeError("a bug"), "error"),
    ],
)
def test_every_end_of_a_pass_is_counted(engine, end, result):
    """Expected ends and bugs alike; the worker lives on."""
    passed(engine, end)
    assert count(engine, result) == 1


@pytest.mark.parametrize(
    "end", [Outdated("x"), ClusterUnavailable("x"), Refused("x"), RuntimeError("x"), Outcome("done", 0.2)]
)
def test_key_comes_back_after_a_failure_or_when_it_asked_to(engine, clock, end):
    """Nothing is given up."""
    passed(engine, end)
    clock.now += 1
    assert engine.queue.take_ready() == KEY


def test_finished_key_does_not_come_back_by_itself(engine, clock):
    """Without an event or a wish there is nothing to do."""
    passed(engine, Outcome("done"))
    clock.now += 1000
    assert engine.queue.take_ready() is None


def deployment(generation):
    meta = {
        "name": "btc-blue",
        "namespace": "trading",
        "uid": "d",
        "generation": generation,
        "resourceVersion": "9",
        "labels": {"tradingbot.io/bot": "btc"},
    }
    return {"metadata": meta, "spec": {}}


def test_changed_deployment_unsettles_its_bot(engine):
    """Drift is seen by the watch and looked at."""
    engine.memory.wrote(("Deployment", "trading", "btc-blue"), Trace("d", "1", ("trading", "btc")))
    engine.memory.settle(("trading", "btc"), "intent")
    engine.happened(DEPLOYMENT, "ADDED", deployment(1))
    assert engine.memory.is_settled(("trading", "btc"), "intent")
    engine.happened(DEPLOYMENT, "MODIFIED", deployment(2))
    assert not engine.memory.is_settled(("trading", "btc"), "intent")
    assert engine.queue.depth() == 1


def test_deleted_bot_is_looked_at_once_more(engine):
    """So that what is remembered of it is forgotten."""
    engine.happened(BOT, "LISTED", make.body())
    engine.happened(BOT, "DELETED", make.body())
    assert engine.queue.depth() == 1
    assert engine.store.count() == 0


def test_worker_takes_one_key_after_the_other(engine):
    """One worker serves every bot in turn."""
    seen = []

    async def scene():
        both = asyncio.Event()

        async def one_pass(key):
            seen.append(key[2])
            if len(seen) == 2:
                both.set()
            return Outcome("done")

        for name in ("a", "b"):
            engine.queue.add(("TradingBot", "trading", name))
        worker = asyncio.create_task(engine.work(one_pass))
        await both.wait()
        worker.cancel()

    asyncio.run(scene())
    assert seen == ["a", "b"]


def pod(**status):
    labels = {"tradingbot.io/bot": "btc", "tradingbot.io/revision": "r1"}
    meta = {"name": "p1", "namespace": "trading", "uid": "p", "labels": labels}
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.5"}
    return {"metadata": meta, "status": ready | status}


class FakeBots:
    """Processes that answer what they are told to, and count how often they were asked."""

    def __init__(self):
        self.answer, self.asked = make.said(), 0

    async def __call__(self, _):
        self.asked += 1
        return self.answer


def rounds(polling, *times):
    async def scene():
        for now in times:
            await polling.round(now)

    asyncio.run(scene())


def test_pod_is_asked_at_once_then_often_then_rarely(engine):
    """Soon after a change every two seconds, later every thirty."""
    bots = FakeBots()
    polling = Polling(engine, bots, 30)
    engine.happened(POD, "ADDED", pod())
    rounds(polling, 0, 1)
    assert bots.asked == 1
    rounds(polling, *range(2, 20))
    assert bots.asked == 10
    rounds(polling, *range(20, 50))
    assert bots.asked == 11


def test_changed_pod_is_asked_at_once(engine):
    """An order that was copied onto it shall be seen in the status soon."""
    bots = FakeBots()
    polling = Polling(engine, bots, 30)
    engine.happened(POD, "ADDED", pod())
    rounds(polling, *range(40))
    before = bots.asked
    engine.happened(POD, "MODIFIED", pod(conditions=[]))
    rounds(polling, 40.1)
    assert bots.asked == before + 1


def test_silent_pod_is_asked_often_until_it_answers(engine):
    """What may be trading is not left unknown for half a minute."""
    bots = FakeBots()
    bots.answer = None
    polling = Polling(engine, bots, 30)
    engine.happened(POD, "ADDED", pod())
    rounds(polling, *range(0, 60, 2))
    assert bots.asked == 30
    bots.answer = make.said()
    rounds(polling, *range(60, 80, 2))
    assert bots.asked == 31


@pytest.mark.parametrize("state", ["starting", "blocked", "stopping"])
def test_pod_that_waits_for_something_is_asked_often_until_it_does_not(engine, state):
    """A bot that trades again after a database restart is not told as blocked for half a minute more."""
    bots = FakeBots()
    bots.answer = make.said(trading_active=False, state=state)
    polling = Polling(engine, bots, 30)
    engine.happened(POD, "ADDED", pod())
    rounds(polling, *range(0, 60, 2))
    assert bots.asked == 30
    bots.answer = make.said()
    rounds(polling, *range(60, 80, 2))
    assert bots.asked == 31


def test_only_news_puts_a_bot_into_the_queue(engine):
    """The same answer again costs no pass."""
    bots = FakeBots()
    polling = Polling(engine, bots, 1)
    engine.happened(POD, "ADDED", pod())
    engine.queue.take_ready()
    engine.queue.done(KEY)
    rounds(polling, 0)
    assert engine.queue.depth() == 1
    engine.queue.take_ready()
    engine.queue.done(KEY)
    rounds(polling, 5, 10)
    assert engine.queue.depth() == 0


@pytest.fixture
def facts():
    return {"oldest": 0.0, "answered": 50.0}


@pytest.fixture
def health(clock, facts):
    return Health(clock, lambda: facts["oldest"], lambda: facts["answered"])


def test_operator_that_works_is_alive_and_ready_when_it_leads(health):
    """Only the leader serves."""
    assert health.alive() is None
    assert health.ready() == "not the leader"
    health.leading = True
    assert health.ready() is None


def test_stuck_queue_is_not_alive(health, facts):
    """A key that waits two minutes means that no worker works."""
    facts["oldest"] = 121.0
    assert health.alive() == "the oldest key has waited 121 s for a worker"
    assert health.ready() == "the oldest key has waited 121 s for a worker"


def test_late_loop_is_not_alive(health, clock):
    """A loop that could not even beat is blocked."""
    clock.now += 17
    assert health.alive() == "the event loop was 17 s late"
    health.lag = 20.0
    assert health.alive() == "the event loop was 20 s late"


def test_silent_api_server_is_not_alive_after_five_minutes(clock, facts):
    """A new process may find what this one has lost."""
    health = Health(clock, lambda: 0.0, lambda: facts["answered"])
    facts["answered"] = clock.now - 301
    assert health.alive() == "the API server has not answered for 301 s"


def test_beat_measures_how_late_the_loop_is(clock, facts, monkeypatch):
    """The pause that was asked for is compared with the one that was had."""
    health = Health(clock, lambda: 0.0, lambda: facts["answered"])
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError
        clock.now += seconds + 3

    monkeypatch.setattr("tradingbot_operator.engine.health.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(health.beat())
    assert health.lag == 3.0


def test_metrics_begin_at_zero(engine):
    """A rate misses the first error of a series that did not exist before."""
    assert count(engine, "error") == 0
    assert b'tradingbot_operator_build_info{version="test"} 1.0' in engine.tally.text()


def space(**annotations):
    notes = {f"tradingbot.io/{name}": text for name, text in annotations.items()}
    return {"metadata": {"name": "trading", "uid": "n1", "resourceVersion": "9", "annotations": notes}}


@pytest.mark.parametrize("fails", [False, True])
def test_a_namespaces_halt_is_carried_before_any_pass(engine, fails):
    """A fleet that is to stop waits for nothing; when it cannot be told at once, the passes tell it."""
    done, passed_ = [], asyncio.Event()

    async def carry(namespace):
        await asyncio.sleep(0)
        done.append(namespace)
        if fails:
            raise ClusterUnavailable("away")

    async def one_pass(key):
        done.append(key)
        passed_.set()
        return Outcome("done")

    async def scene():
        tasks = [asyncio.create_task(engine.work(one_pass)), asyncio.create_task(engine.hurry(carry))]
        engine.store.put(BOT, {"metadata": {"namespace": "trading", "name": "btc", "uid": "b1"}})
        engine.happened(NAMESPACE, "MODIFIED", space(halt="emergency"))
        await asyncio.wait_for(passed_.wait(), 5)
        for task in tasks:
            task.cancel()

    asyncio.run(scene())
    assert done == ["trading", KEY]


def test_each_pod_of_a_halted_namespace_is_told_in_one_request():
    """One that has gone meanwhile keeps nobody else."""
    store, memory, api = Store(), Memory(), FakeApi()
    for number in range(3):
        name = f"bot{number}"
        bot = {"metadata": {"namespace": "trading", "name": name, "uid": name, "resourceVersion": "1"}}
        labels = {"tradingbot.io/bot": name}
        pod = {"kind": "Pod", "metadata": {"namespace": "trading", "name": f"p{number}", "uid": f"p{number}"}}
        pod["metadata"]["labels"] = labels
        store.put(BOT, bot)
        store.put(POD, pod)
        memory.saw_order(bot)
        if number:
            api.put(pod)
    for body in (
        space(),
        {**space(halt="stop"), "metadata": {**space(halt="stop")["metadata"], "resourceVersion": "10"}},
    ):
        store.put(NAMESPACE, body)
        memory.saw_order(body)
    asyncio.run(hurry("trading", store, memory, api))
    told = [pod["metadata"]["annotations"]["tradingbot.io/halt"] for pod in api.of("Pod")]
    assert told == ["stop", "stop"]
