"""Scenes of a hand-over against the operator's page, and a failure before and after every effect of each."""

import os

import pytest

import make_operator as make
from fakecluster import Died
from handing import NEW, NEW_NAME, NEWER, NEWER_NAME, OLD, OLD_NAME, started
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.lease import LedgerAway


def swap(scene):
    """An edited parameter: green takes over, is observed, and blue stops."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Done")
    scene.rest()


def aborted(scene):
    """The trader cannot release; the old spec comes back before it can."""
    scene.node.processes["blue"].busy = True
    scene.apply(NEW)
    scene.until(lambda: scene.ledger.successor is not None)
    scene.apply(OLD)
    scene.until(lambda: scene.step == "Idle")
    scene.node.processes["blue"].busy = False
    scene.rest()


def superseded(scene):
    """A third revision is asked for while the second one waits for the release."""
    scene.node.processes["blue"].busy = True
    scene.apply(NEW)
    scene.until(lambda: scene.ledger.successor is not None)
    scene.apply(NEWER)
    scene.until(lambda: scene.step in ("Starting", "Verifying"))
    scene.node.processes["blue"].busy = False
    scene.until(lambda: scene.step == "Done")
    scene.rest()


def rolled_back_by_task(scene):
    """A rollback task inside the observation."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.task("rollback")
    scene.until(lambda: scene.step == "RolledBack" and scene.task_phase() == "Complete")
    scene.rest()


def rolled_back_by_spec(scene):
    """The old spec is applied again inside the observation, as `helm rollback` does."""
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.apply(OLD)
    scene.until(lambda: scene.step == "RolledBack")
    scene.rest()


def refused(scene):
    """The new revision cannot start; the old one trades on, and comes back by reverting."""
    scene.node.broken = {"*": "spec.strategy.name: 'nope' is unknown"}
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Refused")
    scene.node.broken = {}
    scene.rest(10)
    scene.apply(OLD)
    scene.until(lambda: scene.condition("Stalled") is None)
    scene.rest()


def not_adopted(scene):
    """The new trader never takes over; the epoch goes back once."""
    scene.node.deaf = {"*"}
    scene.apply(NEW)
    scene.until(lambda: scene.step == "RolledBack")
    scene.rest()


def frozen(scene):
    """The trader stands still; it is shut out before another one is named."""
    scene.apply(NEW)
    scene.until(lambda: scene.step in ("Starting", "Verifying"))
    scene.node.processes["blue"].frozen = True
    scene.until(lambda: scene.step == "Done")
    scene.rest()


SCENES = (swap, aborted, superseded, rolled_back_by_task, rolled_back_by_spec, refused, not_adopted, frozen)


def told(scene_of, strike=None):
    scene = started(strike)
    scene_of(scene)
    return scene


ENDS = {
    "swap": ("Done", "green", "new", None),
    "aborted": ("Idle", "blue", "old", None),
    "superseded": ("Done", "green", "newer", None),
    "rolled_back_by_task": ("RolledBack", "blue", "old", ("True", "RolledBack")),
    "rolled_back_by_spec": ("RolledBack", "blue", "old", None),
    "refused": ("Refused", "blue", "old", None),
    "not_adopted": ("RolledBack", "blue", "old", ("True", "RolledBack")),
    "frozen": ("Done", "green", "new", None),
}
NAMES = {OLD_NAME: "old", NEW_NAME: "new", NEWER_NAME: "newer"}


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_scene_ends_as_it_should(scene_of):
    """Who trades, in which colour, what the record says, and whether a person must act."""
    scene = told(scene_of)
    end = scene.end()
    assert (end["step"], end["leads to"], NAMES[end["trades"]], end["stalled"]) == ENDS[scene_of.__name__]
    idle = {"blue": "btc-green", "green": "btc-blue"}[end["leads to"]]
    assert end["colours"].get(idle, ("", 0))[1] == 0


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_second_look_at_rest_does_nothing(scene_of):
    """A scene that has ended is only looked at."""
    scene = told(scene_of)
    scene.effects.clear()
    scene.rest(20)
    assert scene.effects == []


class Struck:
    """At the *point*-th effect: the operator dies before or after it, or the answer is an error or a conflict."""

    def __init__(self, point, how):
        self.left, self.how = point, how

    def __call__(self, name, after):
        if not after:
            self.left -= 1
        if self.left != 0 or after != (self.how in ("dies after", "error after")):
            return
        self.left = -1
        if self.how.startswith("dies"):
            raise Died
        if name in ("order", "take back", "fence", "grant", "admit"):
            raise LedgerAway(self.how)
        raise (Outdated if self.how == "conflict" else ClusterUnavailable)(self.how)


HOWS = ("dies before", "dies after", "error after", "conflict")
DEEP = bool(os.environ.get("DEEP"))


