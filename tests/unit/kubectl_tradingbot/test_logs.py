"""A bot's log and diagnosis through kubectl: which lines are chosen, and what stands in each section."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_tradingbot.domain.diagnosis import conditions, containers, events
from kubectl_tradingbot.domain.logs import Wanted, newest, parsed
from kubectl_tradingbot.main import program, said


def line(second, level="INFO", component="api"):
    said = {"timestamp": f"2026-11-22T12:00:{second:02}Z", "level": level, "component": component}
    return json.dumps(said)


TRACE = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("wanted", "text", "taken"),
    [
        (Wanted(), TRACE, True),
        (Wanted("debug"), TRACE, False),
        (Wanted("error"), line(0, "ERROR"), True),
        (Wanted("error"), line(0, "CRITICAL"), True),
        (Wanted("error"), line(0, "WARNING"), False),
        (Wanted("error"), line(0, "error"), True),
        (Wanted(component="API"), line(0), True),
        (Wanted(component="venues"), line(0), False),
        (Wanted("error", "api"), "[]", False),
    ],
)
def test_lines_are_chosen_by_level_and_component(wanted, text, taken):
    """At least as grave, of that part; what is no JSON is shown to who asks for everything."""
    assert wanted.takes(text) is taken


def test_what_is_no_object_says_nothing_by_name():
    assert (parsed("[1]"), parsed("x"), parsed("{}")) == ({}, {}, {})


def test_the_lines_of_two_pods_stand_in_order_of_time():
    """A traceback stays behind the line it followed; the newest are kept."""
    blue, green = [line(1), TRACE, line(4)], [line(2), line(3, "ERROR")]
    assert newest([blue, green], Wanted(), 10) == [line(1), TRACE, line(2), line(3, "ERROR"), line(4)]
    assert newest([blue, green], Wanted(), 2) == [line(3, "ERROR"), line(4)]
    assert newest([blue, green], Wanted("error"), 10) == [line(3, "ERROR")]


def test_each_condition_is_a_line():
    ready = {"type": "Ready", "status": "False", "reason": "PodNotReady", "message": "no pod is ready"}
    told = list(conditions({"status": {"conditions": [ready]}}))
    assert told == ["Ready                False    PodNotReady  no pod is ready"]
    assert list(conditions({})) == []


def test_a_container_shows_its_state_and_how_the_one_before_ended():
    """Code, reason and last word, as far as the kubelet told them."""
    running = {"running": {"startedAt": "2026-11-22T12:00:00Z"}}
    ended = {"terminated": {"exitCode": 78, "reason": "Error", "message": "mode is not for atb live"}}
    status = {"containerStatuses": [{"name": "bot", "state": running, "lastState": ended, "restartCount": 3}]}
    new = {"metadata": {"name": "btc-green-1"}, "status": {"phase": "Pending", "conditions": []}}
    odd = {"metadata": {"name": "btc-blue-2"}, "status": {"containerStatuses": [{"name": "bot"}]}}
    assert list(containers([{"metadata": {"name": "btc-blue-1"}, "status": status}, new, odd])) == [
        "btc-blue-1/bot  running 2026-11-22T12:00:00Z, restarts 3",
        "btc-blue-1/bot  before: terminated exit code 78, Error, mode is not for atb live",
        "btc-green-1  Pending, ready Unknown",
        "btc-blue-2/bot  unknown, restarts 0",
    ]


def event(name, at, reason="BackOff", **changes):
    about = {"kind": "Pod", "name": name}
    return {"metadata": {}, "involvedObject": about, "reason": reason, "type": "Warning", "message": "m"} | {
        "lastTimestamp": at,
        **changes,
    }


def test_events_are_those_of_the_bot_its_deployments_and_pods():
    """Oldest first; a bot whose name begins alike is another bot."""
    told = events(
        "btc",
        [
            event("btc-blue-5c9-x", "2026-11-22T12:00:02Z"),
            event("btc", "", "Ready", lastTimestamp=None, eventTime="2026-11-22T12:00:01Z"),
            event("btc-usd-blue-1", "2026-11-22T12:00:03Z"),
            event("btc-data", "2026-11-22T12:00:03Z"),
        ],
    )
    assert list(told) == [
        "2026-11-22T12:00:01Z  Warning  Pod/btc  Ready  m",
        "2026-11-22T12:00:02Z  Warning  Pod/btc-blue-5c9-x  BackOff  m",
    ]


BOT = {"kind": "TradingBot", "metadata": {"name": "btc", "namespace": "trading"}}
SCRIPT = """#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in
  *proxy/status*) {status} ;;
  *proxy/health*) {health} ;;
  get\\ pods*) echo '{pods}' ;;
  logs*) {logs} ;;
  *) echo '{bot}' ;;
