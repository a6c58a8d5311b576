"""The sample that runs the simulator in a cluster: restricted, tokenless, and understood by the program it starts."""

from pathlib import Path

import pytest
import yaml

from exchange_simulator.main import settings
from exchange_simulator.market.clock import Mode, Pace

SAMPLE = Path(__file__).parents[2] / "manifests" / "samples" / "exchange-simulator.yaml"


@pytest.fixture
def objects():
    return {one["kind"]: one for one in yaml.safe_load_all(SAMPLE.read_text())}


@pytest.fixture
def container(objects):
    (one,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    return one


def test_the_namespace_enforces_restricted_pods(objects):
    """Pod Security is restricted where the simulator runs."""
    labels = objects["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pod_keeps_what_restricted_asks(objects, container):
    """No token, no root, no privilege, nothing writable, default seccomp."""
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}
    }  # fmt: skip
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip


def test_one_venue_stands_behind_the_name(objects):
    """Never two: each would know half of the orders. The Service selects the pod and keeps port 8080."""
    deployment, service = objects["Deployment"]["spec"], objects["Service"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    pod_labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"].items() <= pod_labels.items()
    assert service["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_the_program_understands_its_environment(container):
    """The pace of the sample: a recorded minute each second."""
    environment = {one["name"]: one["value"] for one in container["env"]}
    made = settings(["serve"], environment)
    assert (made.pace, made.port) == (Pace(Mode.FREE, 60.0), container["ports"][0]["containerPort"])
    assert container["image"] == "localhost/exchange-simulator:0.1.0"
