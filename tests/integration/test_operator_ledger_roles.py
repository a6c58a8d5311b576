"""The roles of a ledger on a real server: made once, kept as the Secret says, refused without the rights to fence."""

import base64
import hashlib
import hmac
import itertools

import psycopg
import pytest

import postgres
from tradingbot_operator.domain.address import Address, parse
from tradingbot_operator.domain.lease import LedgerAway
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.ledger import fence, roles
from tradingbot_operator.ledger.session import Session, connect

WORDS = {"blue": "blue word", "green": "green%word", "task": "task@word"}
IDS = (f"aaaaa{digit}" for digit in itertools.chain("0123456789", "bcdefghijk"))


@pytest.fixture(scope="module", params=[15, 17])
def server(request):
    with postgres.server(request.param) as running:
        yield running


@pytest.fixture
def ledger():
    return next(IDS)


def super_sql(server, statement, *values):
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def fencer(server, ledger):
    """A login with every right a fencer needs."""
    name = f"fencer_{ledger}"
    super_sql(server, f"CREATE ROLE {name} LOGIN CREATEROLE")
    super_sql(server, f"GRANT pg_signal_backend TO {name}")
    return parse(server.url("postgres", name))


async def kept(address: Address, ledger, words):
    session = Session(address)
    try:
        return await roles.keep(session, ledger, words)
    finally:
        await session.close()


def facts(server, ledger):
    """What the server stores of the three roles."""
    return super_sql(
        server,
        "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolpassword, setconfig"
        " FROM pg_authid LEFT JOIN pg_db_role_setting ON setrole = pg_authid.oid"
        " WHERE rolname LIKE %s ORDER BY rolname",
        f"tb_{ledger}_%",
    )


@pytest.mark.asyncio
async def test_roles_are_made_once_and_left_alone_afterwards(server, fencer, ledger):
    """The first pass makes three roles that may log in and nothing more; the second writes nothing."""
    assert await kept(fencer, ledger, WORDS) is True
    made = facts(server, ledger)
    assert [row[:4] for row in made] == [
        (f"tb_{ledger}_{login}", True, False, False) for login in ("blue", "green", "task")
    ]
    assert all(row[4].startswith("SCRAM-SHA-256$") for row in made)
    assert "idle_in_transaction_session_timeout=1s" in made[0][5]
    assert await kept(fencer, ledger, WORDS) is False
    assert facts(server, ledger) == made


@pytest.mark.asyncio
async def test_a_new_password_is_set_and_the_login_is_not(server, fencer, ledger):
    """A Secret that was made anew gives its password to its role; a role that is shut out stays shut out."""
    await kept(fencer, ledger, WORDS)
    before = facts(server, ledger)
    super_sql(server, f"ALTER ROLE tb_{ledger}_blue NOLOGIN")
    assert await kept(fencer, ledger, {**WORDS, "blue": "another"}) is True
    after = facts(server, ledger)
    assert after[0][1] is False
    assert after[0][4] != before[0][4]
    assert after[1:] == before[1:]
    assert await kept(fencer, ledger, {**WORDS, "blue": "another"}) is False


@pytest.mark.asyncio
async def test_the_password_is_the_one_of_the_secret(server, fencer, ledger):
    """What the server stores was made of the very password that the bot's address carries."""
    await kept(fencer, ledger, WORDS)
    connection = await connect(fencer)
    stored = facts(server, ledger)[1][4]
    salted, iterations = stored.split("$")[1].split(":")[1], stored.split("$")[1].split(":")[0]
    connection.pgconn.finish()
    assert scram(WORDS["green"], salted, int(iterations)) == stored


