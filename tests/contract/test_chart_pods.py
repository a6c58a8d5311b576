"""Every pod that a chart makes meets the restricted Pod Security standard, and a little more."""

import pytest

import charts

PODS = {
    name: pod
    for chart, flags in (("tradingbot-operator", ("--set", "rateGate.enabled=true")), ("tradingbot", charts.PAPER))
    for name, pod in charts.pods(charts.objects(chart, *flags))
}


def test_the_charts_make_these_pods():
    """A new pod joins the checks of this page by name."""
    assert sorted(PODS) == [
        "Deployment/tradingbot-operator",
        "Deployment/tradingbot-operator-rate-gate",
        "Job/tradingbot-operator-uninstall",
        "Pod/tradingbot-operator-test-metrics",
        "Pod/tradingbot-operator-test-ready",
        "Pod/tradingbot-test-api",
        "Pod/tradingbot-test-database",
        "Pod/tradingbot-test-exchange",
        "Pod/tradingbot-test-metrics",
        "Pod/tradingbot-test-operator",
    ]


@pytest.mark.parametrize("name", PODS)
def test_pod_is_restricted(name):
    """No root, no new privileges, no capability, no writable root, a seccomp profile."""
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [container["securityContext"] for container in pod["containers"]] == [
        {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    ]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()


@pytest.mark.parametrize("name", PODS)
def test_pod_uses_only_harmless_volumes(name):
    """Nothing of the node is mounted; only the rate gate holds a Secret, which is its own."""
    allowed = {"name", "emptyDir"} | ({"secret"} if name.endswith("-rate-gate") else set())
    volumes = PODS[name].get("volumes", [])
    assert {key for volume in volumes for key in volume} <= allowed
    own = name.partition("/")[2]
    assert {volume["secret"]["secretName"] for volume in volumes if "secret" in volume} <= {own}


@pytest.mark.parametrize("name", PODS)
def test_pod_says_what_it_needs(name):
    """Every container has requests and a memory limit, so that it cannot take the node down."""
    for container in PODS[name]["containers"]:
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_token_is_mounted_only_where_the_api_is_asked(name):
    """Only what talks to the API server holds a token for it."""
    asks = not name.startswith("Pod/") and not name.endswith("-rate-gate")
    assert PODS[name]["automountServiceAccountToken"] is asks


@pytest.mark.parametrize("name", [name for name in PODS if name.startswith("Pod/")])
def test_probe_has_no_reference_the_kubelet_would_expand(name):
    """The kubelet replaces $(NAME) in commands: the program must hold none."""
    container = PODS[name]["containers"][0]
    assert container["command"][:2] == ["python3", "-c"]
    assert "$(" not in container["command"][2] + "".join(container["args"])
    compile(container["command"][2], "probe.py", "exec")
