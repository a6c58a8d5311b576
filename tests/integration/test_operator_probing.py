"""A candidate is asked from outside, by Jobs and by Prometheus, and every Job is gone when its answer is noted."""

from decimal import Decimal

import pytest

from fakecluster import Died
from handing import NEW, NEW_NAME, OLD, OLD_NAME, QUICK, Scene, started

SMOKE = {"gates": [{"name": "smoke"}]}
PATH = {"analysis": [{"name": "path", "job": {"command": ["check"]}}]}
ERRORS = {"analysis": [{"name": "errors", "query": '$bot/$namespace{colour="$colour"}', "threshold": "0.05"}]}
PROMETHEUS = {"monitoring": {"prometheus": "http://prometheus:9090"}}


def spec(base, rollout, **parts):
    return {**base, "rollout": {**QUICK, **rollout}, **parts}


def asked(rollout, strike=None, **parts) -> Scene:
    """A bot that trades, and a candidate on its way that is asked as *rollout* says."""
    scene = started()
    scene.apply(spec(OLD, rollout, **parts))
    scene.rest(2)
    scene.strike = strike
    scene.apply(spec(NEW, rollout, **parts))
    return scene


def jobs(scene):
    return [each["metadata"]["name"] for each in scene.api.of("Job")]


def failing(colour):
    """Jobs that ask *colour* fail, and those that ask the other one pass."""

    def end(job):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        told = {each["name"]: each["value"] for each in container["env"]}
        return "Failed" if told["TRADINGBOT_COLOUR"] == colour else "Complete"

    return end


def test_candidate_trades_after_its_smoke_test_is_complete_and_the_job_is_gone():
    """The Job belongs to the bot; until it is complete nobody is asked to release."""
    scene = asked(SMOKE)
    scene.job_ends = lambda _: None
    scene.until(lambda: jobs(scene))
    scene.rest(10)
    (job,) = scene.api.of("Job")
    assert [each["name"] for each in job["metadata"]["ownerReferences"]] == ["btc"]
    assert (scene.step, scene.trades(), scene.ledger.successor) == ("Verifying", OLD_NAME, None)
    assert scene.status["rollout"]["reason"] == "gate smoke: its Job runs"
    scene.job_ends = lambda _: "Complete"
    scene.until(lambda: scene.step == "Observing")
    scene.rest(4)
    assert (scene.trades(), jobs(scene)) == (NEW_NAME, [])
    assert {"gate": "smoke", "result": "passed", "message": ""} in scene.status["rollout"]["gates"]
    assert len(scene.jobs_seen) == 1


def test_candidate_that_fails_its_smoke_test_is_refused_and_the_job_is_gone():
    """The old colour trades on, and the revision is not tried again."""
    scene = asked(SMOKE)
    scene.job_ends = lambda _: "Failed"
    scene.until(lambda: scene.step == "Refused")
    scene.rest(20)
    assert (scene.step, scene.trades(), jobs(scene), len(scene.jobs_seen)) == ("Refused", OLD_NAME, [], 1)
    assert scene.condition("Stalled") == ("True", "Refused")


def test_job_that_somebody_deleted_is_asked_again():
    """What is gone has not answered."""
    scene = asked(SMOKE)
    scene.job_ends = lambda _: None
    scene.until(lambda: jobs(scene))
    del scene.api.objects["Job", "trading", jobs(scene)[0]]
    scene.rest(4)
    assert len(jobs(scene)) == 1
    assert (scene.step, scene.trades()) == ("Verifying", OLD_NAME)


def test_smoke_test_that_a_person_skips_is_not_run():
    """With a reason; the record says that it was skipped."""
    scene = started()
    scene.apply(spec(NEW, SMOKE), skip_gates="smoke the registry of test images is away")
    scene.until(lambda: scene.step == "Observing")
    assert scene.jobs_seen == []
    reason = "the registry of test images is away"
    assert {"gate": "smoke", "result": "skipped", "message": reason} in scene.status["rollout"]["gates"]
    told = [each["message"] for each in scene.api.of("Event") if each["reason"] == "GateSkipped"]
    assert told == [f"gate smoke is skipped: {reason}"]


@pytest.mark.parametrize(("fails", "ends", "trades"), [("green", "RolledBack", OLD_NAME), ("none", "Done", NEW_NAME)])
def test_job_of_the_observation_brings_the_old_version_back_when_only_the_new_one_fails(fails, ends, trades):
    """The same Job runs against both colours; both are gone afterwards."""
    scene = asked(PATH)
    scene.job_ends = failing(fails)
    scene.until(lambda: scene.step == ends)
    scene.rest(4)
    assert (scene.trades(), jobs(scene), len(scene.jobs_seen)) == (trades, [], 2)


class Prometheus:
    """FakePrometheus: one value for each colour, None while it is away."""

    def __init__(self, **values):
        self.values, self.asked = values, []

    async def query(self, server, query, at):
        self.asked.append((server, query, at))
        colour = "green" if "green" in query else "blue"
        said = self.values.get(colour)
        return Decimal(said) if said else None


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"green": "0.2", "blue": "0.01"}, "RolledBack"),
        ({"green": "0.2", "blue": "0.3"}, "Done"),
        ({"green": "0.01", "blue": "0.01"}, "Done"),
        ({"green": "0.2"}, "Done"),
        ({}, "Done"),
    ],
)
def test_query_brings_the_old_version_back_when_only_the_new_one_fails(values, ends):
    """Both are asked at one time; a Prometheus without a value, or away, rolls nothing back."""
    scene = asked(ERRORS, **PROMETHEUS)
    scene.watch = Prometheus(**values)
    scene.until(lambda: scene.step in ("RolledBack", "Done"))
    scene.rest(4)
    assert scene.step == ends
    (server, green, at), (_, blue, same) = sorted(scene.watch.asked, key=lambda each: ("blue" in each[1], each[2]))[
        :: len(scene.watch.asked) // 2
    ]
    assert (server, green, blue) == (
        "http://prometheus:9090",
        'btc/trading{colour="green"}',
        'btc/trading{colour="blue"}',
    )
    assert at == same


def test_bot_without_a_prometheus_or_jobs_pays_nothing_for_them():
    """No Job is listed in a swap whose spec asks for none, nor anything else; in one that asks, Jobs are."""
    scene = started()
    scene.apply(NEW)
    scene.until(lambda: scene.step == "Done")
    assert scene.api.listed == []
    asking = asked(SMOKE)
    asking.until(lambda: asking.step == "Done")
    assert "Job" in asking.api.listed


class Struck:
    """The operator dies at the nth write of that name, before or after it."""

    def __init__(self, name, after):
        self.name, self.after, self.done = name, after, False

    def __call__(self, name, after):
        if name.endswith(" Job") and name.startswith(self.name) and after is self.after and not self.done:
            self.done = True
            raise Died


@pytest.mark.parametrize("name", ["create", "delete"])
@pytest.mark.parametrize("after", [False, True])
def test_operator_that_dies_at_the_writes_of_a_job_ends_where_it_would_have(name, after):
    """A Job has one name for one question, so that nobody is asked twice, and its removal is tried again."""
    strike = Struck(name, after)
    scene = asked(SMOKE, strike)
    scene.until(lambda: scene.step == "Done")
    scene.rest()
    assert strike.done
    assert (scene.deaths, scene.trades(), jobs(scene), len(scene.jobs_seen)) == (1, NEW_NAME, [], 1)