@pytest.mark.parametrize("scene_of", SCENES, ids=lambda each: each.__name__)
def test_failure_at_any_effect_ends_where_calm_would_have(scene_of):
    """Every write and every call of a lease function; DEEP=1 tries all four ways at each, else they take turns."""
    calm = told(scene_of)
    for point in range(1, len(calm.effects) + 1):
        for how in HOWS if DEEP else (HOWS[point % len(HOWS)],):
            end = told(scene_of, Struck(point, how)).end()
            assert end == calm.end(), f"{how} at effect {point}, {calm.effects[point - 1]}"


def test_rollback_needs_three_calls_before_its_order():
    """From the task's event to the order: one read of the bot, then its decision and the task's start at once."""
    scene = started()
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Observing")
    scene.rest(3)
    scene.task("rollback")
    scene.effects.clear()
    before = scene.api.requests
    scene.once()
    assert scene.effects[:3] == ["merge TradingBot", "merge BotTask", "order"] or scene.effects[:3] == [
        "merge BotTask",
        "merge TradingBot",
        "order",
    ]
    assert scene.requests_before_order - before == 3


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({**NEW, "strategy": {"name": "nope"}}, "SpecRejected", "spec.strategy.name: 'nope' is not known; use"),
        ({**make.SANDBOX, "rollout": NEW["rollout"]}, "CredentialsMissing", "Secret 'keys' does not exist; give it"),
        ({**NEW, "modus": "x"}, "SpecRejected", "spec.modus: this field is not known; remove it"),
    ],
    ids=["unknown strategy", "missing secret", "unknown field"],
)
def test_spec_that_cannot_work_touches_nothing_and_reverting_recovers(spec, reason, words):
    """Refused before anything is started, with field, value and cure; the trader trades on under its epoch."""
    scene = started()
    epoch = scene.ledger.epoch
    scene.apply(spec)
    scene.rest(5)
    assert scene.condition("Stalled") == ("True", reason)
    assert words in next(each["message"] for each in scene.status["conditions"] if each["type"] == "Stalled")
    assert (scene.trades(), scene.ledger.epoch, scene.api.one("Deployment", "btc-green")) == (OLD_NAME, epoch, None)
    scene.apply(OLD)
    scene.rest(5)
    assert scene.condition("Stalled") is None
    assert (scene.trades(), scene.ledger.epoch) == (OLD_NAME, epoch)


@pytest.mark.parametrize(
    "trouble",
    ["ImagePullBackOff: not found", "finds no node: 0/1 nodes are available: 1 Insufficient cpu"],
    ids=["no image", "no room"],
)
def test_pod_that_cannot_come_up_is_refused_with_the_words_of_the_node(trouble):
    """The candidate goes; the trader keeps its epoch; the same spec is not tried again by itself."""
    scene = started()
    scene.node.broken = {"*": trouble}
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Refused")
    scene.rest(10)
    assert scene.condition("Stalled") == ("True", "Refused")
    assert trouble in scene.status["rollout"]["held"]["reason"]
    assert (scene.trades(), scene.ledger.epoch) == (OLD_NAME, 1)
    assert scene.end()["colours"]["btc-green"] == (NEW_NAME, 0)


def test_task_of_a_finished_name_is_never_carried_out_again():
    """Git or a restore may make it again: another object of that name is told so, and nothing moves."""
    scene = started()
    rolled_back_by_task(scene)
    epoch = scene.ledger.epoch
    del scene.api.objects["BotTask", "trading", "t"]
    scene.task("rollback")
    scene.until(lambda: scene.task_phase() == "Failed")
    assert "a task of this name was carried out before" in scene.api.one("BotTask", "t")["status"]["result"]
    assert scene.ledger.epoch == epoch


def test_task_to_a_revision_nobody_knows_fails_and_says_so():
    """Nothing is moved for a name that is written wrong."""
    scene = started()
    scene.task("rollback", target="0123")
    scene.until(lambda: scene.task_phase() == "Failed")
    said = scene.api.one("BotTask", "t")["status"]["result"]
    assert said == "spec.target: there is no revision '0123' to go back to in this mode"


def test_cold_rollback_starts_the_old_revision_first():
    """The old colour was stopped long since: it comes up, and then takes the lease without gates."""
    scene = started()
    swap(scene)
    scene.task("rollback")
    scene.until(lambda: scene.task_phase() == "Complete")
    assert (scene.trades(), scene.status["rollout"]["kind"]) == (OLD_NAME, "rollback")


def test_warm_standby_is_kept_after_the_observation():
    """rollout.standby: warm keeps the old revision beside the trader for good."""
    scene = started()
    scene.apply({**NEW, "rollout": {**NEW["rollout"], "standby": "warm"}})
    scene.until(lambda: scene.step == "Done")
    scene.rest(10)
    assert scene.end()["colours"] == {"btc-blue": (OLD_NAME, 1), "btc-green": (NEW_NAME, 1)}
    assert scene.condition("RollbackAvailable") == ("True", "Warm")
