"""The roles of one ledger: two colours and the task. Made with the fencer's login, and kept as the Secret says."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from tradingbot_operator.domain.ledger import LOGINS, role
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.ledger.fence import ALONE
from tradingbot_operator.ledger.session import Connected, Session

LOOK_AGAIN_SECONDS = 30.0
FIELD = "spec.database.postgres.fencerSecretRef"
# A process that stands still in a transaction, or whose node is gone, must not keep the lease row locked.
KEPT_SHORT = (
    ("idle_in_transaction_session_timeout", "1s"),
    ("tcp_keepalives_idle", "2s"),
    ("tcp_keepalives_interval", "1s"),
    ("tcp_keepalives_count", "3"),
)
# From version 16 on CREATEROLE alone changes no role: whoever makes one is given ADMIN OPTION on it.
RIGHTS = """
SELECT current_user, current_setting('server_version_num')::int >= 160000, r.rolsuper,
       r.rolsuper OR r.rolcreaterole, pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
  FROM pg_roles r WHERE r.rolname = current_user
"""
FOUND = """
SELECT r.rolname, coalesce(shobj_description(r.oid, 'pg_authid'), ''), r.rolsuper,
       EXISTS (SELECT FROM pg_auth_members m
                WHERE m.roleid = r.oid AND m.member = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                  AND m.admin_option)
  FROM pg_roles r WHERE r.rolname = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class Fencer:
    """What the fencer's role may do on its server."""

    name: str
    needs_admin: bool
    may_all: bool
    makes_roles: bool
    ends_sessions: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A role as the server knows it; *mark* is the operator's own note on it."""

    mark: str
    may_all: bool
    has_admin: bool


def mark(ledger_id: str, password: str) -> str:
    """The note on a role: it tells whether the role has the password of the Secret, and nothing about it."""
    return f"tradingbot ledger {ledger_id}, login {digest([ledger_id, password], 20)}"


def lacking(fencer: Fencer, found: Mapping[str, Found]) -> Keep | None:
    """The first right without which the fencer could not fence, in one sentence with the cure."""
    name = fencer.name
    if not fencer.makes_roles:
        return _lacks(f"role '{name}' lacks CREATEROLE; run: ALTER ROLE \"{name}\" CREATEROLE")
    if not fencer.ends_sessions:
        return _lacks(f"role '{name}' lacks pg_signal_backend; run: GRANT pg_signal_backend TO \"{name}\"")
    for other, each in found.items():
        if each.may_all:
            return _lacks(f"role '{other}' is a superuser, whom nobody can fence; run: ALTER ROLE {other} NOSUPERUSER")
        if fencer.needs_admin and not fencer.may_all and not each.has_admin:
            grant = f'GRANT {other} TO "{name}" WITH ADMIN OPTION'
            return _lacks(f"role '{name}' lacks ADMIN OPTION on role '{other}'; run: {grant}")
    return None


def _lacks(what: str) -> Keep:
    return Keep("FencerRightsMissing", f"{FIELD}: {what}", LOOK_AGAIN_SECONDS)


async def keep(session: Session, ledger_id: str, passwords: Mapping[str, str]) -> bool | Keep:
    """The roles exist with the passwords of the Secret, and were so already (False) or are so now (True).

    Whether a role of ours may log in is not touched: that is the fence.
    """
    async with session.use() as connection:
        found = await _found(connection, ledger_id)
        if refusal := lacking(await _fencer(connection), found):
            return refusal
        names = {role(ledger_id, login): passwords[login] for login in LOGINS}
        wrong = [name for name in names if name not in found or found[name].mark != mark(ledger_id, names[name])]
        if not wrong:
            return False
        async with connection.transaction():
            await connection.execute(ALONE, (ledger_id,))
            # What another operator made meanwhile is known only now.
            found = await _found(connection, ledger_id)
            for name in wrong:
                if name not in found:
                    await connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
                if name not in found or not found[name].mark:
                    await connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(name)))
                await _set(connection, name, names[name], mark(ledger_id, names[name]))
    return True


async def _set(connection: Connected, name: str, password: str, note: str) -> None:
    who = sql.Identifier(name)
    # The server gets what it stores, so that the password stands in no log and no statistics.
    stored = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    await connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(who, sql.Literal(stored)))
    for setting, value in KEPT_SHORT:
        await connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(who, sql.Identifier(setting), sql.Literal(value))
        )
    await connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(who, sql.Literal(note)))


async def _found(connection: Connected, ledger_id: str) -> dict[str, Found]:
    names = [role(ledger_id, login) for login in LOGINS]
    rows = await (await connection.execute(FOUND, (names,))).fetchall()
    return {name: Found(note, may_all, admin) for name, note, may_all, admin in rows}


async def _fencer(connection: Connected) -> Fencer:
    row = await (await connection.execute(RIGHTS)).fetchone()
    # A session without its own role: the role was dropped under it, and may nothing.
    return Fencer(*row) if row else Fencer("?", True, False, False, False)
