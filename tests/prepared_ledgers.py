"""A bot with a database of its own on a person's server: what the person made, and who plays the node."""

import base64
import contextlib
import json
import os
import subprocess

import aiohttp
import psycopg

import make_operator as make
import operators
from bots import ATB
from operators import BOTS, create_bot, found
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.api import connect
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.ledger import Fresh
from tradingbot_operator.ledger.doors import Doors
from tradingbot_operator.prepare import Means, Wanted, prepare
from tradingbot_operator.render.revision import content

SPEC = {**make.MINIMAL, "database": make.LIVE["database"]}
NAMESPACE = "/api/v1/namespaces/{}"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"


class World:
    """One bot with a database of its own, and an operator's means, which end and begin anew at will."""

    def __init__(self, server, database, name, folder, namespace="trading"):
        self.server, self.database, self.name, self.folder = server, database, name, folder
        self.namespace, self.core, self.jobs = namespace, NAMESPACE.format(namespace), JOBS.format(namespace)
        self.owner, self.fencer = f"owner_{name}", f"fencer_{name}"
        self.minted = iter(f"{name[-1]}{letter}zzzz" for letter in "abcdefgh")

    def sql(self, statement, database="postgres"):
        with psycopg.connect(self.database.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def establish(self):
        self.sql(f"CREATE ROLE {self.owner} LOGIN")
        self.sql(f"CREATE ROLE {self.fencer} LOGIN CREATEROLE")
        self.sql(f"GRANT pg_signal_backend TO {self.fencer}")
        self.sql(f"CREATE DATABASE {self.name} OWNER {self.owner}")
        self.sql(f"ALTER SCHEMA public OWNER TO {self.owner}", self.name)
        for secret, role in (("owner", self.owner), ("fencer", self.fencer)):
            self.secret(f"{self.name}-{secret}", {"url": self.database.url(self.name, role)})
        self.create_bot(self.name)

    def create_bot(self, secrets):
        """The TradingBot, on the database that the Secrets of bot *secrets* lead to."""
        refs = {f"{each}SecretRef": {"name": f"{secrets}-{each}"} for each in ("owner", "fencer")}
        create_bot(self.server, self.name, {**SPEC, "database": {"mode": "postgres", "postgres": refs}}, self.namespace)

    def annotate(self, **notes):
        path = f"{BOTS.format(self.namespace)}/{self.name}"
        body = {"metadata": {"annotations": {f"tradingbot.io/{key.replace('_', '-')}": notes[key] for key in notes}}}
        assert self.server.request("PATCH", path, body, operators.MERGE)[0] == 200

    def secret(self, name, data):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        code, answer = self.server.request("POST", f"{self.core}/secrets", body)
        assert code == 201, answer

    @property
    def bot(self):
        return parse(found(self.server, f"{BOTS.format(self.namespace)}/{self.name}"))

    def fresh(self):
        return Fresh(next(self.minted), ("b", "g", "t"))

    @contextlib.asynccontextmanager
    async def operator(self):
        """The means of one operator's life."""
        api = await connect(str(self.server.kubeconfig))
        doors = Doors()
        async with aiohttp.ClientSession() as http:
            try:
                yield Means(Cluster(api, Memory(), ()), doors, http, make.SITE, self.fresh)
            finally:
                await doors.close()
                await api.aclose()

    async def step(self, means, served=False, code=None):
        bot = self.bot
        data = content(bot, bot.spec, make.SITE, "r1")
        try:
            return await prepare(bot, bot.spec, Wanted(data, served, code), means)
        except Outdated as outdated:
            return str(outdated)

    def job(self, verb="migrate"):
        own = [
            each
            for each in self.server.request("GET", self.jobs)[1]["items"]
            if each["metadata"]["name"].startswith(f"{self.name}-{verb}-")
        ]
        return own[0] if own else None

    def run_job(self, verb="migrate"):
        """As the kubelet and the Job's controller would: the real command with what the Job mounts."""
        job = self.job(verb)
        pod = job["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        settings = found(self.server, f"{self.core}/configmaps/{volumes['settings']['configMap']['name']}")
        secret = found(self.server, f"{self.core}/secrets/{volumes['owner']['secret']['secretName']}")
        (self.folder / "secrets/owner").mkdir(parents=True, exist_ok=True)
        (self.folder / "secrets/owner/url").write_bytes(base64.b64decode(secret["data"]["url"]))
        rendered = json.loads(settings["data"]["settings.json"])
        rendered["paths"] = {"data": str(self.folder), "secrets": str(self.folder / "secrets")}
        (self.folder / "settings.json").write_text(json.dumps(rendered))
        command = [ATB, *pod["containers"][0]["command"][1:]]
        environment = {"PATH": os.environ["PATH"], "TRADINGBOT_SETTINGS": str(self.folder / "settings.json")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.end_job(job, done.returncode, done.stderr.strip())
        return done.returncode, done.stderr

    def end_job(self, job, code, words):
        time = "2026-11-21T14:00:00Z"
        if code == 0:
            kinds, ended = ("SuccessCriteriaMet", "Complete"), {"succeeded": 1, "completionTime": time}
        else:
            kinds, ended = ("FailureTarget", "Failed"), {"failed": 1}
            self.failed_pod(job, code, words)
        conditions = [{"type": kind, "status": "True", "reason": "Test", "lastTransitionTime": time} for kind in kinds]
        status = {"startTime": time, "conditions": conditions, **ended}
        path = f"{self.jobs}/{job['metadata']['name']}/status"
        code, answer = self.server.request("PATCH", path, {"status": status}, operators.MERGE)
        assert code == 200, answer

    def failed_pod(self, job, code, words):
        name = job["metadata"]["name"]
        template = job["spec"]["template"]
        labels = template["metadata"]["labels"]
        spec = {**template["spec"], "automountServiceAccountToken": False}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        assert self.server.request("POST", f"{self.core}/pods", body)[0] == 201
        ended = {"exitCode": code, "message": words, "finishedAt": "2026-11-21T14:00:00Z"}
        container = {"name": "migrate", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
        status = {"phase": "Failed", "containerStatuses": [{**container, "state": {"terminated": ended}}]}
        operators.pod_status(self.server, name, status, self.namespace)
