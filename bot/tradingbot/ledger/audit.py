"""For ``atb db verify``: is the book sound. Nothing is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, FromClause, func, select, text

from tradingbot.domain.errors import LedgerUnavailable
from tradingbot.domain.instrument import ZERO
from tradingbot.domain.order import FOREIGN, NEXT, OrderStatus
from tradingbot.domain.position import position_of
from tradingbot.ledger import rows, trail
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.connect import connect, is_torn, reading, writing
from tradingbot.ledger.migrations import fence
from tradingbot.ledger.open import schema
from tradingbot.ledger.tables import HEAD, VIEWS, cursors, decisions, fills, intents, lease, ledger, metadata, outcomes
from tradingbot.ledger.writes import fence_stands

OLDEST_SERVER = 150000
# Views and functions are found by the search path, as the trader finds them.
FOUND = "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of the ledger; *message* says what was found, sound or not."""

    check: str
    ok: bool
    message: str


def verify(url: str) -> tuple[Finding, ...]:
    """Every check of the ledger at *url*; those that need the schema are left out when it is not the newest."""
    reader = connect(url, read_only=True)
    try:
        at = schema(reader)
        if at != HEAD:
            return (Finding("schema", False, f"at {at or 'nothing'}, this version needs {HEAD}"),)
        with reading(reader) as connection:
            known = (*server(connection), tables_there(connection))
            if not all(finding.ok for finding in known):
                return (Finding("schema", True, f"Schema version: {at}"), *known)
            checks = (storage(connection), fence_text(connection), one_lease(connection), *orphans(connection))
            checks += (cursor(connection), *positions(connection), quantities(connection))
    finally:
        reader.dispose()
    return (Finding("schema", True, f"Schema version: {at}"), *known, *checks, log_whole(url), probe(url))


def integrity(url: str) -> tuple[Finding, ...]:
    """What shows that the ledger at *url* is not what was written; nothing while its schema is another version's.

    What a trader at work mends by itself, as a fill that is still to come, is not among it.
    """
    try:
        found = tuple(_examined(url))
    except LedgerUnavailable as error:
        if not is_torn(error.__cause__):
            raise
        found = (Finding("pages", False, str(error)),)
    return tuple(finding for finding in found if not finding.ok)


def _examined(url: str) -> Iterator[Finding]:
    reader = connect(url, read_only=True)
    try:
        if schema(reader) != HEAD:
            return
        with reading(reader) as connection:
            if on_server(connection):
                # The trader writes meanwhile: every check is to see the same moment.
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield from (pages(connection), fence_text(connection), one_lease(connection), cursor(connection))
            yield from orphans(connection)
    finally:
        reader.dispose()
    yield log_whole(url)


def pages(connection: Connection) -> Finding:
    """A file's pages and references, by a look that takes a tenth of the time of ``storage``'s."""
    if on_server(connection):
        return Finding("pages", True, "a server's own matter")
    torn = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check") if row[0] != "ok"]
    loose = [
        f"{row[0]} row {row[1]} refers to nothing" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
    ]
    return Finding("pages", not (torn or loose), "; ".join([*torn, *loose]) or "ok")


def server(connection: Connection) -> Iterator[Finding]:
    """What answers, and whether it is new enough."""
    yield Finding("connection", True, "Database connection successful")
    yield Finding("dialect", True, connection.dialect.name)
    if on_server(connection):
        yield server_version(int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()))


def server_version(number: int) -> Finding:
    """PostgreSQL as old as we test it on, or newer."""
    enough = number >= OLDEST_SERVER
    return Finding("server_version_num", enough, f"{number}" if enough else f"{number} is older than {OLDEST_SERVER}")


def tables_there(connection: Connection) -> Finding:
    """Every table and view can be found by its bare name."""
    names = sorted((*metadata.tables, *VIEWS))
    if on_server(connection):
        there = {row[0] for row in connection.execute(text(FOUND), {"names": names})}
    else:
        there = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
    missing = [name for name in names if name not in there]
    return Finding("tables", not missing, f"missing: {', '.join(missing)}" if missing else "All tables exist")


def probe(url: str) -> Finding:
    """A write of epoch 0 is tried and undone; apart from the reading, so that a trader waits for no more than this."""
    writer = connect(url)
    try:
        with writing(writer) as connection:
            stands = fence_stands(connection)
    finally:
        writer.dispose()
    return Finding("fence probe", stands, "epoch 0 was refused" if stands else "a write of epoch 0 was not refused")


def log_whole(url: str) -> Finding:
    """The audit log is as it was written, from its first entry to its last."""
    head, wrong = trail.verify(url)
    return Finding("audit log", wrong is None, wrong.message if wrong else f"{head.number} entries")


def storage(connection: Connection) -> Finding:
    """The database's own word on its pages and references."""
    if connection.dialect.name == "sqlite":
        pages = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        loose = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        bad = [word for word in pages if word != "ok"] + [f"{row[0]} row {row[1]} refers to nothing" for row in loose]
    else:
        invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        bad = [f"index {row[0]} is invalid" for row in connection.exec_driver_sql(invalid)]
    return Finding("storage", not bad, "; ".join(bad) or "ok")


