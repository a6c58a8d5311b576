"""Taking a ledger back to an older schema: by steps that say that nothing is lost with them, or not at all."""

import secrets
from functools import partial

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from tradingbot.domain.book import founding
from tradingbot.domain.errors import Misconfigured
from tradingbot.ledger.connect import connect
from tradingbot.ledger.migrate import alone, own_scripts, retried, settings
from tradingbot.ledger.open import schema
from tradingbot.ledger.tables import schema_compat
from tradingbot.ledger.writes import fence_stands


def lower(url: str, to: str, active: str | None = None, scripts: str | None = None) -> str | None:
    """The ledger at *url* has schema *to*; or why a step back cannot be undone, and nothing was changed.

    Misconfigured when code of schema *active* could not use it afterwards.
    """
    engine = connect(founding(url))
    try:
        with alone(engine, founding(url)), own_scripts(scripts) as folder:
            config = settings(folder)
            back = _back(ScriptDirectory.from_config(config), schema(engine), to)
            if back and active is not None and active > to:
                raise Misconfigured(f"the trader at work was written for schema {active}: roll its version back first")
            lasting = [each.revision for each in back if not getattr(each.module, "reversible", False)]
            if lasting:
                return f"migration {', '.join(lasting)} cannot be undone: restore a backup of before it"
            for each in back:
                retried(engine, partial(_undone, config=config, script=each), secrets.randbelow)
    finally:
        engine.dispose()
    return None


def _back(directory: ScriptDirectory, at: str | None, to: str) -> list[Script]:
    """What is to be undone, newest first."""
    known = sorted(each.revision for each in directory.walk_revisions())
    if to not in known:
        raise Misconfigured(f'--to "{to}" is no schema of this version: write one of {", ".join(known)}')
    if at is None or at < to:
        raise Misconfigured(f"the ledger is at schema {at or 'none'}: atb db migrate without --to brings it forward")
    if at not in known:
        raise Misconfigured(f"the ledger is at schema {at}, newer than this version: the one that made it can undo it")
    return list(directory.iterate_revisions(at, to))


def _undone(connection: Connection, config: Config, script: Script) -> bool:
    """One migration is undone whole, and the fence stands after it."""
    config.attributes["connection"] = connection
    command.downgrade(config, str(script.down_revision))
    connection.execute(schema_compat.delete().where(schema_compat.c.version == script.revision))
    if not fence_stands(connection):
        raise Misconfigured(f"migration {script.revision} stays: without it a write of epoch 0 was not refused")
    return True
