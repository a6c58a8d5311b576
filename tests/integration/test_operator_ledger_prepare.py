"""A ledger on a person's server is prepared step by step: real API server, real PostgreSQL, the real ``atb``."""

import base64

import psycopg
import pytest
import pytest_asyncio

import make_operator as make
import operators
import postgres
from operators import BOTS, MERGE, found
from prepared_ledgers import World
from tradingbot_operator.domain.lease import LedgerAway, LedgerMoved
from tradingbot_operator.domain.ledger import Prepared, Preparing
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.prepare import door_of

NAMES = iter(f"btc{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with operators.prepared(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture(scope="module")
def database():
    with postgres.server() as running:
        yield running


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
    secret = found(world.server, f"{world.core}/secrets/{world.name}-ledger")
    assert world.run_job()[0] == 0
    async with world.operator() as means:
        assert isinstance(await world.step(means), Prepared)
    assert found(world.server, f"{world.core}/secrets/{world.name}-ledger") == secret
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
        path = f"{world.jobs}/{world.job()['metadata']['name']}"
        assert world.server.request("DELETE", path, options)[0] == 200
        assert isinstance(await world.step(means, served=True), Prepared)
        assert world.job() is None
        assert "brings the ledger to its schema" in (await world.step(means)).message
        assert world.run_job()[0] == 0


@pytest.mark.asyncio
async def test_an_empty_database_gets_a_ledger_only_from_a_bot_that_never_traded(world):
    """Its schema is made though the revision has served elsewhere; a bot that has traded is told what lacks."""
    async with world.operator() as means:
        for _ in range(3):
            await world.step(means)
        assert "brings the ledger to its schema" in (await world.step(means, served=True)).message
        path = f"{BOTS.format('trading')}/{world.name}/status"
        code, _ = world.server.request("PATCH", path, {"status": {"highestEpoch": 7}}, MERGE)
        assert code == 200
        answer = await world.step(means, served=True)
        assert answer.reason == "LedgerMissing"
        assert "has traded under epoch 7" in answer.message


@pytest.mark.asyncio
async def test_the_logins_of_the_secret_are_those_of_the_roles(world):
    """The bot's own address leads into the ledger, with the rights of a colour and no more."""
    async with world.operator() as means:
        await prepared(world, means)
    secret = found(world.server, f"{world.core}/secrets/{world.name}-ledger")["data"]
    with psycopg.connect(base64.b64decode(secret["blue"]).decode()) as colour:
        claimed, refusal = colour.execute("SELECT * FROM tb_claim('pod-1/a', 'r1')").fetchone()
        assert (claimed, refusal) == (1, None)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            colour.execute("UPDATE lease SET epoch = 9")


@pytest.mark.asyncio
async def test_a_bot_that_was_made_anew_has_its_ledger_back_when_a_person_says_so(world):
    """Nothing is minted and nothing made before; afterwards it is prepared as it was, with new passwords."""
    async with world.operator() as means:
        await prepared(world, means)
        ledger = world.bot.status["ledgerId"]
        assert world.server.request("DELETE", f"{BOTS.format('trading')}/{world.name}")[0] == 200
        assert world.server.request("DELETE", f"{world.core}/secrets/{world.name}-ledger")[0] == 200
        world.create_bot(world.name)
    async with world.operator() as means:
        told = await world.step(means)
        assert (told.reason, f"tradingbot.io/adopt-ledger={ledger}" in told.message) == ("LedgerClaimed", True)
        assert "ledgerId" not in world.bot.status
        world.annotate(adopt_ledger=ledger)
        await world.step(means)
        assert world.bot.status["ledgerId"] == ledger
        assert (await world.step(means)).message == "the logins of the ledger are made"
        assert isinstance(await world.step(means, served=True), Prepared)


@pytest.mark.asyncio
async def test_a_ledger_moves_to_another_bot_once_nobody_trades_on_it(world, server, database, tmp_path):
    """The Job refuses while a process holds the epoch; when it has ended the ledger is the other bot's, and no more
    the first one's."""
    other = World(server, database, next(NAMES), tmp_path / "other")
    async with world.operator() as means:
        await prepared(world, means)
        ledger = world.bot.status["ledgerId"]
        world.sql("UPDATE lease SET epoch = 3, instance = 'pod-1/a', revision = 'r1', released_at = NULL", world.name)
        other.create_bot(world.name)
        other.annotate(adopt_ledger=ledger)
        for _ in range(2):
            await other.step(means)
        assert f"makes ledger {ledger} this bot's" in (await other.step(means)).message
        code, said = other.run_job("adopt")
        assert (code, "is traded on by pod-1/a under epoch 3" in said) == (78, True)
        told = await other.step(means)
        assert (told.reason, "suspend that bot, or fence it" in told.message) == ("LedgerClaimed", True)
        world.sql("UPDATE lease SET released_at = now()", world.name)
        path = f"{other.jobs}/{other.job('adopt')['metadata']['name']}"
        assert server.request("DELETE", path, {"propagationPolicy": "Background"})[0] == 200
        await other.step(means)
        assert other.run_job("adopt")[0] == 0
        await other.step(means)
        assert isinstance(await other.step(means, served=True), Prepared)
        assert (await world.step(means)).reason == "LedgerClaimed"


@pytest.mark.asyncio
async def test_a_copy_of_the_ledger_moves_nothing_until_a_person_says_so(world):
    """Its row is nobody's truth. Adopted, it is at an epoch above all that were given, and halted."""
    async with world.operator() as means:
        await prepared(world, means)
        ledger, path = world.bot.status["ledgerId"], f"{BOTS.format('trading')}/{world.name}/status"
        assert world.server.request("PATCH", path, {"status": {"highestEpoch": 7}}, MERGE)[0] == 200
        world.sql(f"COMMENT ON TABLE lease IS 'tradingbot ledger {ledger}, server 1, timeline 1'", world.name)
    async with world.operator() as means:
        told = await world.step(means, served=True)
        assert (told.reason, f"ledger {ledger}, server 1, timeline 1 is found on" in told.message) == (
            "LedgerMoved",
            True,
        )
        door = await door_of(world.bot, world.bot.spec, make.observed(), means)
        for attempt in (door.row, lambda: door.fence(0), lambda: door.admit(f"tb_{ledger}_blue")):
            with pytest.raises(LedgerMoved, match=r"server 1, timeline 1 is found on server [0-9]+, timeline 1"):
                await attempt()
        world.annotate(adopt_ledger=told.message.rpartition("=")[2])
        assert f"makes ledger {ledger} this bot's" in (await world.step(means, served=True)).message
        code, said = world.run_job("adopt")
        assert code == 0, said
        assert isinstance(await world.step(means, served=True), Prepared)
        row = await door.row()
        assert (row.epoch, row.instance) == (1007, None)
        assert world.sql("SELECT id FROM halts", world.name) == [("moved-1007",)]


@pytest.mark.asyncio
async def test_missing_secrets_are_named_and_nothing_is_made(world):
    """Owner first, then fencer; when both are there the preparation goes on by itself."""
    async with world.operator() as means:
        for secret, field in (("fencer", "fencerSecretRef"), ("owner", "ownerSecretRef")):
            assert world.server.request("DELETE", f"{world.core}/secrets/{world.name}-{secret}")[0] == 200
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
        assert server.request("DELETE", f"{world.core}/secrets/{other.name}-{secret}")[0] == 200
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