def fence_text(connection: Connection) -> Finding:
    """Every trigger and function of the fence is there, switched on, and reads as it was made."""
    if connection.dialect.name == "sqlite":
        stored = {row[0] for row in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
        made = (*fence.sqlite(), *fence.sqlite_lease(), *fence.sqlite_audit())
        bad = [statement.split()[2] for statement in made if statement not in stored]
    else:
        on = "SELECT tgname || ' of ' || tgrelid::regclass::text FROM pg_trigger WHERE tgenabled = 'O'"
        triggers = {row[0] for row in connection.exec_driver_sql(on)}
        bodies = {
            row[0]: row[1]
            for row in connection.exec_driver_sql(
                "SELECT proname, prosrc FROM pg_proc WHERE starts_with(proname, 'tb_')"
            )
        }
        bad = [name for name in fence.postgresql_triggers() if name not in triggers]
        bad += [name for name, body in fence.postgresql_bodies().items() if bodies.get(name) != body]
    return Finding("fence", not bad, f"missing or altered: {', '.join(bad)}" if bad else "every trigger as it was made")


def one_lease(connection: Connection) -> Finding:
    """One lease of this very ledger, and no write of an epoch that was never given."""
    ids = connection.execute(select(ledger.c.ledger_id)).scalars().all()
    leases = connection.execute(select(lease.c.ledger_id, lease.c.epoch)).all()
    if len(ids) != 1 or [row.ledger_id for row in leases] != list(ids):
        return Finding("lease", False, f"{len(leases)} leases for {len(ids)} ledgers")
    written = connection.execute(select(func.max(intents.c.epoch))).scalar() or 0
    return Finding("lease", written <= leases[0].epoch, f"epoch {leases[0].epoch}, newest write of epoch {written}")


def orphans(connection: Connection) -> Iterator[Finding]:
    """Rows that point at a write which is not in the book."""
    yield _orphans(
        connection, "intents without outcome", intents, intents.c.client_id.not_in(select(outcomes.c.client_id))
    )
    known = select(intents.c.client_id)
    alone = fills.c.client_id.not_in(known) & ~fills.c.client_id.startswith(FOREIGN)
    yield _orphans(connection, "fills without intent", fills, alone)
    told = decisions.c.client_id.is_not(None) & decisions.c.client_id.not_in(known)
    yield _orphans(connection, "decisions without their intent", decisions, told)
    gone = (intents.c.kind == "cancel") & intents.c.target.not_in(known)
    yield _orphans(connection, "cancels without order", intents, gone)


def _orphans(connection: Connection, check: str, table: FromClause, lost: ColumnElement[bool]) -> Finding:
    count = connection.execute(select(func.count()).select_from(table).where(lost)).scalar_one()
    return Finding(check, count == 0, str(count))


def cursor(connection: Connection) -> Finding:
    """Each cursor stands on the newest decision."""
    of = (decisions.c.strategy == cursors.c.strategy) & (decisions.c.symbol == cursors.c.symbol)
    newest = select(func.max(decisions.c.bar)).where(of).scalar_subquery()
    query = select(cursors.c.strategy, cursors.c.symbol).where(cursors.c.decided_through != newest)
    bad = [f"{row.strategy} {row.symbol}" for row in connection.execute(query)]
    return Finding("cursors", not bad, f"not on the newest decision: {', '.join(bad)}" if bad else "ok")


def positions(connection: Connection) -> Iterator[Finding]:
    """Each position can be derived, and nothing was sold that was not bought."""
    for symbol in connection.execute(select(fills.c.symbol).distinct().order_by(fills.c.symbol)).scalars().all():
        found = connection.execute(select(fills).where(fills.c.symbol == symbol))
        base, _, quote = symbol.partition("/")
        position = position_of(symbol, sorted(map(rows.fill, found), key=rows.in_time), base, quote)
        yield Finding(f"position {symbol}", position.quantity >= ZERO, f"{position.quantity:f} {base}")


def quantities(connection: Connection) -> Finding:
    """What ended orders report as filled is what their fills add up to."""
    ended = sorted(status for status, after in NEXT.items() if after <= {OrderStatus.FILLED})
    orders = select(outcomes.c.client_id, outcomes.c.filled).join(intents, intents.c.client_id == outcomes.c.client_id)
    reported = connection.execute(orders.where(intents.c.kind == "order", outcomes.c.status.in_(ended)))
    filled: dict[str, Decimal] = {}
    for row in connection.execute(select(fills.c.client_id, fills.c.quantity)):
        filled[row.client_id] = filled.get(row.client_id, ZERO) + row.quantity
    bad = [row.client_id for row in reported if row.filled != filled.get(row.client_id, ZERO)]
    return Finding("filled quantities", not bad, f"differ from the fills of {', '.join(bad)}" if bad else "ok")
