"""A ledger on a real PostgreSQL as an operator meets it: an owner, a fencer, and whoever plays the bots."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

import postgres
from tradingbot_operator.domain.address import Address, parse

LEDGER = "q3v9zk"
BLUE, GREEN = f"tb_{LEDGER}_blue", f"tb_{LEDGER}_green"
NUMBERS = itertools.count()
PASSWORDS = {"blue": "blue-word", "green": "green-word", "task": "task-word"}
OWNER = "bots_owner"
FENCER = "bots_fencer"
READ = ("lease", "lease_history", "heartbeats", "holds", "schema_compat", "ledger", "alembic_version")
FENCER_CALLS = ("tb_order", "tb_fence", "tb_grant", "tb_hold", "tb_guard_ms")
BOT_CALLS = ("tb_claim", "tb_release", "tb_retire", "tb_bind", "tb_guard_ms")


@dataclass(frozen=True)
class Place:
    """One database with a migrated ledger, and logins to it."""

    server: postgres.Server
    database: str

    def url(self, role: str) -> str:
        return self.server.url(self.database, role)

    @property
    def fencer(self) -> Address:
        address = parse(self.url(FENCER))
        assert address is not None
        return address

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As a superuser, past everything."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def connect(self, role: str, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(role), **options)

    def can_login(self, role: str) -> bool:
        return bool(self.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", role)[0][0])

    def beat(self, instance: str, role: str = "standby", silent_ms: int = 0) -> None:
        """That process was heard of *silent_ms* ago."""
        self.sql(
            "INSERT INTO heartbeats VALUES (%s, %s, clock_timestamp() - %s * interval '1 ms', now())"
            " ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at, role = excluded.role",
            instance,
            role,
            silent_ms,
        )

    def trader(self, instance: str = "pod-1/a", revision: str = "r1") -> int:
        """The epoch that the blue role claims as *instance*."""
        with self.connect(BLUE, autocommit=True) as connection:
            claimed, refusal = connection.execute("SELECT * FROM tb_claim(%s, %s)", (instance, revision)).fetchone()
        assert refusal is None, refusal
        self.beat(instance, "trader")
        return int(claimed)


def establish(server: postgres.Server, migrate: Any) -> None:
    """The roles of a person's server, and a template with a ledger that nobody has traded on."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in (OWNER, FENCER, BLUE, GREEN, f"tb_{LEDGER}_task"):
            connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER ROLE {FENCER} CREATEROLE")
        connection.execute(f"GRANT pg_signal_backend TO {FENCER}")
        if connection.info.server_version >= 160000:
            for name in (BLUE, GREEN, f"tb_{LEDGER}_task"):
                connection.execute(f"GRANT {name} TO {FENCER} WITH ADMIN OPTION")
    server.create("ledger_template")
    with psycopg.connect(server.url("ledger_template"), autocommit=True) as connection:
        connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
    migrate(server.url("ledger_template", OWNER))
    with psycopg.connect(server.url("ledger_template", OWNER), autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO ledger VALUES (1, '{LEDGER}', 'c', 'trading', 'btc', 'paper', 'binance', '', now())"
        )
        row = f"VALUES ('{LEDGER}', 0, '{BLUE}', 'r1')"
        connection.execute(f"INSERT INTO lease (ledger_id, epoch, holder, revision) {row}")
        colours = f"{BLUE}, {GREEN}"
        for name, calls in ((FENCER, FENCER_CALLS), (colours, BOT_CALLS)):
            for signature in _signatures(connection, calls):
                connection.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {name}")
        connection.execute(f"GRANT SELECT ON {', '.join(READ)} TO {FENCER}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {colours}")
        connection.execute(f"GRANT INSERT, UPDATE ON intents, outcomes, heartbeats TO {colours}")


def _signatures(connection: psycopg.Connection[Any], names: tuple[str, ...]) -> list[str]:
    found = connection.execute("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = ANY (%s)", (list(names),))
    return [row[0] for row in found.fetchall()]


@contextmanager
def running(migrate: Any, version: int = 15) -> Iterator[postgres.Server]:
    with postgres.server(version) as server:
        establish(server, migrate)
        yield server


def place(server: postgres.Server) -> Place:
    """A fresh copy; its roles may log in."""
    name = f"ledger_{next(NUMBERS)}"
    server.create(name, "ledger_template")
    made = Place(server, name)
    for role in (BLUE, GREEN):
        made.sql(f"ALTER ROLE {role} LOGIN")
    return made
