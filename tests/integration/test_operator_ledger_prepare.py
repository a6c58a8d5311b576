"""A ledger on a person's server is prepared step by step: real API server, real PostgreSQL, the real ``atb``."""

import base64
import contextlib
import json
import os
import subprocess

import aiohttp
import psycopg
import pytest
import pytest_asyncio

import make_operator as make
import operators
import postgres
from bots import ATB
from operators import BOTS, create_bot, found
from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.api import connect
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.bot import parse
from tradingbot_operator.domain.errors import Outdated
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.ledger import Fresh, Prepared, Preparing
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.ledger.doors import Doors
from tradingbot_operator.prepare import Means, Wanted, door_of, prepare
from tradingbot_operator.render.revision import content

SPEC = {**make.MINIMAL, "database": make.LIVE["database"]}
NAMESPACE = "/api/v1/namespaces/trading"
JOBS = "/apis/batch/v1/namespaces/trading/jobs"
NAMES = iter(f"bot{number}" for number in range(100))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with operators.prepared(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture(scope="module")
def database():
    with postgres.server() as running:
        yield running


class World:
    """One bot with a database of its own, and an operator's means, which end and begin anew at will."""

    def __init__(self, server, database, name, folder):
        self.server, self.database, self.name, self.folder = server, database, name, folder
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
        refs = {f"{each}SecretRef": {"name": f"{self.name}-{each}"} for each in ("owner", "fencer")}
        create_bot(self.server, self.name, {**SPEC, "database": {"mode": "postgres", "postgres": refs}})

    def secret(self, name, data):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        code, answer = self.server.request("POST", f"{NAMESPACE}/secrets", body)
        assert code == 201, answer

    @property
    def bot(self):
        return parse(found(self.server, f"{BOTS.format('trading')}/{self.name}"))

    def fresh(self):
        return Fresh(next(self.minted), ("b", "g", "t"))

    @contextlib.asynccontextmanager
    async def operator(self):
        """The means of one operator's life."""
        api = await connect(str(self.server.kubeconfig))
        doors = Doors()
        async with aiohttp.ClientSession() as http:
            try:
                yield Means(Cluster(api, Memory(), False), doors, http, make.SITE, self.fresh)
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

    def job(self):
        own = [
            each
            for each in self.server.request("GET", JOBS)[1]["items"]
            if each["metadata"]["name"].startswith(f"{self.name}-migrate-")
        ]
        return own[0] if own else None

    def run_job(self):
        """As the kubelet and the Job's controller would: the real command with what the Job mounts."""
        job = self.job()
        pod = job["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        settings = found(self.server, f"{NAMESPACE}/configmaps/{volumes['settings']['configMap']['name']}")
        secret = found(self.server, f"{NAMESPACE}/secrets/{volumes['owner']['secret']['secretName']}")
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
        path = f"{JOBS}/{job['metadata']['name']}/status"
        code, answer = self.server.request("PATCH", path, {"status": status}, operators.MERGE)
        assert code == 200, answer

    def failed_pod(self, job, code, words):
        name = job["metadata"]["name"]
        template = job["spec"]["template"]
        labels = template["metadata"]["labels"]
        spec = {**template["spec"], "automountServiceAccountToken": False}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        assert self.server.request("POST", f"{NAMESPACE}/pods", body)[0] == 201
        ended = {"exitCode": code, "message": words, "finishedAt": "2026-11-21T14:00:00Z"}
        container = {"name": "migrate", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
        operators.pod_status(
            self.server, name, {"phase": "Failed", "containerStatuses": [{**container, "state": {"terminated": ended}}]}
        )


@pytest_asyncio.fixture
async def world(server, database, tmp_path):
    made = World(server, database, next(NAMES), tmp_path)
    made.establish()
    return made


@pytest.mark.asyncio
async def test_a_ledger_is_prepared_one_step_a_pass(world):
    """Id, passwords, roles, Job, and only then Prepared; afterwards nothing is done again."""
    async with world.operator() as means:
        ledger = f"{world.name[-1]}azzzz"
        assert await world.step(means) == "a ledger id was minted; everything that follows carries it"
        assert world.bot.status["ledgerId"] == ledger
        again = "LedgerPreparing"
        assert await world.step(means) == Preparing(again, "the logins of the ledger are made", 0.0)
        assert await world.step(means) == Preparing(again, "the roles of the ledger are made", 0.0)
        made = await world.step(means)
        name = world.job()["metadata"]["name"]
        assert made == Preparing(again, f"Job {name} brings the ledger to its schema", 1.0)
        assert await world.step(means) == made
        code, said = world.run_job()
        assert code == 0, said
        assert await world.step(means) == Prepared(ledger)
        assert await world.step(means) == Prepared(ledger)
        door = await door_of(world.bot, world.bot.spec, make.observed(), means)
        row = await door.row()
        assert (row.ledger_id, row.epoch, row.holder, row.can_login) == (ledger, 0, f"tb_{ledger}_blue", True)
        assert await door.fence(0)
        assert not (await door.row()).can_login


@pytest.mark.asyncio
async def test_each_step_is_done_by_an_operator_of_its_own(world):
    """An operator that ends after every step leaves all that the next one needs; nothing is made twice."""
    results = []
    for _ in range(8):
        async with world.operator() as means:
            results.append(await world.step(means))
        if isinstance(results[-1], Preparing) and "Job" in results[-1].message:
            break
    assert len(results) == 4
    secret = found(world.server, f"{NAMESPACE}/secrets/{world.name}-ledger")
    assert world.run_job()[0] == 0
    async with world.operator() as means:
        assert isinstance(await world.step(means), Prepared)
    assert found(world.server, f"{NAMESPACE}/secrets/{world.name}-ledger") == secret
    roles = world.sql(f"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tb_{world.bot.status['ledgerId']}_%'")
    assert roles == [(3,)]


async def prepared(world, means):
    for _ in range(4):
        await world.step(means)
    code, said = world.run_job()
    assert code == 0, said
    answer = await world.step(means)
    assert isinstance(answer, Prepared), answer


@pytest.mark.asyncio
async def test_a_revision_that_has_served_needs_no_job(world):
    """Its schema is there: a bot that comes back starts at once, though the Job was cleaned up long ago."""
    async with world.operator() as means:
        await prepared(world, means)
        options = {"propagationPolicy": "Background"}
        path = f"{JOBS}/{world.job()['metadata']['name']}"
        assert world.server.request("DELETE", path, options)[0] == 200
        assert isinstance(await world.step(means, served=True), Prepared)
        assert world.job() is None
        assert "brings the ledger to its schema" in (await world.step(means)).message
        assert world.run_job()[0] == 0


@pytest.mark.asyncio
async def test_the_logins_of_the_secret_are_those_of_the_roles(world):
    """The bot's own address leads into the ledger, with the rights of a colour and no more."""
    async with world.operator() as means:
        await prepared(world, means)
    secret = found(world.server, f"{NAMESPACE}/secrets/{world.name}-ledger")["data"]
    with psycopg.connect(base64.b64decode(secret["blue"]).decode()) as colour:
        claimed, refusal = colour.execute("SELECT * FROM tb_claim('pod-1/a', 'r1')").fetchone()
        assert (claimed, refusal) == (1, None)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            colour.execute("UPDATE lease SET epoch = 9")


@pytest.mark.asyncio
async def test_missing_secrets_are_named_and_nothing_is_made(world):
    """Owner first, then fencer; when both are there the preparation goes on by itself."""
    async with world.operator() as means:
        for secret, field in (("fencer", "fencerSecretRef"), ("owner", "ownerSecretRef")):
            assert world.server.request("DELETE", f"{NAMESPACE}/secrets/{world.name}-{secret}")[0] == 200
            answer = await world.step(means)
            assert isinstance(answer, Keep)
            assert answer.reason == "DatabaseSecretMissing"
            assert f"spec.database.postgres.{field}: Secret '{world.name}-{secret}' does not exist" in answer.message
        assert "ledgerId" not in world.bot.status
        for secret, role in (("owner", world.owner), ("fencer", world.fencer)):
            world.secret(f"{world.name}-{secret}", {"url": world.database.url(world.name, role)})
        assert "minted" in await world.step(means)


@pytest.mark.asyncio
async def test_a_fencer_without_rights_is_told_before_anything_runs(world):
    """The roles and the Job wait until the person has granted what the sentence names."""
    world.sql(f"ALTER ROLE {world.fencer} NOCREATEROLE")
    async with world.operator() as means:
        await world.step(means)
        await world.step(means)
        answer = await world.step(means)
        assert answer.reason == "FencerRightsMissing"
        assert f"role '{world.fencer}' lacks CREATEROLE" in answer.message
        assert world.job() is None
        world.sql(f"ALTER ROLE {world.fencer} CREATEROLE")
        assert (await world.step(means)).message == "the roles of the ledger are made"


@pytest.mark.asyncio
async def test_a_database_of_another_bot_is_left_alone(world, server, database, tmp_path):
    """A second bot with the same database is refused before a role or a Job is made for it."""
    async with world.operator() as means:
        await prepared(world, means)
    other = World(server, database, next(NAMES), tmp_path)
    other.establish()
    for secret, role in (("owner", world.owner), ("fencer", world.fencer)):
        assert server.request("DELETE", f"{NAMESPACE}/secrets/{other.name}-{secret}")[0] == 200
        other.secret(f"{other.name}-{secret}", {"url": database.url(world.name, role)})
    async with other.operator() as means:
        await other.step(means)
        await other.step(means)
        answer = await other.step(means)
    assert answer.reason == "LedgerClaimed"
    assert f"of TradingBot trading/{world.name}" in answer.message
    assert other.job() is None
    assert other.sql(f"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tb_{other.name[-1]}azzzz%'") == [(0,)]


@pytest.mark.asyncio
async def test_a_refused_migration_is_told_in_its_own_words(world):
    """Exit 78: the sentence of the Job's pod is the message, and the pod of the bot does not start."""
    async with world.operator() as means:
        for _ in range(4):
            await world.step(means)
        world.end_job(world.job(), 78, "schema 0003 shuts out the active colour; let it go first")
        answer = await world.step(means)
    assert answer == Keep("MigrationRefused", "schema 0003 shuts out the active colour; let it go first", 10.0)


@pytest.mark.asyncio
async def test_a_server_that_is_away_is_not_a_server_without_rights(world):
    """Nothing is known of it, so nothing is made and nothing is said to lack."""
    async with world.operator() as means:
        await world.step(means)
        await world.step(means)
        world.sql(f"ALTER ROLE {world.fencer} NOLOGIN")
        with pytest.raises(LedgerAway, match=f"as role '{world.fencer}'"):
            await world.step(means)
        with pytest.raises(LedgerAway):
            await (await door_of(world.bot, world.bot.spec, make.observed(), means)).row()
        world.sql(f"ALTER ROLE {world.fencer} LOGIN")
        assert (await world.step(means)).message == "the roles of the ledger are made"
