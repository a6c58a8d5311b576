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
    subprocess.run(["demo/install"], cwd=node.ROOT, check=True)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}
    node.kubectl("apply", "-f", "-", text=json.dumps(namespace))
    return


RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
