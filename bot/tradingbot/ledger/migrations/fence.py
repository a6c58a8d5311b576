"""The fence as the database holds it: one trigger for each table and way of writing."""

import re
from collections.abc import Iterator
from importlib.resources import files

BODY = re.compile(r"CREATE FUNCTION (\w+)\(.*?\$\$(.*?)\$\$;", re.DOTALL)

FENCED = ("intents", "outcomes", "fills", "decisions", "cursors", "equity", "paper_book")
FIXED = ("intents", "fills", "decisions", "equity", "lease_history")
FUNCTIONS = (
    "0001_postgresql.sql",
    "0002_postgresql.sql",
    "0004_postgresql.sql",
)  # what the later one defines again counts


def postgresql(schema: str) -> Iterator[str]:
    """The statements that raise the fence in *schema* (a quoted identifier)."""
    yield _functions(FUNCTIONS[0]).replace("{schema}", schema)
    yield from _triggers(frozenset({*FENCED, *FIXED}))


def postgresql_book(schema: str) -> Iterator[str]:
    """The statements that raise the fence over the tables of another book, which lies in *schema*."""
    yield from _triggers(frozenset(FENCED))
    bind = re.search(r"CREATE FUNCTION tb_bind\(.*?\$\$;", _functions(FUNCTIONS[1]), re.DOTALL)
    if bind is None:
        raise LookupError("tb_bind is not among the functions of a hand-over")
    yield bind[0].replace("{schema}", schema)
    yield "REVOKE ALL ON FUNCTION tb_bind(text) FROM PUBLIC"


def _triggers(tables: frozenset[str]) -> Iterator[str]:
    for table in FENCED:
        yield f"CREATE TRIGGER fence BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION tb_check()"
    for table in sorted(tables):
        ways = "UPDATE OR DELETE" if table in FIXED else "DELETE"
        yield f"CREATE TRIGGER keep BEFORE {ways} ON {table} FOR EACH ROW EXECUTE FUNCTION tb_keep()"
        yield f"CREATE TRIGGER keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tb_keep()"


def postgresql_lease(schema: str) -> Iterator[str]:
    """The statements that put the functions of a hand-over into *schema*."""
    yield _functions(FUNCTIONS[1]).replace("{schema}", schema)
    yield "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON holds FOR EACH ROW EXECUTE FUNCTION tb_keep()"
    yield "CREATE TRIGGER keep_all BEFORE TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION tb_keep()"


def postgresql_audit(schema: str) -> Iterator[str]:
    """The statements that keep every entry of the audit log, in *schema*, and let its end only move on."""
    yield _functions(FUNCTIONS[2]).replace("{schema}", schema)
    for table, ways in (("audit_logs", "UPDATE OR DELETE"), ("audit_head", "DELETE")):
        yield f"CREATE TRIGGER keep BEFORE {ways} ON {table} FOR EACH ROW EXECUTE FUNCTION tb_keep()"
        yield f"CREATE TRIGGER keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tb_keep()"
    yield "CREATE TRIGGER onward BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION tb_onward()"


def postgresql_triggers() -> tuple[str, ...]:
    """Each trigger of the fence by name and table."""
    guards = tuple(f"fence of {table}" for table in FENCED)
    kept = sorted({*FENCED, *FIXED, "holds", "audit_logs", "audit_head"})
    keeps = tuple(f"{name} of {table}" for table in kept for name in ("keep", "keep_all"))
    return guards + keeps + ("tell of lease", "forward of lease", "onward of audit_head")


def postgresql_bodies() -> dict[str, str]:
    """Each function's body as the database stores it."""
    return {name: body for file in FUNCTIONS for name, body in BODY.findall(_functions(file))}


def _functions(file: str) -> str:
    return files(__package__).joinpath("sql", file).read_text()


SQLITE_FENCE = """
CREATE TRIGGER {table}_fence_{way} BEFORE {way} ON {table} WHEN NOT EXISTS (
    SELECT 1 FROM lease WHERE epoch = NEW.epoch AND instance = NEW.instance AND released_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'fenced: this epoch and instance may not write {table}'); END
"""
SQLITE_KEEP = """
CREATE TRIGGER {table}_keep_{way} BEFORE {way} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} refuses {way}: what was written stays'); END
"""


SQLITE_FORWARD = """
CREATE TRIGGER lease_forward BEFORE UPDATE ON lease WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'lease refuses an epoch below the one it has given'); END
"""


SQLITE_ONWARD = """
CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head WHEN NEW.number <> OLD.number + 1
BEGIN SELECT RAISE(ABORT, 'audit_head refuses this number: it moves on by one entry at a time'); END
"""


def sqlite_audit() -> Iterator[str]:
    """What the audit log adds in SQLite."""
    for table, way in (("audit_logs", "UPDATE"), ("audit_logs", "DELETE"), ("audit_head", "DELETE")):
        yield SQLITE_KEEP.strip().replace("{table}", table).replace("{way}", way)
    yield SQLITE_ONWARD.strip()


def sqlite_lease() -> Iterator[str]:
    """What a hand-over adds in SQLite, whose functions are ours (``ledger.embedded``)."""
    yield SQLITE_FORWARD.strip()
    for way in ("UPDATE", "DELETE"):
        yield SQLITE_KEEP.strip().replace("{table}", "holds").replace("{way}", way)


def sqlite() -> Iterator[str]:
    """The same for SQLite, where every writing transaction begins IMMEDIATE and so excludes all others."""
    for table in FENCED:
        for way in ("INSERT", "UPDATE"):
            yield SQLITE_FENCE.strip().replace("{table}", table).replace("{way}", way)
    for table in sorted({*FENCED, *FIXED}):
        for way in ("UPDATE", "DELETE") if table in FIXED else ("DELETE",):
            yield SQLITE_KEEP.strip().replace("{table}", table).replace("{way}", way)
