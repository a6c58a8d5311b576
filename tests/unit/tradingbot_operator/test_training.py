"""Tasks of type train: a Job works them out, once, and its last word is the result."""

import asyncio

import pytest

import make_operator as make
from fakecluster import FakeApi
from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.domain.probe import JobState, Ran
from tradingbot_operator.plan.tasks import NO_REVISION, computed, refusal
from tradingbot_operator.render.training import job_name, training
from tradingbot_operator.report.task import answered
from tradingbot_operator.steer import steer

TRAIN = {"bot": "btc", "type": "train", "parameters": {"slow": "30,50", "fast": "5,10"}}
TASK = make.task(TRAIN)
JOB = job_name(TASK)


@pytest.mark.parametrize(
    ("job", "hindered", "said"),
    [
        (Ran(JobState.GONE), NO_REVISION, ("waits", NO_REVISION)),
        (Ran(JobState.GONE), None, ("waits", "its Job runs")),
        (Ran(JobState.RUNS), None, ("waits", "its Job runs")),
        (Ran(JobState.DONE, '{"tried": 4}'), None, ("result", '{"tried": 4}')),
        (Ran(JobState.DONE), None, ("result", "the Job ended well and said nothing")),
        (Ran(JobState.FAILED, "--grid 'x' names nothing"), None, ("failed", "--grid 'x' names nothing")),
        (Ran(JobState.FAILED), None, ("failed", "the Job failed and said nothing")),
    ],
)
def test_task_is_told_how_far_its_job_is(job, hindered, said):
    """Only the Job's own end ends the task."""
    answer = computed(TASK, job, hindered)
    told = {"waits": answer.waits and answer.waits.message, "result": answer.result, "failed": answer.failed}
    assert {name: text for name, text in told.items() if text} == dict([said])


def test_train_is_served():
    """A task of this type is taken."""
    assert refusal(TASK, True, make.NOW) is None


def test_job_has_neither_keys_nor_ledger_nor_the_bots_files():
    """What could reach a venue or a ledger is not mounted, and its folder ends with it."""
    pod = training(TASK, make.bot(), make.BOT_POD)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["atb", "train", "--grid=fast=5,10", "--grid=slow=30,50"]
    assert [each["name"] for each in container["env"]] == ["TRADINGBOT_SETTINGS"]
    assert [each["name"] for each in container["volumeMounts"]] == ["settings", "data"]
    data = {"name": "data", "emptyDir": {"sizeLimit": "64Mi"}}
    assert pod["volumes"] == [{"name": "settings", "configMap": {"name": "btc-0123456789"}}, data]
    assert "serviceAccountName" not in pod


def test_job_goes_with_its_task_and_is_its_own():
    """A task of the same name that was made anew has another Job."""
    job = training(TASK, make.bot(), make.BOT_POD)
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("BotTask", "task-1")
    assert job_name(make.task(TRAIN, uid="task-2")) != JOB


@pytest.fixture
def api():
    """A bot whose revision runs, and a task."""
    made = FakeApi()
    made.put({**make.body(), "status": {"active": {"colour": "blue", "revision": "r1"}}})
    owner = [{"kind": "TradingBot", "uid": make.UID, "controller": True}]
    meta = {"name": "btc-r1", "namespace": "trading", "ownerReferences": owner}
    made.put({"kind": "ControllerRevision", "metadata": meta, "data": {"template": make.BOT_POD}})
    meta = {"name": "t", "namespace": "trading", "uid": "task-1", "generation": 1}
    made.put({"kind": "BotTask", "metadata": meta, "spec": TRAIN})
    return made


def steered(api):
    outcome = asyncio.run(steer(("trading", "t"), Tasks(api), make.moment()))
    return outcome, api.one("BotTask", "t").get("status") or {}


def ended(api, kind, code, message):
    """As the kubelet and the Job's controller would say it."""
    api.put({**api.one("Job", JOB), "status": {"conditions": [{"type": kind, "status": "True"}]}})
    said = {"containerStatuses": [{"state": {"terminated": {"exitCode": code, "message": message}}}]}
    meta = {"name": "p", "namespace": "trading", "labels": {"batch.kubernetes.io/job-name": JOB}}
    api.put({"kind": "Pod", "metadata": meta, "status": said})


