"""A new version takes over from the old one and gives back, with real traders, judged by the venue's order log."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import onenode
import operators
from onenode import APPS, CORE, NAMESPACE, Running, Site, seconds_until, trader
from operators import bot, eventually, found, patch_bot, state

Note = Callable[[str, str], None]
OBSERVED = {"observe": "1m"}
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
CHART = str(onenode.ROOT / "charts/tradingbot")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with onenode.site(tmp_path_factory.mktemp("swap")) as made:
        yield made


def active(site: Site, name: str) -> dict[str, Any]:
    return ((bot(site.server, name) or {}).get("status") or {}).get("active") or {}


def step(site: Site, name: str) -> str:
    rollout = ((bot(site.server, name) or {}).get("status") or {}).get("rollout") or {}
    return str(rollout.get("step", ""))


def told(site: Site, name: str) -> str:
    """How far the hand-over is, what the Jobs said, and the operator's log."""
    status = (bot(site.server, name) or {}).get("status") or {}
    return f"{json.dumps(status.get('rollout'))}\n{site.node.jobs.ended}\n{site.operator.log()}"


def faster(site: Site, name: str, fast: str) -> None:
    patch_bot(site.server, name, {"spec": {"strategy": {"parameters": {"fast": fast}}}})


def swapped(site: Site, name: str, fast: str, colour: str) -> Running:
    """Another version trades in *colour*."""
    faster(site, name, fast)
    eventually(lambda: active(site, name).get("colour") == colour, lambda: told(site, name), 180)
    pod = site.node.of(name, colour)
    assert pod
    return pod


def written(site: Site, pod: Running) -> list[int]:
    """The places in the venue's log of what *pod* asked for and got."""
    entries = site.control("orders")["entries"]
    mine = (entry for entry in entries if str(entry["sender"]).endswith(pod.uid) and entry["outcome"] == "accepted")
    return [entry["seq"] for entry in mine if entry["action"] in ("order", "cancel", "cancelReplace")]


@pytest.mark.row("S2-092")
@pytest.mark.row("S2-095")
@pytest.mark.row("S2-096")
def test_the_new_colour_trades_when_the_old_one_has_ended_and_the_old_one_stays_a_minute(
    site: Site, evidence: Note
) -> None:
    """Both Deployments stand, the candidate does not trade, no write of one comes after the other's first."""
    with trader(site, "swap", rollout=OBSERVED) as blue:
        eventually(lambda: written(site, blue), within=60)
        faster(site, "swap", "3")
        green = eventually(lambda: site.node.of("swap", "green"), site.operator.log, 30)
        said = eventually(lambda: green.status(), within=30)
        deployments = operators.names(site.server, f"{APPS}/deployments")
        evidence("kubectl get deploy -n trading; green /status", f"{deployments} {said.get('state')}")
        assert {"swap-blue", "swap-green"} <= set(deployments)
        assert said["trading_active"] is False
        eventually(lambda: active(site, "swap").get("colour") == "green", site.operator.log, 60)
        since = time.monotonic()
        eventually(lambda: written(site, green), within=60)
        before, after = written(site, blue), written(site, green)
        evidence("GET /control/orders", f"last of blue {max(before)}, first of green {min(after)}")
        assert max(before) < min(after)
        assert deployment_replicas(site, "swap-blue") == 1
        eventually(lambda: deployment_replicas(site, "swap-blue") == 0, site.operator.log, 100)
        evidence("kubectl get deploy swap-blue", f"0 replicas {time.monotonic() - since:.0f} s after the swap")
        assert time.monotonic() - since > 50


def deployment_replicas(site: Site, name: str) -> int:
    return int((found(site.server, f"{APPS}/deployments/{name}") or {})["spec"]["replicas"])