def scram(password, salt, iterations):
    """RFC 5802: what a server keeps of a password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), iterations)

    def keyed(name):
        return hmac.new(salted, name, hashlib.sha256).digest()

    stored = base64.b64encode(hashlib.sha256(keyed(b"Client Key")).digest()).decode()
    return f"SCRAM-SHA-256${iterations}:{salt}${stored}:{base64.b64encode(keyed(b'Server Key')).decode()}"


@pytest.mark.asyncio
async def test_a_role_made_by_hand_is_taken_over(server, fencer, ledger):
    """A role that somebody made by hand is taken over as if it had been made here."""
    super_sql(server, f"CREATE ROLE tb_{ledger}_green")
    if version(server) >= 160000:
        super_sql(server, f"GRANT tb_{ledger}_green TO fencer_{ledger} WITH ADMIN OPTION")
    assert await kept(fencer, ledger, WORDS) is True
    assert [row[0].rpartition("_")[2] for row in facts(server, ledger)] == ["blue", "green", "task"]
    assert [row[1] for row in facts(server, ledger)] == [True, True, True]


def version(server):
    return int(super_sql(server, "SHOW server_version_num")[0][0])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        (
            "ALTER ROLE {} NOCREATEROLE",
            "spec.database.postgres.fencerSecretRef: role '{}' lacks CREATEROLE; run: ALTER ROLE \"{}\" CREATEROLE",
        ),
        (
            "REVOKE pg_signal_backend FROM {}",
            "spec.database.postgres.fencerSecretRef: role '{}' lacks pg_signal_backend;"
            ' run: GRANT pg_signal_backend TO "{}"',
        ),
    ],
)
async def test_a_fencer_without_its_rights_is_refused(server, fencer, ledger, taken, sentence):
    """Each lacking right is one sentence with the statement that gives it, and no role is made."""
    super_sql(server, taken.format(fencer.role))
    answer = await kept(fencer, ledger, WORDS)
    assert answer == Keep("FencerRightsMissing", sentence.format(fencer.role, fencer.role), 30.0)
    assert facts(server, ledger) == []


@pytest.mark.asyncio
async def test_a_role_of_somebody_else_needs_admin_option(server, fencer, ledger):
    """From version 16 on CREATEROLE alone changes no role that another one made; before, it does."""
    super_sql(server, f"CREATE ROLE tb_{ledger}_green")
    answer = await kept(fencer, ledger, WORDS)
    if version(server) < 160000:
        assert answer is True
        return
    assert answer.message == (
        f"spec.database.postgres.fencerSecretRef: role '{fencer.role}' lacks ADMIN OPTION on role 'tb_{ledger}_green';"
        f' run: GRANT tb_{ledger}_green TO "{fencer.role}" WITH ADMIN OPTION'
    )


@pytest.mark.asyncio
async def test_a_superuser_is_no_role_of_a_bot(server, fencer, ledger):
    """Nobody but a superuser could shut it out."""
    super_sql(server, f"CREATE ROLE tb_{ledger}_blue SUPERUSER")
    answer = await kept(fencer, ledger, WORDS)
    assert answer.reason == "FencerRightsMissing"
    assert f"role 'tb_{ledger}_blue' is a superuser" in answer.message


@pytest.mark.asyncio
async def test_a_role_made_by_the_fencer_can_be_fenced_by_it(server, fencer, ledger):
    """The rights that were checked are the ones a fence needs: NOLOGIN, and an end to its sessions."""
    await kept(fencer, ledger, WORDS)
    session = psycopg.connect(server.url("postgres", f"tb_{ledger}_blue"))
    connection = await connect(fencer)
    await connection.execute(f"ALTER ROLE tb_{ledger}_blue NOLOGIN")
    await fence.end_sessions(connection, f"tb_{ledger}_blue")
    connection.pgconn.finish()
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()


@pytest.mark.asyncio
async def test_a_fencer_that_cannot_log_in_is_away(server, ledger):
    """A role that does not exist is a server that cannot be used, not a right that lacks."""
    with pytest.raises(LedgerAway, match="role 'nobody_here'"):
        await kept(parse(server.url("postgres", "nobody_here")), ledger, WORDS)
