"""What each role may do in a ledger on PostgreSQL (contracts 8.1); granted by the owner, who migrates."""

from collections.abc import Iterator

from sqlalchemy import Connection

from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger.tables import FENCED, VIEWS, metadata

LOGINS = ("blue", "green", "task")
FREE = ("heartbeats", "shadow_decisions", "halts")  # written without the epoch
TOLD = ("exchange_filters", "fee_schedules", "universe_symbols")  # what venues say, of no weight for the fence
FENCER_READS = ("lease", "lease_history", "heartbeats", "holds", "schema_compat", "ledger", "alembic_version")
COLOUR_CALLS = (
    "tb_claim(text, text)",
    "tb_release(bigint, text)",
    "tb_retire(bigint)",
    "tb_bind(text)",
    "tb_guard_ms()",
)
FENCER_CALLS = (
    "tb_order(bigint, text, text, integer)",
    "tb_fence(bigint)",
    "tb_grant(bigint, bigint, text, text, text)",
    "tb_hold(bigint, text, integer)",
    "tb_guard_ms()",
)


def grant(connection: Connection, ledger_id: str, fencer: str) -> None:
    """The colours, the task and the *fencer* may do what is theirs and no more; granted twice is granted once."""
    quote = connection.dialect.identifier_preparer.quote
    logins = [f"tb_{ledger_id}_{login}" for login in LOGINS]
    for name in (*logins, fencer):
        if connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).first() is None:
            raise Misconfigured(f'role "{name}" is not on this server; the operator makes it before it migrates')
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    statements = (*to_logins(", ".join(map(quote, logins))), *to_fencer(quote(fencer)))
    everybody = ", ".join(map(quote, (*logins, fencer)))
    for statement in (f"GRANT USAGE ON SCHEMA {schema} TO {everybody}", *statements):
        connection.exec_driver_sql(statement)


def to_logins(names: str) -> Iterator[str]:
    """The row of the lease, its history, exit grants and the owner are read only; the fence guards the rest."""
    written = (*(table.name for table in FENCED), *FREE)
    yield f"GRANT SELECT ON {', '.join((*sorted(metadata.tables), *VIEWS))}, alembic_version TO {names}"
    yield f"GRANT INSERT, UPDATE ON {', '.join(written)} TO {names}"
    yield f"GRANT INSERT ON audit_logs TO {names}"
    yield f"GRANT UPDATE ON audit_head TO {names}"
    yield f"GRANT INSERT, UPDATE, DELETE ON {', '.join(TOLD)} TO {names}"
    yield f"GRANT USAGE ON SEQUENCE fills_id_seq, equity_id_seq TO {names}"
    yield f"GRANT EXECUTE ON FUNCTION {', '.join(COLOUR_CALLS)} TO {names}"


def to_fencer(name: str) -> Iterator[str]:
    """It moves the row by the functions only, and sees no order, no fill and no money."""
    yield f"GRANT SELECT ON {', '.join(FENCER_READS)} TO {name}"
    yield f"GRANT EXECUTE ON FUNCTION {', '.join(FENCER_CALLS)} TO {name}"