@pytest.mark.row("S2-097")
@pytest.mark.row("S2-049")
@pytest.mark.row("S2-093")
def test_the_old_spec_brings_the_old_colour_back_within_seconds(site: Site, evidence: Note) -> None:
    """The warm colour takes the lease again; spec and revision are as before, the Service follows each time.

    The way there is smoke tested: the program of `helm test` asks the standby, and no Job is left.
    """
    with trader(site, "back", rollout={"gates": [{"name": "smoke"}]}) as blue:
        spec, first = bot(site.server, "back")["spec"], active(site, "back")["revision"]
        green = swapped(site, "back", "3", "green")
        assert set(map(tuple, site.node.jobs.ended.values())) == {(0, 0, 0, 0)}
        assert {"gate": "smoke", "result": "passed", "message": ""} in bot(site.server, "back")["status"]["rollout"][
            "gates"
        ]
        eventually(lambda: selector(site, "back") == "green", within=20)
        evidence("kubectl get svc back -o jsonpath='{.spec.selector}'", selector(site, "back"))
        eventually(lambda: written(site, green), within=60)
        faster(site, "back", "2")
        took = seconds_until(lambda: blue.status().get("trading_active"), 30)
        evidence("kubectl apply -f old.yaml -> blue trades", f"{took:.2f} s")
        eventually(lambda: active(site, "back").get("revision") == first, within=20)
        assert bot(site.server, "back")["spec"] == spec
        eventually(lambda: selector(site, "back") == "blue", within=20)
        last = max(written(site, green))
        eventually(lambda: max(written(site, blue), default=0) > last, within=60)
        eventually(lambda: operators.names(site.server, JOBS) == [], site.operator.log)


def selector(site: Site, name: str) -> str:
    service = found(site.server, f"{CORE}/services/{name}") or {}
    return str(service["spec"]["selector"]["tradingbot.io/colour"])


@pytest.mark.row("S2-094")
@pytest.mark.row("S2-014")
def test_a_version_that_cannot_start_disturbs_nobody(site: Site, evidence: Note) -> None:
    """The candidate ends at once each time: no swap, the condition says why, the old colour trades on."""
    with trader(site, "broken") as blue:
        first = active(site, "broken")["revision"]
        patch_bot(site.server, "broken", {"spec": {"image": "localhost/tradingbot:9.9.9", **WRONG}})
        eventually(lambda: state(site.server, "broken", "Stalled")[0] == "True", site.operator.log, 120)
        stalled = operators.condition(bot(site.server, "broken"), "Stalled")
        evidence("kubectl get tb broken (condition Stalled)", f"{stalled['reason']}: {stalled['message']}")
        assert active(site, "broken")["revision"] == first
        seen = len(written(site, blue))
        eventually(lambda: len(written(site, blue)) > seen, within=60)
        assert blue.status()["trading_active"] is True


# Another image may know another strategy, so the operator lets it try; this one's process ends with 78.
WRONG = {"strategy": {"name": "sma_cross", "parameters": {"fast": "9"}}}


@pytest.mark.row("S2-044")
@pytest.mark.row("S2-043")
@pytest.mark.row("S2-046")
def test_helm_rollback_restores_the_version_before(site: Site, evidence: Note) -> None:
    """Also after somebody halted the resource by hand, the old revision is active again, and the halt stays."""
    values = {**onenode.spec(site.venue, exchange={"shared": True})}
    release = ("--namespace", NAMESPACE, "--set-json", json.dumps(values))
    site.helm("upgrade", "--install", "ats", CHART, *release)
    pod = site.trading("ats")
    first = eventually(lambda: active(site, "ats").get("revision"))
    values["strategy"]["parameters"]["fast"] = "3"
    site.helm("upgrade", "ats", CHART, "--namespace", NAMESPACE, "--set-json", json.dumps(values))
    eventually(lambda: active(site, "ats").get("colour") == "green", site.operator.log, 60)
    site.kubectl("annotate", "tb", "ats", "-n", NAMESPACE, "tradingbot.io/halt=by hand")
    history = site.helm("history", "ats", "-n", NAMESPACE)
    evidence("helm history ats -n trading", history)
    assert len([line for line in history.splitlines() if "tradingbot-" in line]) == 2
    since = time.monotonic()
    site.helm("rollback", "ats", "1", "-n", NAMESPACE)
    eventually(lambda: active(site, "ats").get("revision") == first, site.operator.log, 60)
    evidence("helm rollback ats 1", f"revision {first} active again after {time.monotonic() - since:.1f} s")
    assert bot(site.server, "ats")["metadata"]["annotations"]["tradingbot.io/halt"] == "by hand"
    assert pod.status()["state"] == "halted"
    pods = site.kubectl("get", "pods", "-n", NAMESPACE)
    evidence("kubectl get pods -n trading", pods)
    assert pod.name in pods
    health = site.kubectl("get", "--raw", f"{CORE}/pods/{pod.name}:8000/proxy/api/health")
    evidence("GET :8000/api/health of the active pod", health)
    assert json.loads(health)["status"] in ("healthy", "degraded")
    site.kubectl("annotate", "tb", "ats", "-n", NAMESPACE, "tradingbot.io/delete=done")
    site.helm("uninstall", "ats", "-n", NAMESPACE)
