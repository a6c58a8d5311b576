"""Who may trade: claiming, retiring, and the signs of life by which silence is judged."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.lease import Instance, Lease, LeaseRow, NotClaimed
from tradingbot.ledger.columns import Instant
from tradingbot.ledger.tables import heartbeats, intents, lease, lease_history

SILENCE = timedelta(seconds=5)

MESSAGES = {
    "NoLease": ("the ledger has no lease row", False),
    "NotHolder": ("the lease names {holder}, not this colour", True),
    "OtherRevision": ("the lease names revision {revision}, not this one", True),
    "InstanceUsed": ("this process has held an epoch before and may not hold another", False),
    "HeldByOther": ("{instance} holds epoch {epoch} and was seen in the last five seconds", True),
}


def ledger_clock(connection: Connection) -> ColumnElement[datetime]:
    """The time by the ledger's own clock, as SQL: the server's, or for a file that of this machine."""
    if connection.dialect.name == "postgresql":
        return func.clock_timestamp(type_=Instant())
    return func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", type_=Instant())


def ledger_now(connection: Connection) -> datetime:
    return connection.execute(select(ledger_clock(connection))).scalar_one()


def claim(connection: Connection, instance: Instance, now: datetime) -> Lease | NotClaimed:
    """The next epoch belongs to *instance*, or the reason why not (protocol 1)."""
    if connection.dialect.name == "postgresql":
        result = connection.execute(
            select(func.tb_claim(instance.name, instance.revision).table_valued("claimed", "refusal"))
        )
        refusal = result.one().refusal
    else:
        refusal = _claim(connection, instance)
    row = row_of(connection)
    # A claim whose answer was lost has been made: the row still names this very process, which is told so again.
    again = refusal == "InstanceUsed" and row.instance == instance.name and row.released_at is None
    if refusal is not None and not again:
        message, retry = MESSAGES[refusal]
        named = {"holder": row.holder, "revision": row.revision, "instance": row.instance, "epoch": row.epoch}
        return NotClaimed(refusal, message.format(**named), retry)
    heartbeat(connection, instance.name, "trader", now)
    return Lease(row.ledger_id, row.epoch, row.holder, instance.name, instance.revision)


def _claim(connection: Connection, instance: Instance) -> str | None:
    now = ledger_now(connection)
    row = row_of(connection)
    used = connection.execute(
        select(lease_history.c.id).where(lease_history.c.instance == instance.name).limit(1)
    ).first()
    seen = connection.execute(select(heartbeats.c.seen_at).where(heartbeats.c.instance == row.instance)).scalar()
    refusal = refused(row, instance, used is not None, seen is None or now - seen >= SILENCE)
    if refusal is None:
        epoch = row.epoch + 1
        fresh = {"epoch": epoch, "instance": instance.name, "successor": None, "order_until": None, "released_at": None}
        connection.execute(lease.update().values(fresh))
        note = {
            "event": "claim",
            "holder": row.holder,
            "instance": instance.name,
            "revision": instance.revision,
            "at": now,
        }
        connection.execute(lease_history.insert().values(ledger_id=row.ledger_id, epoch=epoch, **note))
    return refusal


def refused(row: LeaseRow, instance: Instance, used: bool, silent: bool) -> str | None:
    """Why *instance* may not claim, or None; the same rules as ``tb_claim`` in the same order."""
    if row.holder != instance.colour:
        return "NotHolder"
    if row.revision not in {None, instance.revision}:
        return "OtherRevision"
    if used:
        return "InstanceUsed"
    own = instance.pod_uid != "" and (row.instance or "").partition("/")[0] == instance.pod_uid
    if row.instance is None or row.released_at is not None or own or silent:
        return None
    return "HeldByOther"


def retire(connection: Connection, held: Lease, now: datetime) -> bool:
    """True when the epoch of *held* has ended now; it can write nothing any more."""
    if connection.dialect.name == "postgresql":
        done = bool(connection.execute(select(func.tb_retire(held.epoch))).scalar_one())
    else:
        done = _retire(connection, held)
    if done:
        heartbeat(connection, held.instance, "retired", now)
    return done


def _retire(connection: Connection, held: Lease) -> bool:
    at = ledger_now(connection)
    current = (lease.c.epoch == held.epoch) & (lease.c.instance == held.instance) & lease.c.released_at.is_(None)
    if not connection.execute(lease.update().where(current).values(released_at=at)).rowcount:
        return False
    note = {"holder": held.holder, "instance": held.instance, "revision": held.revision, "at": at}
    connection.execute(
        lease_history.insert().values(ledger_id=held.ledger_id, epoch=held.epoch, event="retire", **note)
    )
    return True


def heartbeat(connection: Connection, instance: str, role: str, now: datetime) -> None:
    """*instance* has been seen; *now* is its venue time, the judged time is the ledger's."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    seen = {"role": role, "seen_at": ledger_clock(connection), "venue_at": now}
    statement = insert(heartbeats).values(instance=instance, **seen)
    connection.execute(statement.on_conflict_do_update(index_elements=["instance"], set_=seen))


def row_of(connection: Connection) -> LeaseRow:
    row: Row[tuple[object, ...]] = connection.execute(select(lease)).one()
    return LeaseRow(**row._mapping)


def quiet_until(connection: Connection) -> datetime | None:
    """The newest expiry of a write whose epoch nobody ended in order."""
    ended = select(lease_history.c.epoch).where(lease_history.c.event.in_(("retire", "release")))
    newest = select(func.max(intents.c.expires_at)).where(intents.c.epoch.not_in(ended))
    moment: datetime | None = connection.execute(newest).scalar_one()
    return moment
