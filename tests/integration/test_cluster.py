"""The scripts of cluster/: a node that comes up twice, beside another, after kill -9, and leaves nothing."""

import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OUTSIDE = "198.51.100.7"
ATTACH_FILTER = 26  # of Linux; Python has no name for it

pytestmark = pytest.mark.slow

POD = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe"},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "securityContext": {"runAsUser": 65532, "runAsNonRoot": True, "fsGroup": 65532},
                "containers": [
                    {
                        "name": "probe",
                        "image": "localhost/busybox:1",
                        "imagePullPolicy": "Never",
                        "command": ["sleep", "3600"],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    }
                ],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        },
    ],
}


def serving(name: str, node: str) -> list[dict[str, Any]]:
    """A pod on *node* with a volume, which tells its name at the Service of that name."""
    told = f"echo {name} >/data/index.html && exec httpd -f -p 8080 -h /data"
    meta = {"name": name, "labels": {"probe": name}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    container = {"name": "probe", "image": "localhost/busybox:1", "imagePullPolicy": "Never"}
    container |= {"command": ["sh", "-c", told], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    pod = {
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"kubernetes.io/hostname": node},
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
    }
    service = {"selector": {"probe": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return [
        claim,
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
    ]


@dataclass(frozen=True)
class Cluster:
    """One copy of the node, driven by the commands a person uses."""

    name: str
    state: Path

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        own = {"CLUSTER": "own", "CLUSTER_NAME": self.name, "CLUSTER_STATE": str(self.state)}
        return subprocess.run(
            arguments, cwd=ROOT, env={**os.environ, **own, **more}, capture_output=True, text=True, timeout=180
        )

    def do(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str) -> str:
        return self.do("cluster/tool", "kubectl", *arguments)

    def holder(self) -> int:
        return int((self.state / "holder").read_text().split()[0])

    def pid_of(self, command: str) -> int:
        found = re.search(rf"^(\d+) {command}$", self.do("cluster/status", "--processes"), re.MULTILINE)
        assert found, f"{command} does not run"
        return int(found[1])

    def with_pod(self) -> None:
        manifest = self.state / "probe.json"
        manifest.write_text(json.dumps(POD))
        self.kubectl("apply", "-f", str(manifest))
        self.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")

    def in_pod(self, script: str, pod: str = "probe") -> str:
        return self.kubectl("exec", pod, "--", "sh", "-c", script)

    def with_pair(self) -> None:
        """A pod on each of two nodes."""
        items = [*serving("near", self.name), *serving("far", f"{self.name}-2")]
        manifest = self.state / "pair.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        self.kubectl("apply", "-f", str(manifest))
        self.kubectl("wait", "--for=condition=Ready", "pod/near", "pod/far", "--timeout=120s")


@contextlib.contextmanager
def cluster(name: str) -> Iterator[Cluster]:
    """A cluster that is not up yet, and is down afterwards whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    copy = Cluster(name, folder / "state")
    try:
        yield copy
    finally:
        copy.do("cluster/down")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def node() -> Iterator[Cluster]:
    with cluster("test-node") as copy:
        copy.do("cluster/up")
        copy.with_pod()
        yield copy


def traces(copy: Cluster) -> dict[str, str]:
    """What the machine holds of anybody's cluster: links, routes, mounts, rules, cgroups, files, living processes."""
    identity = subprocess.run(["sha256sum"], input=str(copy.state), capture_output=True, text=True, check=True).stdout[
        :8
    ]
    commands = {
        "links": "ip -oneline link show | cut -d: -f2",
        "routes": "ip -4 route show; ip -6 route show",
        "mounts": "cat /proc/self/mounts",
        "rules": "iptables-save 2>/dev/null | grep -E 'KUBE|CNI' || :",
        "cgroups": "find /sys/fs/cgroup -maxdepth 2 -type d -name 'tradingbot-*'",
        "folders": "ls -d /var/lib/kubelet /var/lib/cni /opt/containerd /run/containerd /run/netns 2>/dev/null || :",
        "processes": f"grep -laE '{copy.state}|{identity}' /proc/[0-9]*/cmdline 2>/dev/null || :",
    }
    return {
        what: subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
        for what, command in commands.items()
    }


def own_share(before: dict[str, str], after: dict[str, str]) -> dict[str, set[str]]:
    """The lines that are new; other clusters on the machine may come and go, so each is asked for its owner."""
    new = {what: set(after[what].splitlines()) - set(before[what].splitlines()) for what in after}
    return {what: lines for what, lines in new.items() if lines}


def test_second_up_leaves_the_node_as_it_is(node: Cluster) -> None:
    """On a healthy node up says so and changes nothing."""
    holder = node.holder()
    done = node.run("cluster/up")
    assert done.returncode == 0
    assert "is up already" in done.stderr
    assert node.holder() == holder


def test_node_offers_what_the_product_needs(node: Cluster) -> None:
    """Version, default StorageClass, admission policies, names, an owned volume, ClusterIPs from the host are there."""
    assert '"gitVersion": "v1.34.4"' in node.kubectl("get", "--raw", "/version")
    assert "local-path (default)" in node.kubectl("get", "storageclass")
    assert "validatingadmissionpolicies" in node.kubectl("api-resources", "-o", "name")
    assert node.in_pod("touch /data/mine && stat -c %u:%g /data/mine").strip() == "65532:65532"
    service = node.kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    assert service in node.in_pod("nslookup kubernetes.default.svc.cluster.local")
    with socket.create_connection((service, 443), timeout=5):
        pass


def test_nothing_a_pod_sends_leaves_the_node(node: Cluster) -> None:
    """No frame to an address outside is seen on any link of the host, while one to the host itself is."""
    addresses = node.do("cluster/status")
    host = re.sub(r"\d+$", lambda last: str(int(last[0]) - 1), re.findall(r"node ([\d.]+)", addresses)[0])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as wire:
        but_loopback(wire)
        wire.settimeout(0.5)
        answer = node.in_pod(
            f"nc -w 1 {OUTSIDE} 443 </dev/null 2>&1 || echo no stream; "
            f"timeout 1 nslookup example.com {OUTSIDE} >/dev/null 2>&1 || echo no datagram; "
            f"timeout 1 nslookup example.com {host} 2>&1; nslookup example.com 2>&1; true"
        )
        seen = b"".join(frames(wire))
    assert "no stream" in answer
    assert "no datagram" in answer
    assert "can't find example.com: NXDOMAIN" in answer
    assert socket.inet_aton(host) in seen
    assert socket.inet_aton(OUTSIDE) not in seen
    routes = ["nsenter", "-t", str(node.holder()), "-n", "ip", "route", "show", "default"]
    assert subprocess.run(routes, capture_output=True, text=True, check=True).stdout == ""


def but_loopback(wire: socket.socket) -> None:
    """*wire* takes no frame of the link 1: what other tests say to themselves would fill it up."""
    load_link, is_first, drop, take = (0x20, 0, 0, 0xFFFFF008), (0x15, 0, 1, 1), (0x06, 0, 0, 0), (0x06, 0, 0, 0x40000)
    program = b"".join(struct.pack("HBBI", *step) for step in (load_link, is_first, drop, take))
    steps = ctypes.create_string_buffer(program)
    wire.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HP", 4, ctypes.addressof(steps)))
    while select.select([wire], [], [], 0)[0]:
        wire.recv(65536)


def frames(wire: socket.socket) -> Iterator[bytes]:
    """Everything that passed so far; the first half second of silence ends it."""
    end = time.monotonic() + 5
    with contextlib.suppress(TimeoutError):
        while time.monotonic() < end:
            yield wire.recv(65536)


def test_killed_component_comes_back(node: Cluster) -> None:
    """After kill -9 of the API server up finds it running again, with the same node around it."""
    holder, killed = node.holder(), node.pid_of("kube-apiserver")
    os.kill(killed, signal.SIGKILL)
    node.do("cluster/up")
    assert node.holder() == holder
    assert node.pid_of("kube-apiserver") != killed


def test_pair_of_nodes_runs_beside_the_first_copy_and_leaves_nothing(node: Cluster) -> None:
    """Two copies are Ready at once on addresses of their own; down of the one leaves no trace and the other alone.

    Its two nodes are one network: pods of each find those of the other by name, and their volumes stay where they are.
    """
    with cluster("test-second") as second:
        before = traces(second)
        second.do("cluster/up", "--nodes", "2")
        second.with_pair()
        assert second.in_pod("wget -qO- http://far.default.svc.cluster.local", "near") == "far\n"
        assert second.in_pod("wget -qO- http://near.default.svc.cluster.local", "far") == "near\n"
        proxied = "/api/v1/namespaces/default/services/far:80/proxy/"
        assert second.kubectl("get", "--raw", proxied) == "far\n"
        service = second.kubectl("get", "service", "far", "-o", "jsonpath={.spec.clusterIP}")
        with urllib.request.urlopen(f"http://{service}", timeout=5) as answer:
            assert answer.read() == b"far\n"
        assert '"test-second-2"' in second.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.nodeAffinity}")
        assert second.run("cluster/up", "--nodes", "1").stderr == (
            'up: the cluster "test-second" was made with --nodes 2; run cluster/down first, or leave --nodes away\n'
        )
        during = traces(second)
        assert "tb-" in "".join(own_share(before, during)["links"])
        assert own_share(before, during).keys() >= {"links", "routes", "cgroups", "processes"}
        address = re.compile(r"node ([\d.]+)")
        assert address.findall(second.do("cluster/status")) != address.findall(node.do("cluster/status"))
        second.do("cluster/down")
        left = own_share(before, traces(second))
        ours = {what: {line for line in lines if line in during[what]} for what, lines in left.items()}
        assert {what: lines for what, lines in ours.items() if lines} == {}
        assert not second.state.exists()
    node.do("cluster/status", "--quiet")


def test_killed_node_comes_back_with_its_pods_and_volumes(node: Cluster) -> None:
    """After kill -9 of the holder everything is gone; up starts the node again with the same pod and its data."""
    node.in_pod("echo kept >/data/kept")
    os.kill(node.holder(), signal.SIGKILL)
    assert node.run("cluster/status").returncode == 1
    node.do("cluster/up")
    node.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
    restarted = "jsonpath={.status.containerStatuses[0].restartCount}"
    deadline = time.monotonic() + 60
    while node.kubectl("get", "pod", "probe", "-o", restarted) == "0":
        assert time.monotonic() < deadline, "the kubelet never saw that the container had died"
    assert node.in_pod("cat /data/kept").strip() == "kept"


def test_interrupted_up_is_finished_by_the_next() -> None:
    """An up killed in the middle leaves a node that the next up brings to Ready, and that down removes."""
    with cluster("test-interrupted") as copy:
        environment = {**os.environ, "CLUSTER": "own", "CLUSTER_NAME": copy.name, "CLUSTER_STATE": str(copy.state)}
        first = subprocess.Popen(["cluster/up"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (copy.state / "log" / "kube-apiserver.log").exists():
            assert time.monotonic() < deadline, "up never started the API server"
        first.kill()
        first.wait()
        copy.do("cluster/up")
        copy.do("cluster/status", "--quiet")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("cluster/up", "now"), 'up: unknown argument "now"\nusage: cluster/up [--nodes 1|2]\n'),
        (("cluster/up", "--nodes", "3"), 'up: --nodes is "3"; it takes 1 or 2\nusage: cluster/up [--nodes 1|2]\n'),
        (("cluster/down", "--all"), 'down: unknown argument "--all"\nusage: cluster/down [--keep]\n'),
        (("cluster/tool", "docker"), 'tool: "docker" is no tool of this folder; there are '),
        (("cluster/load",), "load: the name of an image is missing\nusage: cluster/load IMAGE..."),
        (
            ("cluster/load", "localhost/nothing:1"),
            'there is no image "localhost/nothing:1"; build it with images/build',
        ),
        (("images/build", "web"), 'build: there is no image "web"\nusage: images/build '),
    ],
)
def test_wrong_words_are_answered_with_a_sentence(node: Cluster, command: tuple[str, ...], words: str) -> None:
    """A wrong argument names itself and what would be right."""
    done = node.run(*command)
    assert done.returncode != 0
    assert words in done.stderr


def test_unknown_kind_of_cluster_is_refused(node: Cluster) -> None:
    """CLUSTER takes two values, and the sentence says which."""
    done = node.run("cluster/up", CLUSTER="mine")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert 'CLUSTER is "mine"; leave it empty' in done.stderr


def test_own_cluster_of_the_caller_is_never_touched(node: Cluster) -> None:
    """With CLUSTER=current up only looks, load only explains, and down leaves everything as it is."""
    holder, theirs = node.holder(), str(node.state / "kubeconfig")
    for command in (("cluster/up",), ("cluster/load", "localhost/busybox:1"), ("cluster/down",)):
        assert node.run(*command, CLUSTER="current", KUBECONFIG=theirs).returncode == 0
    assert node.holder() == holder
    node.do("cluster/status", "--quiet")
