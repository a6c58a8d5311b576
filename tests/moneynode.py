"""The site of ``onenode`` with a PostgreSQL beside it and an operator that may let a bot trade with money."""

import base64
import contextlib
import json
import os
import pathlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

import applied
import onenode
import operators
import postgres
from onenode import BIN, CORE, NAMESPACE, Node, Running, Site

Json = dict[str, Any]
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
TIME = "2026-11-21T14:00:00Z"
# The strategy holds what it bought: it sells at 100, which no index of strength reaches.
HOLDING = {"name": "rsi", "timeframe": "1m", "parameters": {"period": "20", "lower": "99.9", "upper": "100"}}


@dataclass
class LedgerNode(Node):
    """Also runs the Jobs that prepare a ledger, and mounts each colour's login to it."""

    prepared: set[str] = field(default_factory=set)

    def _look(self) -> None:
        super()._look()
        for job in self._items(JOBS):
            name = job["metadata"]["name"]
            if any(f"-{word}-" in name for word in ("migrate", "train", "refresh")) and name not in self.prepared:
                self.prepared.add(name)
                self._work(job)

    def _work(self, job: Json) -> None:
        """As the kubelet and the Job's controller would: the real command with what the Job mounts."""
        name, pod = job["metadata"]["name"], job["spec"]["template"]["spec"]
        folder, volumes = self.folder / name, {each["name"]: each for each in pod["volumes"]}
        config = operators.found(self.server, f"{CORE}/configmaps/{volumes['settings']['configMap']['name']}")
        (folder / "data").mkdir(parents=True)
        rendered = json.loads(config["data"]["settings.json"])
        rendered["paths"] = {"data": f"{folder}/data", "secrets": f"{folder}/secrets"}
        (folder / "settings.json").write_text(json.dumps(rendered))
        if "recordings" in volumes:
            claim = self.folder / volumes["recordings"]["persistentVolumeClaim"]["claimName"]
            claim.mkdir(exist_ok=True)
            (folder / "data/cache").symlink_to(claim)
        if "database" in volumes:
            self._login(volumes["database"]["secret"], folder)
        if "owner" in volumes:
            self._copied(volumes["owner"]["secret"]["secretName"], folder / "secrets/owner")
        command = [str(BIN / "atb"), *pod["containers"][0]["command"][1:]]
        environment = {"PATH": os.environ["PATH"], "TRADINGBOT_SETTINGS": f"{folder}/settings.json"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr}")
        self._leave_word(name, job["spec"]["template"], done.stdout)
        kinds = ("SuccessCriteriaMet", "Complete")
        said = [{"type": kind, "status": "True", "reason": "Test", "lastTransitionTime": TIME} for kind in kinds]
        status = {"startTime": TIME, "completionTime": TIME, "succeeded": 1, "conditions": said}
        self.server.request("PATCH", f"{JOBS}/{name}/status", {"status": status}, operators.MERGE)

    def _leave_word(self, name: str, template: Json, word: str) -> None:
        """The pod of a Job that ended well, with what the container left behind."""
        labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
        spec = {**template["spec"], "automountServiceAccountToken": False}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        code, answer = self.server.request("POST", f"{CORE}/pods", body)
        assert code == 201, answer
        container = {"name": spec["containers"][0]["name"], "image": "bot", "imageID": "", "ready": False}
        container |= {"restartCount": 0, "state": {"terminated": {"exitCode": 0, "message": word.strip()}}}
        operators.pod_status(self.server, name, {"phase": "Succeeded", "containerStatuses": [container]})

    def _mounted(self, deployment: str, made: Json, address: str) -> Running:
        pod = super()._mounted(deployment, made, address)
        volumes = {each["name"]: each for each in made["spec"]["volumes"]}
        if "database" in volumes:
            self._login(volumes["database"]["secret"], pod.folder)
        return pod

    def _login(self, source: Json, folder: pathlib.Path) -> None:
        """The one key that is mounted of the Secret with all logins."""
        data = (operators.found(self.server, f"{CORE}/secrets/{source['secretName']}") or {})["data"]
        place = folder / "secrets/database"
        place.mkdir(parents=True, exist_ok=True)
        (place / "url").write_bytes(base64.b64decode(data[source["items"][0]["key"]]))


@contextlib.contextmanager
def site(
    folder: pathlib.Path, speed: str = "240", kinds: tuple[Json, ...] = ()
) -> Iterator[tuple[Site, postgres.Server]]:
    """All parts run while the block does, and none afterwards; the cluster knows *kinds* too."""
    with (
        onenode.own_network(),
        postgres.server() as database,
        operators.prepared(folder) as server,
        onenode.simulator(folder, speed) as venue,
        operators.operator(server, folder) as operator,
    ):
        for each in kinds:
            assert applied.apply(server, each)[0] == 201
        operator.start(bot_http_port="8000", allow_live="true")
        node = LedgerNode(server, folder)
        node.start()
        try:
            yield Site(server, operator, node, venue), database
        finally:
            node.close()


def owned(at: Site, database: postgres.Server, name: str) -> Json:
    """``spec.database`` of a bot with a database of its own, whose owner and fencer have logins in Secrets."""
    owner, fencer = f"owner_{name}", f"fencer_{name}"
    with psycopg.connect(database.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {owner} LOGIN")
        connection.execute(f"CREATE ROLE {fencer} LOGIN CREATEROLE")
        connection.execute(f"GRANT pg_signal_backend TO {fencer}")
        connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
    refs = {}
    for word, role in (("owner", owner), ("fencer", fencer)):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-{word}"}}
        body["stringData"] = {"url": database.url(name, role)}
        assert at.server.request("POST", f"{CORE}/secrets", body)[0] == 201
        refs[f"{word}SecretRef"] = {"name": f"{name}-{word}"}
    return {"mode": "postgres", "postgres": refs}


def live(at: Site, database: Json) -> Json:
    """A live bot that trades often at the simulator, with limits that stop nothing."""
    made = onenode.spec(at.venue)
    exchange = {key: value for key, value in made["exchange"].items() if key != "sandbox"}
    limits = {**made["risk"], "maxOrderNotional": "1000", "maxPositionNotional": "2000"}
    said = {"acknowledgeLiveRisk": True}
    people = [{"name": "on-call", "email": "on-call@example.org"}]
    live = {"mode": "live", "exchange": exchange, "risk": limits, "safety": said, "contacts": people}
    return {**made, **live, "strategy": HOLDING, "database": database}
