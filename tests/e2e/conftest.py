"""The product installed on the real node, once for all stories."""

import json
import subprocess

import pytest

import node

NAMESPACE = "trading"
KEY = "simulator-demo"


@pytest.fixture(scope="session")
def product() -> None:
    """The cluster is up, the images are loaded, the charts are installed with Helm and the simulator runs."""
    subprocess.run(["cluster/up"], cwd=node.ROOT, check=True)
    subprocess.run(["images/build", "all"], cwd=node.ROOT, check=True)
    system = ("--namespace", "tradingbot-system", "--create-namespace")
    node.helm("upgrade", "--install", "tradingbot-crds", "charts/tradingbot-crds", *system)
    node.helm(
        "upgrade",
        "--install",
        "tradingbot-operator",
        "charts/tradingbot-operator",
        *system,
        "--wait",
        "--timeout",
        "2m",
    )
    node.kubectl("apply", "-f", "manifests/samples/exchange-simulator.yaml")
    node.kubectl("-n", "exchange-simulator", "rollout", "status", "deployment/exchange-simulator", "--timeout=120s")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}
    node.kubectl("apply", "-f", "-", text=json.dumps(namespace))
    return


RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
