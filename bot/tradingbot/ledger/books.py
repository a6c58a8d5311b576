"""A book of its own for each mode in one ledger on PostgreSQL (decision 0009).

The first book's tables lie where the ledger was made. Every other book is a schema that stands before it in the search
path, with tables of the same names: what is bound to money is found there, and who trades is found once.
"""

from sqlalchemy import Connection, MetaData, select

from tradingbot.domain.book import PREFIX, schema_of
from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger import tables
from tradingbot.ledger.clock import on_server
from tradingbot.ledger.identity import Book, Owner
from tradingbot.ledger.migrations import fence

OWN = ("ledger", *(table.name for table in tables.FENCED), tables.shadow_decisions.name)
BOOKS = f"SELECT nspname FROM pg_namespace WHERE starts_with(nspname, '{PREFIX}') ORDER BY nspname"  # noqa: S608 # nosec B608
# In the order they were made, as one view may read another; with the founding book in sight, names are written bare.
VIEWS = (
    "SELECT relname, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v' AND relnamespace ="
    " current_schema()::regnamespace ORDER BY oid"
)


def is_another(connection: Connection, book: Book) -> bool:
    """True when the ledger was made for another mode than that of *book*."""
    made_for = connection.execute(select(tables.ledger.c.mode)).scalar()
    return on_server(connection) and made_for not in (None, book.mode)


def opened(connection: Connection, book: Book) -> None:
    """*book* has its tables, and the rest of this transaction finds them first."""
    schema = schema_of(book.mode)
    before = str(connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one())
    new = connection.exec_driver_sql("SELECT to_regnamespace(%s) IS NULL", (schema,)).scalar_one()
    views = connection.exec_driver_sql(VIEWS).all() if new else ()
    if new:
        _may_make(connection)
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {schema}, {before}")
    if not new:
        return
    for table in OWN:
        connection.exec_driver_sql(f"CREATE TABLE {table} (LIKE {before}.{table} INCLUDING ALL)")
    connection.exec_driver_sql("ALTER TABLE outcomes ADD FOREIGN KEY (client_id) REFERENCES intents (client_id)")
    for name, text in views:
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}", execution_options={"no_parameters": True})
    for statement in fence.postgresql_book(schema):
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    connection.exec_driver_sql(
        f"INSERT INTO ledger SELECT one, ledger_id, cluster, namespace, name, %s, %s, '', clock_timestamp()"  # noqa: S608 # nosec B608
        f" FROM {before}.ledger",
        (book.mode, book.venue),
    )


def marked(connection: Connection, ledger_id: str) -> str:
    """The name under which a state volume knows the book: each one counts its own sequences."""
    if not on_server(connection):
        return ledger_id
    schema = str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
    return f"{ledger_id}-{schema}" if schema.startswith(PREFIX) else ledger_id


def belong_to(connection: Connection, owner: Owner) -> None:
    """The ledger with all its books is that of *owner*."""
    values = {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name}
    connection.execute(tables.ledger.update().values(values))
    for schema in connection.exec_driver_sql(BOOKS).scalars().all() if on_server(connection) else ():
        connection.execute(tables.ledger.to_metadata(MetaData(), schema=schema).update().values(values))


def _may_make(connection: Connection) -> None:
    if connection.exec_driver_sql("SELECT has_database_privilege(current_database(), 'CREATE')").scalar_one():
        return
    role, database = connection.exec_driver_sql("SELECT quote_ident(current_user), current_database()").one()
    raise Misconfigured(
        f"database.postgres: role {role} may make no schema for the book of another mode; "
        f"run GRANT CREATE ON DATABASE {database} TO {role}"
    )