def test_job_is_begun_once_and_its_last_word_is_the_result(api):
    """However often the task is looked at; a finished one is left alone."""
    outcome, status = steered(api)
    assert (outcome.again_seconds, status["phase"]) == (2.0, "Running")
    assert steered(api)[0].again_seconds == 2.0
    assert api.written.count("create Job") == 1
    ended(api, "Complete", 0, '{"tried": 4}')
    outcome, status = steered(api)
    assert (status["phase"], status["result"], outcome.again_seconds) == ("Complete", '{"tried": 4}', None)
    assert api.written.count("create Job") == 1


def test_job_that_refused_fails_its_task_in_its_own_words(api):
    """The person reads what to write instead."""
    steered(api)
    ended(api, "Failed", 78, "--grid 'fast=' names nothing to try")
    _, status = steered(api)
    assert (status["phase"], status["result"]) == ("Failed", "--grid 'fast=' names nothing to try")


def test_job_that_ended_well_after_a_try_that_did_not_has_the_word_of_the_good_one(api):
    """A pod that was lost on the way says nothing about the result."""
    steered(api)
    ended(api, "Complete", 0, "good")
    said = {"containerStatuses": [{"state": {"terminated": {"exitCode": 137, "message": "lost"}}}]}
    meta = {"name": "q", "namespace": "trading", "labels": {"batch.kubernetes.io/job-name": JOB}}
    api.put({"kind": "Pod", "metadata": meta, "status": said})
    assert steered(api)[1]["result"] == "good"


@pytest.mark.parametrize("lacks", ["revision", "record", "owner"])
def test_task_waits_for_a_revision_of_its_bot(api, lacks):
    """A bot that never ran has no settings to train with; a record of another bot's is none."""
    record = api.objects["ControllerRevision", "trading", "btc-r1"]
    if lacks == "revision":
        api.put(make.body())
    elif lacks == "record":
        del api.objects["ControllerRevision", "trading", "btc-r1"]
    else:
        record["metadata"]["ownerReferences"][0]["uid"] = "another"
    outcome, status = steered(api)
    assert outcome.again_seconds == 2.0
    assert {each["message"] for each in status["conditions"]} == {NO_REVISION}
    assert api.of("Job") == []


def test_recordings_of_a_claim_are_read_and_never_written(api):
    """They lie where the bot looks first; of a volume that only a Job mounts, no trader waits for it."""
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "days", "namespace": "trading"}}
    task = api.objects["BotTask", "trading", "t"]
    task["spec"] = {**TRAIN, "target": "days"}
    _, status = steered(api)
    absent = "spec.target: there is no PersistentVolumeClaim 'days' in namespace trading; create it"
    assert {each["message"] for each in status["conditions"]} == {absent}
    assert api.of("Job") == []
    api.put(claim)
    steered(api)
    pod = api.one("Job", JOB)["spec"]["template"]["spec"]
    days = {"name": "recordings", "persistentVolumeClaim": {"claimName": "days", "readOnly": True}}
    assert pod["volumes"][-1] == days
    mount = {"name": "recordings", "mountPath": "/data/cache", "readOnly": True}
    assert pod["containers"][0]["volumeMounts"][-1] == mount


def test_volume_of_a_bot_is_not_trained_on(api):
    """A Job that holds it could keep the trader from starting on another node."""
    labels = {"app.kubernetes.io/managed-by": "tradingbot-operator"}
    meta = {"name": "btc-data", "namespace": "trading", "labels": labels}
    api.put({"kind": "PersistentVolumeClaim", "metadata": meta})
    api.objects["BotTask", "trading", "t"]["spec"] = {**TRAIN, "target": "btc-data"}
    _, status = steered(api)
    said = "spec.target: 'btc-data' is the volume of a bot; copy its recordings into another claim and name that"
    assert {each["message"] for each in status["conditions"]} == {said}
    assert api.of("Job") == []


def test_waiting_is_told_once(api):
    """Nothing is written while nothing changes."""
    answer = computed(TASK, Ran(JobState.RUNS), None)
    first = answered(answer, make.NOW)
    again = computed(make.task(TRAIN, status=first), Ran(JobState.RUNS), None)
    assert answered(again, make.NOW) is None
