"""Argo Rollouts 1.9.0, built from the module in cluster/tools/argo-rollouts: its definitions and its controller."""

import contextlib
import pathlib
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

import node

MODULE = "github.com/argoproj/argo-rollouts"
FOLDER = node.ROOT / "cluster" / "tools" / "argo-rollouts"


def controller() -> pathlib.Path:
    """The built controller; the first time takes some minutes."""
    done = subprocess.run(
        ["cluster/tool", "--path", "rollouts-controller"], capture_output=True, text=True, cwd=node.ROOT, check=True
    )
    return pathlib.Path(done.stdout.strip())


def definitions() -> list[dict[str, Any]]:
    """The definitions of the module that the controller was built from."""
    command = ["go", "list", "-m", "-f", "{{.Dir}}", MODULE]
    folder = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, check=True).stdout.strip()
    files = sorted(pathlib.Path(folder, "manifests", "crds").glob("*-crd.yaml"))
    return [yaml.safe_load(each.read_text()) for each in files]


@contextlib.contextmanager
def running(
    kubeconfig: pathlib.Path, log: pathlib.Path, within: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """The controller works on the API server of *kubeconfig* while the block runs.

    It listens on every interface, so *within* is the command that puts it into a network of its own.
    """
    command = [*within, str(controller()), f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--loglevel=warn"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
