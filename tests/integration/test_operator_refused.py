"""A spec that cannot be understood in the middle of a hand-over: it goes on with the one before, or is rolled back."""

import pytest

import applied
import make_operator as make
import operators
from handing import NEW, NEW_NAME, NEWER, NEWER_NAME, OLD, OLD_NAME, started
from operators import eventually
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.crd.definitions import tradingbots

BAD = {**NEWER, "modus": "x"}
SENTENCE = "spec.modus: this field is not known; remove it"


def at(step):
    """A swap that has come to *step*, at which it stays until it is let go."""
    scene = started()
    if step == "Starting":
        scene.node.broken = {"*": "ImagePullBackOff: a moment yet"}
    if step == "Draining":
        scene.node.processes["blue"].busy = True
    if step == "Adopting":
        scene.node.deaf = {"*"}
    scene.apply(NEW)
    scene.until(lambda: scene.step == step)
    return scene


def let_go(scene):
    scene.node.broken, scene.node.deaf = {}, set()
    for process in scene.node.processes.values():
        process.busy = process.deaf = False


ENDS = {
    "Starting": ("Idle", OLD_NAME),
    "Draining": ("Observing", NEW_NAME),
    "Adopting": ("Observing", NEW_NAME),
    "Observing": ("Observing", NEW_NAME),
}


@pytest.mark.parametrize("restart", [False, True], ids=["same process", "new process"])
@pytest.mark.parametrize("step", ENDS)
def test_hand_over_does_not_stand_still_for_a_spec_that_cannot_be_understood(step, restart):
    """A candidate that is not ordered yet is dropped, what is ordered goes through; the sentence is told meanwhile."""
    scene = at(step)
    scene.apply(BAD)
    if restart:
        scene.memory = Memory()
    scene.once()
    scene.once()
    assert scene.condition("Stalled") == ("True", "SpecRejected")
    let_go(scene)
    scene.until(lambda: (scene.step, scene.trades()) == ENDS[step])
    assert scene.condition("Stalled") == ("True", "SpecRejected")
    assert SENTENCE in next(each["message"] for each in scene.status["conditions"] if each["type"] == "Stalled")


@pytest.mark.parametrize("step", ENDS)
def test_corrected_spec_is_taken_up_wherever_the_hand_over_is(step):
    """Nothing of the refusal is left."""
    scene = at(step)
    scene.apply(BAD)
    scene.rest(5)
    let_go(scene)
    scene.apply(NEWER)
    scene.until(lambda: scene.trades() == NEWER_NAME)
    scene.rest(5)
    assert scene.condition("Stalled") is None


def test_new_trader_that_never_takes_over_is_replaced_though_the_spec_is_bad():
    """The epoch goes back to the warm colour, as with a spec that can be understood."""
    scene = at("Adopting")
    scene.apply(BAD)
    scene.until(lambda: scene.step == "RolledBack")
    scene.rest(10)
    assert scene.trades() == OLD_NAME


def test_rollback_that_was_asked_for_is_carried_out_though_the_spec_is_bad():
    """What is gone back to has no gates, so nothing of the spec is needed to judge it."""
    scene = started()
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Done")
    scene.rest(20)
    scene.task("rollback")
    scene.until(lambda: scene.step == "Starting")
    scene.apply(BAD)
    scene.until(lambda: scene.task_phase() == "Complete")
    assert scene.trades() == OLD_NAME


def test_observation_ends_though_the_spec_is_bad():
    """After the time that the spec before gave it."""
    scene = at("Observing")
    scene.apply(BAD)
    since = scene.ledger.now
    scene.until(lambda: scene.step == "Done")
    assert scene.ledger.now - since < 10_000
    assert scene.end()["colours"]["btc-blue"] == (OLD_NAME, 0)


def test_process_that_does_not_know_how_long_is_observed_observes_for_the_usual_time():
    """It knows what was recorded with the revision, and no more; the way back stays warm meanwhile."""
    scene = at("Observing")
    scene.apply(BAD)
    scene.memory = Memory()
    scene.rest(20)
    assert (scene.step, scene.condition("RollbackAvailable")) == ("Observing", ("True", "Warm"))


def test_bot_at_rest_is_left_as_it_is_by_a_spec_that_cannot_be_understood():
    """No hand-over is under way, so there is nothing to go on with."""
    scene = started()
    scene.effects.clear()
    scene.apply({**OLD, "modus": "x"})
    scene.rest(10)
    assert scene.effects == ["merge TradingBot", "create Event"]
    assert scene.trades() == OLD_NAME


def weakened(schema):
    """The definition as an older one may be: it does not refuse what this operator refuses."""
    if isinstance(schema, list):
        return [weakened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: weakened(each) for name, each in schema.items() if name != "x-kubernetes-validations"}


def test_candidate_is_dropped_on_a_real_api_server_and_started_again_with_the_corrected_spec(tmp_path):
    """Once with everything real but the processes of the bot: the trader is not touched, and the sentence is read."""
    with operators.prepared(tmp_path) as server, operators.operator(server, tmp_path) as operator:
        assert applied.apply(server, weakened(tradingbots()))[0] == 200
        operator.start()
        operators.create_bot(server, "mid", make.SANDBOX)
        eventually(lambda: operators.deployment(server, "mid"), operator.log)
        with operators.stand_in_bot("127.0.4.1"):
            operators.stand_in_pod(server, "mid", "127.0.4.1")
            eventually(lambda: operators.state(server, "mid", "TradingActive") == ("True", "Trading"), operator.log)
            before = operators.deployment(server, "mid")["metadata"]["generation"]
            operators.patch_bot(server, "mid", {"spec": {"strategy": {"parameters": {"fast": "5"}}}})
            eventually(lambda: step(server) == "Starting" and replicas(server) == 1, operator.log)
            operators.patch_bot(server, "mid", {"spec": {"engine": {"checkInterval": "1s"}}})
            eventually(lambda: step(server) == "Idle" and replicas(server) == 0, operator.log)
            sentence = "spec.engine.checkInterval: '1s' is too short; use at least 5s"
            eventually(lambda: stalled(server) == sentence, operator.log)
            operators.patch_bot(server, "mid", {"spec": {"engine": None}})
            eventually(lambda: step(server) == "Starting" and replicas(server) == 1, operator.log)
            eventually(lambda: stalled(server) is None, operator.log)
            assert operators.deployment(server, "mid")["metadata"]["generation"] == before


def stalled(server):
    return operators.condition(operators.bot(server, "mid"), "Stalled").get("message")


def step(server):
    return (operators.bot(server, "mid")["status"].get("rollout") or {}).get("step")


def replicas(server):
    green = operators.found(server, "/apis/apps/v1/namespaces/trading/deployments/mid-green")
    return green["spec"]["replicas"] if green else None
