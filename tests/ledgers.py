"""Ledgers for tests: one empty, migrated ledger on each engine, and the values that go into it."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

import postgres
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Instance, Lease
from tradingbot.domain.order import Fill, Order, OrderType, Purpose, Side
from tradingbot.ledger import Book, Owner, SqlLedger, open_ledger
from tradingbot.ledger.migrate import migrate

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TIMES = (NOW, NOW + timedelta(seconds=2))
OWNER = Owner("c0ffee", "trading", "btc")
BOOK = Book("paper", "binance", "paper")
NAMES = count()


@dataclass
class Place:
    """Where one test's ledger is. *raw* goes past the product, as a person with the owner's password would."""

    engine: str
    url: str
    opened: list[SqlLedger] = field(default_factory=list)
    server: postgres.Server | None = None
    kept: "psycopg.Connection[Any] | None" = None  # one for many statements, where a test makes thousands

    def open(self, owner: Owner = OWNER, book: Book = BOOK, url: str | None = None) -> SqlLedger:
        ledger = open_ledger(url or self.url, owner, book, "blue", random.Random(7).randrange)
        self.opened.append(ledger)
        return ledger

    def raw(self, statement: str) -> list[tuple[Any, ...]]:
        if self.engine == "sqlite":
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            try:
                with connection:
                    return connection.execute(statement).fetchall()
            finally:
                connection.close()
        if self.kept is not None:
            cursor = self.kept.execute(statement)
            return cursor.fetchall() if cursor.description else []
        with psycopg.connect(self.url) as server:
            cursor = server.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def silence(self, instance: str, seconds: int) -> None:
        """*instance* was last seen *seconds* earlier than it was; with a number below 0, later."""
        if self.engine == "sqlite":
            earlier = f"strftime('%Y-%m-%dT%H:%M:%f000Z', seen_at, '{-seconds:+d} seconds')"
        else:
            earlier = f"seen_at - interval '{seconds} seconds'"
        self.raw(f"UPDATE heartbeats SET seen_at = {earlier} WHERE instance = '{instance}'")

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()
        if self.kept is not None:
            self.kept.close()


@pytest.fixture(name="server", scope="session")
def running_server() -> Iterator[postgres.Server]:
    with postgres.server() as server:
        migrate(server.create("template"))
        yield server


@pytest.fixture(name="server17", scope="session")
def running_server_17() -> Iterator[postgres.Server]:
    with postgres.server(17) as server:
        migrate(server.create("template"))
        yield server


@pytest.fixture(name="file", scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "template.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(name="place", params=["sqlite", "postgresql"])
def each_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = made_place(request, request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(name="place", params=["sqlite", "postgresql", "postgresql17"])
def every_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each engine and each version the lease is promised on."""
    made = made_place(request, request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(name="pg")
def postgresql_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = made_place(request, "postgresql", tmp_path)
    yield made
    made.close()


@pytest.fixture(name="sqlite")
def sqlite_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = made_place(request, "sqlite", tmp_path)
    yield made
    made.close()


def made_place(request: pytest.FixtureRequest, engine: str, folder: Path) -> Place:
    """An empty ledger on *engine*, copied from the migrated one."""
    if engine == "sqlite":
        path = folder / f"ledger-{next(NAMES)}.sqlite"
        shutil.copy(request.getfixturevalue("file"), path)
        return Place(engine, f"sqlite:///{path}")
    server: postgres.Server = request.getfixturevalue("server17" if engine == "postgresql17" else "server")
    return Place(engine, server.create(f"ledger_{next(NAMES)}", "template"), server=server)


def instance(pod: str = "pod-1", start: str = "a", colour: str = "blue", revision: str = "r1") -> Instance:
    return Instance(colour, pod, start, revision)


def claimed(ledger: SqlLedger, pod: str = "pod-1", start: str = "a") -> Lease:
    lease = ledger.claim(instance(pod, start), NOW)
    assert isinstance(lease, Lease), lease
    return lease


def bar(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def hold(minute: int, strategy: str = "sma_cross", symbol: str = "BTC/USDT") -> Decision:
    return Decision(strategy, symbol, bar(minute), None)


def order(quantity: str = "0.5", side: Side = Side.BUY, symbol: str = "BTC/USDT") -> Order:
    purpose = Purpose.ENTRY if side is Side.BUY else Purpose.EXIT
    return Order(symbol, side, OrderType.MARKET, purpose, Decimal(quantity), seen_at=NOW, reason="crossed up")


def fill(trade: int, quantity: str = "0.5", side: Side = Side.BUY, **changes: Any) -> Fill:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "trade_id": str(trade),
        "client_id": "tqqqqqq00010000001",
        "venue_id": "9001",
        "side": side,
        "quantity": Decimal(quantity),
        "price": Decimal("100.10"),
        "commission": Decimal("0.05"),
        "commission_asset": "USDT",
        "at": NOW + timedelta(seconds=trade),
    }
    return Fill(**{**values, **changes})
