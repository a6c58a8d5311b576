"""The lease functions for SQLite: the same rules, in the same order, as the ``tb_`` functions of PostgreSQL.

Each runs inside its caller's BEGIN IMMEDIATE, which excludes every other writer, so what it has read still holds.
"""

import re
from dataclasses import asdict, replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from tradingbot.domain.lease import Instance, Lease, LeaseRow, Successor
from tradingbot.ledger.clock import ledger_now, on_server
from tradingbot.ledger.tables import JOURNAL_FROM, heartbeats, holds, intents, lease, lease_history, ledger

SILENCE = timedelta(seconds=5)
SUCCESSOR_SILENCE = timedelta(seconds=2)
MILLISECOND = timedelta(milliseconds=1)
SKEW_MS = 1000
LONGEST_LIFE_MS = 5000
SUCCESSOR = re.compile(r"[^ ]+ [^ ]+/[^ ]* [^ ]+")


def guard_ms(connection: Connection) -> int:
    """How long after an exit grant ends nothing may be fenced, granted or claimed by another."""
    if on_server(connection):
        return int(connection.execute(select(func.tb_guard_ms())).scalar_one())
    newest = select(intents.c.timestamp, intents.c.expires_at).where(intents.c.sequence < JOURNAL_FROM)
    row = connection.execute(newest.order_by(intents.c.sequence.desc()).limit(1)).first()
    # Rounded up, as a part of a millisecond is time too.
    return SKEW_MS + (LONGEST_LIFE_MS if row is None else -((row.timestamp - row.expires_at) // MILLISECOND))


def held(connection: Connection, but_pod: str) -> bool:
    """True while an exit grant of a pod other than *but_pod* stands, or its requests may still be on their way."""
    last = ledger_now(connection) - timedelta(milliseconds=guard_ms(connection))
    standing = connection.execute(select(holds.c.instance).where(holds.c.until > last)).scalars()
    return any(but_pod == "" or pod_of(instance) != but_pod for instance in standing)


def pod_of(instance: str) -> str:
    return instance.partition("/")[0]


def claim(connection: Connection, instance: Instance) -> str | None:
    """The next epoch belongs to *instance*; else why not."""
    row = _row(connection)
    refusal = "NoLease" if row is None else _claim_refused(connection, row, instance)
    if row is not None and refusal is None:
        after = replace(row, epoch=row.epoch + 1, instance=instance.name, successor=None, order_until=None)
        after = replace(after, released_at=None)
        _store(connection, after)
        _note(connection, "claim", replace(after, revision=instance.revision))
    return refusal


def _claim_refused(connection: Connection, row: LeaseRow, instance: Instance) -> str | None:
    used = select(lease_history.c.id).where(lease_history.c.instance == instance.name).limit(1)
    known = (
        connection.execute(used).first() is not None,
        row.instance is None or not seen(connection, row.instance, SILENCE),
        held(connection, instance.pod_uid),
    )
    return refused(row, instance, *known)


def refused(row: LeaseRow, instance: Instance, used: bool, silent: bool, granted: bool) -> str | None:
    """Why *instance* may not claim, or None.

    *used*: it has held an epoch; *silent*: the row's instance was not seen of late; *granted*: an exit grant of another
    pod stands.
    """
    own = instance.pod_uid != "" and pod_of(row.instance or "") == instance.pod_uid
    if row.holder != instance.colour:
        return "NotHolder"
    if row.revision not in {None, instance.revision}:
        return "OtherRevision"
    if used:
        return "InstanceUsed"
    if row.instance is not None and row.released_at is None and not own and not silent:
        return "HeldByOther"
    return "ExitGranted" if granted else None


def retire(connection: Connection, ended: Lease) -> bool:
    """True when the epoch has ended now."""
    row = _row(connection)
    if row is None or not _stands(row, ended):
        return False
    _store(connection, replace(row, released_at=ledger_now(connection)))
    _note(connection, "retire", row)
    return True


def release(connection: Connection, ended: Lease, successor: str) -> str | None:
    """Epoch+1 belongs to *successor*; else why not."""
    row = _row(connection)
    if row is None or row.instance is None or not _stands(row, ended):
        return "Stale"
    if row.successor is None:
        return "NoOrder"
    if row.successor != successor:
        return "OtherSuccessor"
    if not _order_stands(connection, row):
        return "OrderVoid"
    named = Successor.parse(successor)
    if not seen(connection, named.instance, SUCCESSOR_SILENCE):
        return "SuccessorSilent"
    _note(connection, "release", row)
    after = LeaseRow(row.ledger_id, row.epoch + 1, named.holder, named.instance, named.revision, None, None, None)
    _store(connection, after)
    _note(connection, "named", after)
    return None


def bind(connection: Connection, account: str) -> str:
    """The account the ledger is bound to; an empty one is bound now."""
    connection.execute(ledger.update().where(ledger.c.account == "").values(account=account))
    bound: str = connection.execute(select(ledger.c.account)).scalar_one()
    return bound


def order(connection: Connection, epoch: int, expected: str | None, successor: str | None, lasts_ms: int) -> bool:
    """True when the row now orders the hand-over to *successor*, or none when that is None."""
    if successor is not None and not SUCCESSOR.fullmatch(successor):
        raise ValueError(f'successor "{successor}" is not HOLDER INSTANCE REVISION')
    row = _row(connection)
    if row is None or row.epoch != epoch or row.released_at is not None:
        return False
    void = expected is None and not _order_stands(connection, row)
    if row.successor != expected and not void:
        return False
    until = None if successor is None else ledger_now(connection) + lasts_ms * MILLISECOND
    _store(connection, replace(row, successor=successor, order_until=until))
    return True


def fence(connection: Connection, epoch: int) -> bool:
    """True when the row is at *epoch* and no exit grant stands; so it stays until the transaction ends."""
    row = _row(connection)
    if row is None or row.epoch != epoch or held(connection, ""):
        return False
    _note(connection, "fence", row)
    return True


def grant(connection: Connection, expected: int, new: int, to: tuple[str, str | None, str | None]) -> bool:
    """True when epoch *new* belongs *to* (holder, instance, revision) now."""
    row = _row(connection)
    if row is None or row.epoch != expected or new <= row.epoch or held(connection, ""):
        return False
    after = LeaseRow(row.ledger_id, new, *to, None, None, None)
    _store(connection, after)
    _note(connection, "grant", after)
    return True


def hold(connection: Connection, epoch: int, instance: str, lasts_ms: int) -> bool:
    """True when an exit grant of *instance* is recorded."""
    row = _row(connection)
    if row is None or (row.epoch, row.instance) != (epoch, instance) or row.released_at is not None:
        return False
    if _order_stands(connection, row):
        return False
    now = ledger_now(connection)
    values = {"ledger_id": row.ledger_id, "epoch": epoch, "instance": instance, "at": now}
    connection.execute(holds.insert().values(**values, until=now + lasts_ms * MILLISECOND))
    return True


def seen(connection: Connection, instance: str, within: timedelta) -> bool:
    """True when *instance* has shown life less than *within* ago."""
    at = connection.execute(select(heartbeats.c.seen_at).where(heartbeats.c.instance == instance)).scalar()
    return at is not None and ledger_now(connection) - at < within


def _stands(row: LeaseRow, ended: Lease) -> bool:
    return (row.epoch, row.holder, row.released_at) == (ended.epoch, ended.holder, None)


def _order_stands(connection: Connection, row: LeaseRow) -> bool:
    return row.successor is not None and row.order_until is not None and row.order_until > ledger_now(connection)


def _row(connection: Connection) -> LeaseRow | None:
    found = connection.execute(select(lease)).one_or_none()
    return None if found is None else LeaseRow(**found._mapping)


def _store(connection: Connection, row: LeaseRow) -> None:
    connection.execute(lease.update().values(asdict(row)))


def _note(connection: Connection, event: str, row: LeaseRow) -> None:
    who = {"holder": row.holder, "instance": row.instance, "revision": row.revision, "at": ledger_now(connection)}
    connection.execute(lease_history.insert().values(ledger_id=row.ledger_id, epoch=row.epoch, event=event, **who))
