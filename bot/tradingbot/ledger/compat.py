"""Which code may read and write which schema, so that a migration never shuts out the trader at work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, inspect, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.tables import schema_compat


@dataclass(frozen=True, slots=True)
class Compat:
    """Schema *version* can be read by code from *readable_from* on, and written by code from *writable_from* on."""

    version: str
    readable_from: str
    writable_from: str


def of(script: Any) -> Compat:
    """What a migration says of itself; one that says nothing shuts out all older code."""
    module, version = script.module, script.revision
    return Compat(version, getattr(module, "readable_from", version), getattr(module, "writable_from", version))


def require_fit(pending: Sequence[Compat], active: str | None) -> None:
    """Misconfigured when code of schema *active* could not write after the *pending* migrations."""
    for each in pending:
        if active is not None and active < each.writable_from:
            raise Misconfigured(
                f"migration {each.version} would shut out the active version, which was written for schema {active} "
                f"and not {each.writable_from}; roll out a version in between first"
            )


def require_writable(connection: Connection, at: str, head: str) -> None:
    """Misconfigured when the ledger's schema *at*, newer than this code's *head*, may not be written by it."""
    known = inspect(connection).has_table(schema_compat.name)
    query = select(schema_compat.c.writable_from).where(schema_compat.c.version == at)
    oldest = connection.execute(query).scalar() if known else None
    if oldest is None or head < oldest:
        raise Misconfigured(f"database is at schema {at}, newer than {head}; run the version that made it, or restore")


def record(connection: Connection, compat: Compat) -> None:
    """The ledger says of its schema which code may use it; before that table came there was none to say."""
    if inspect(connection).has_table(schema_compat.name):
        insert = postgresql.insert if on_server(connection) else sqlite.insert
        connection.execute(insert(schema_compat).values(asdict(compat)).on_conflict_do_nothing())
