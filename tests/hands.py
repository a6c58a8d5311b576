"""A ledger as all who share it meet it: two colours, the operator, and on PostgreSQL the roles they log in with."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

import postgres
from ledgers import BOOK, NOW, OWNER, Place, made_place
from tradingbot.domain.lease import Instance, Lease, Successor
from tradingbot.ledger import Book, SqlLedger, open_ledger
from tradingbot.ledger.door import LedgerDoor
from tradingbot.ledger.prepare import Wanted, prepare

LEDGER = "h0nd01"
FENCER = "hand_fencer"
OWNING = "hand_owner"
NAMES = count()
UNBOUND = Book(BOOK.mode, BOOK.venue, "")
REVISION = "0123456789abcdef0123"


@dataclass
class Hands:
    """*door* is the operator's; ``open`` gives a colour's ledger, logged in as its role."""

    place: Place
    server: postgres.Server | None
    database: str = ""
    opened: list[Any] = field(default_factory=list)

    @property
    def door(self) -> LedgerDoor:
        door = LedgerDoor(self.url(FENCER))
        self.opened.append(door)
        return door

    def url(self, role: str) -> str:
        return self.server.url(self.database, role) if self.server else self.place.url

    def holder(self, colour: str) -> str:
        return f"tb_{LEDGER}_{colour}" if self.server else colour

    def open(self, colour: str = "blue") -> SqlLedger:
        ledger = open_ledger(self.url(self.holder(colour)), OWNER, BOOK, colour, random.Random(7).randrange)
        self.opened.append(ledger)
        return ledger

    def successor(self, colour: str = "green", name: str = "pod-2/a") -> Successor:
        return Successor(self.holder(colour), name, REVISION)

    def close(self) -> None:
        for each in self.opened:
            each.close()
        self.place.close()


def who(colour: str = "blue", name: str = "pod-1/a") -> Instance:
    pod, _, start = name.partition("/")
    return Instance(colour, pod, start, REVISION)


def claimed(ledger: SqlLedger, colour: str = "blue", name: str = "pod-1/a") -> Lease:
    lease = ledger.claim(who(colour, name), NOW)
    assert isinstance(lease, Lease), lease
    return lease


def establish(server: postgres.Server) -> None:
    """Once for a server: its roles, and a template that the owner's login has prepared."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'hands'").fetchone():
            return
        logins = [f"tb_{LEDGER}_{login}" for login in ("blue", "green", "task")]
        for name in (OWNING, FENCER, *logins):
            connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER ROLE {FENCER} CREATEROLE")
        connection.execute(f"GRANT pg_signal_backend TO {FENCER}")
        if server.version >= 16:
            for name in logins:
                connection.execute(f"GRANT {name} TO {FENCER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        connection.execute(f"CREATE DATABASE hands OWNER {OWNING}")
    prepare(server.url("hands", OWNING), Wanted(LEDGER, FENCER, OWNER, UNBOUND, None), random.Random(7).randrange)


def made_hands(request: pytest.FixtureRequest, engine: str, folder: Path) -> Hands:
    if engine == "sqlite":
        return Hands(made_place(request, engine, folder), None)
    server: postgres.Server = request.getfixturevalue("server17" if engine == "postgresql17" else "server")
    establish(server)
    name = f"hands_{next(NAMES)}"
    url = server.create(name, "hands")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER ROLE tb_{LEDGER}_blue LOGIN")
        connection.execute(f"ALTER ROLE tb_{LEDGER}_green LOGIN")
    return Hands(Place(engine, url, server=server), server, name)


@pytest.fixture(name="hands", params=["sqlite", "postgresql", "postgresql17"])
def every_hands(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hands]:
    """The same ledger on each engine and version."""
    made = made_hands(request, request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(name="server_hands", params=["postgresql", "postgresql17"])
def both_servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hands]:
    """The same where roles are the database's own."""
    made = made_hands(request, request.param, tmp_path)
    yield made
    made.close()
