"""The Jobs that ask a colour: what each of them runs, and what it may not touch."""

import pytest

import make_operator as make
from tradingbot_operator.domain.probe import Ask, Command
from tradingbot_operator.render.probe import probe
from tradingbot_operator.render.revision import content

LONGEST = "b" * 40
OWN = Command(("check", "--all"), None, 90)


def made(name="smoke", command=None, spec=make.LIVE, bot="btc", address="10.0.0.5"):
    subject = make.bot(spec, name=bot)
    template = content(subject, subject.spec, make.SITE, "r2")["template"]
    return probe(subject, template, Ask(name, "a1b2c3d4e5", "green", f"{bot}-green-1", "r2", command), address)


def pod_of(job):
    return job["spec"]["template"]["spec"]


def test_smoke_test_asks_both_planes_of_the_candidate():
    """Ledger, venue and metrics on the ops port, health on the other one; each in a container that can be named."""
    asked = {each["name"]: each["args"][0] for each in pod_of(made())["containers"]}
    assert asked == {
        "database": "http://10.0.0.5:9090/health",
        "exchange": "http://10.0.0.5:9090/health",
        "metrics": "http://10.0.0.5:9090/metrics",
        "api": "http://10.0.0.5:8000/api/health",
    }
    assert pod_of(made(address="fd00::5"))["containers"][-1]["args"][0] == "http://[fd00::5]:8000/api/health"


@pytest.mark.parametrize(("name", "command"), [("smoke", None), ("doctor", None), ("job", OWN)])
def test_job_belongs_to_the_bot_has_one_try_and_is_none_of_its_pods(name, command):
    """Nothing that selects the bot's pods finds it."""
    job = made(name, command)
    assert job["metadata"]["ownerReferences"][0]["uid"] == make.UID
    assert (job["spec"]["backoffLimit"], job["spec"]["ttlSecondsAfterFinished"]) == (0, 600)
    assert "tradingbot.io/bot" not in job["spec"]["template"]["metadata"]["labels"]
    assert pod_of(job)["restartPolicy"] == "Never"
    for container in pod_of(job)["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_job_of_a_person_sees_an_address_and_no_secret():
    """What a person runs beside the bot has neither its keys nor its ledger."""
    (container,) = pod_of(made("job", OWN))["containers"]
    assert "volumes" not in pod_of(made("job", OWN))
    assert container["command"] == ["check", "--all"]
    assert container["image"] == "localhost/tradingbot:0.1.0"
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "TRADINGBOT_TARGET": "10.0.0.5",
        "TRADINGBOT_COLOUR": "green",
        "TRADINGBOT_REVISION": "r2",
    }
    other = Command(("check",), "registry/check:3", 90)
    assert pod_of(made("job", other))["containers"][0]["image"] == "registry/check:3"
    assert made("job", OWN)["spec"]["activeDeadlineSeconds"] == 90


def test_doctor_has_the_settings_and_secrets_of_the_candidate_and_a_state_volume_of_its_own():
    """It cannot disturb the trader's files, and it logs in as the candidate's colour would."""
    job = pod_of(made("doctor"))
    volumes = {each["name"]: each for each in job["volumes"]}
    assert "emptyDir" in volumes["data"]
    assert volumes["database"]["secret"]["items"] == [{"key": "green", "path": "url"}]
    mounted = {each["name"] for each in job["containers"][0]["volumeMounts"]}
    assert mounted == set(volumes)


@pytest.mark.parametrize("name", ["smoke", "fills_as_paper", "a_very_long_name_of_a_check"])
def test_name_of_a_job_fits_into_a_label(name):
    """Its pods carry it as one; underscores have no place in it."""
    job = made(name, OWN, bot=LONGEST)["metadata"]["name"]
    assert len(job) <= 63
    assert "_" not in job
    assert "--" not in job