esac
"""


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """A kubectl of our own, which answers what it is told to."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def answers(**changes: str) -> Path:
        pods = {"items": [{"metadata": {"name": "btc-blue-1"}}]}
        known = {"status": "exit 1", "health": "exit 1", "logs": "exit 1", "pods": json.dumps(pods), **changes}
        (tmp_path / "kubectl").write_text(SCRIPT.format(folder=tmp_path, bot=json.dumps(BOT), **known))
        (tmp_path / "kubectl").chmod(0o755)
        return tmp_path / "calls"

    return answers


def ran(*arguments):
    return CliRunner().invoke(program, [*arguments, "-n", "trading"])


def test_logs_that_are_to_be_chosen_are_read_whole(kubectl):
    """The newest ten errors may stand far back; without a choice kubectl counts the lines itself."""
    calls = kubectl(logs=f"echo '{line(1)}'; echo '{line(2, 'ERROR')}'")
    assert ran("logs", "btc", "--level", "Error", "--tail", "10", "--since", "10m").output == line(2, "ERROR") + "\n"
    assert ran("logs", "btc", "--tail", "1", "--previous").output == line(2, "ERROR") + "\n"
    asked = [call for call in calls.read_text().splitlines() if call.startswith("logs")]
    assert asked == [
        "logs -n trading btc-blue-1 -c bot --since=10m --tail=-1",
        "logs -n trading btc-blue-1 -c bot --previous --tail=1",
    ]


def test_a_pod_that_has_not_begun_does_not_hide_what_the_other_has_written(kubectl):
    """Lines of those that can be read; when there are none at all, why."""
    pods = json.dumps({"items": [{"metadata": {"name": f"btc-{colour}-1"}} for colour in ("blue", "green")]})
    waits = 'case "$*" in *green*) echo "waiting to start" >&2; exit 1 ;; esac'
    kubectl(pods=pods, logs=f"{waits}; echo '{line(1)}'")
    assert ran("logs", "btc").output == line(1) + "\n"
    kubectl(pods=pods, logs='echo "waiting to start" >&2; exit 1')
    assert str(ran("logs", "btc").exception) == "waiting to start"


def test_logs_are_followed_line_by_line(kubectl):
    """Of every pod of the bot; when kubectl fails its sentence is ours."""
    calls = kubectl(logs=f"echo '{line(1)}'; echo '{line(2, 'ERROR')}'; echo broken >&2; exit 1")
    done = ran("logs", "btc", "-f", "--level", "error")
    assert done.output == line(2, "ERROR") + "\n"
    assert str(done.exception) == "broken"
    assert "logs -f -n trading -l tradingbot.io/bot=btc -c bot --tail=100" in calls.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--level", "loud"), 2, "--level loud is no level; write one of debug, info, warning, error, critical"),
        ((), 1, "btc has no pod; kubectl atb diagnose btc tells why"),
    ],
)
def test_a_level_that_is_none_and_a_bot_without_pods_get_a_sentence(kubectl, arguments, code, sentence):
    kubectl(pods='{"items": []}')
    done = ran("logs", "btc", *arguments)
    assert (done.exit_code, sentence in done.output) == (code, True)


def test_a_diagnosis_has_every_section_even_of_a_bot_that_never_ran(kubectl):
    """What there is none of says so; a container that never ended has no lines from before."""
    kubectl(pods='{"items": []}')
    (kubectl()).parent.joinpath("kubectl").write_text(
        '#!/bin/sh\ncase "$*" in get\\ pods*|get\\ events*) echo \'{"items": []}\' ;; *) echo \''
        + json.dumps(BOT)
        + "' ;; esac\n"
    )
    done = ran("diagnose", "btc")
    assert done.exit_code == 0, done.exception
    headings = [text for text in done.output.splitlines() if text.endswith(":")]
    assert headings == ["conditions:", "containers:", "Events:", "logs (last 50):"]


def test_a_bot_that_answers_without_health_is_unhealthy(kubectl):
    """An API server hands on no 503; a bot that says nothing at all is not called anything."""
    kubectl(status='echo \'{"state": "blocked"}\'')
    assert said(BOT)["health"] == {"status": "unhealthy"}
    kubectl()
    assert (said(BOT)["health"], said(BOT)["status"]) == (None, None)
    kubectl(status="echo '{}'", health='echo \'{"status": "healthy"}\'')
    told = json.loads(ran("status", "btc", "-o", "json").output)
    assert told == {"name": "btc", "namespace": "trading", "health": {"status": "healthy"}, "status": {}}
