"""Who may trade, as a bot asks it: claiming, releasing, retiring, and the signs of life by which silence is judged."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from tradingbot.domain.lease import Instance, Lease, LeaseRow, NotClaimed, NotReleased, Released, Successor
from tradingbot.ledger import embedded
from tradingbot.ledger.clock import ledger_clock, ledger_now, on_server
from tradingbot.ledger.columns import Instant
from tradingbot.ledger.tables import heartbeats, intents, lease, lease_history

MESSAGES = {
    "NoLease": ("the ledger has no lease row", False),
    "NotHolder": ("the lease names {holder}, not this colour", True),
    "OtherRevision": ("the lease names revision {revision}, not this one", True),
    "InstanceUsed": ("this process has held an epoch before and may not hold another", False),
    "HeldByOther": ("{instance} holds epoch {epoch} and was seen in the last five seconds", True),
    "ExitGranted": ("an exit grant of epoch {epoch} or before stands, or its requests may still arrive", True),
}
# With one of these an epoch began; each stands in the history before the first write of its epoch.
BEGINNINGS = ("claim", "named", "grant")


def claim(connection: Connection, instance: Instance, now: datetime) -> Lease | NotClaimed:
    """The next epoch belongs to *instance*, or the reason why not (protocol 1)."""
    if on_server(connection):
        answer = func.tb_claim(instance.name, instance.revision).table_valued("claimed", "refusal")
        refusal = connection.execute(select(answer)).one().refusal
    else:
        refusal = embedded.claim(connection, instance)
    if refusal == "NoLease":
        return NotClaimed(refusal, *MESSAGES[refusal])
    row = row_of(connection)
    # A claim whose answer was lost has been made: the row still names this very process, which is told so again.
    again = refusal == "InstanceUsed" and row.instance == instance.name and row.released_at is None
    if refusal is not None and not again:
        message, retry = MESSAGES[refusal]
        named = {"holder": row.holder, "revision": row.revision, "instance": row.instance, "epoch": row.epoch}
        return NotClaimed(refusal, message.format(**named), retry)
    heartbeat(connection, instance.name, "trader", now)
    return Lease(row.ledger_id, row.epoch, row.holder, instance.name, instance.revision)


def retire(connection: Connection, held: Lease, now: datetime) -> bool:
    """True when the epoch of *held* has ended now; it can write nothing any more."""
    if on_server(connection):
        done = bool(connection.execute(select(func.tb_retire(held.epoch))).scalar_one())
    else:
        done = embedded.retire(connection, held)
    if done:
        heartbeat(connection, held.instance, "retired", now)
    return done


def release(connection: Connection, held: Lease, successor: Successor) -> Released | NotReleased:
    """Epoch+1 belongs to *successor*, or the reason why *held* goes on."""
    if on_server(connection):
        answer = func.tb_release(held.epoch, successor.text).table_valued("named", "refusal")
        refusal = connection.execute(select(answer)).one().refusal
    else:
        refusal = embedded.release(connection, held, successor.text)
    if refusal is None:
        return Released(held.epoch + 1)
    row = row_of(connection)
    # As with a claim: when the answer was lost, what was done is told again.
    named = (held.epoch + 1, successor.holder, successor.instance)
    if refusal == "Stale" and (row.epoch, row.holder, row.instance) == named:
        return Released(row.epoch)
    return NotReleased(refusal)


def named(connection: Connection, instance: Instance) -> Lease | None:
    """The epoch the row gives to this very process, or None."""
    ours = (lease.c.instance == instance.name) & lease.c.released_at.is_(None) & _ours(connection, instance)
    row = connection.execute(select(lease).where(ours)).one_or_none()
    if row is None:
        return None
    return Lease(row.ledger_id, row.epoch, row.holder, instance.name, instance.revision)


def bind(connection: Connection, account: str) -> str:
    """The account the ledger is bound to; an empty one is bound now."""
    if on_server(connection):
        return str(connection.execute(select(func.tb_bind(account))).scalar_one())
    return embedded.bind(connection, account)


def order_stands(connection: Connection) -> Successor | None:
    """Who the standing order names; None when there is none or it is void by the ledger's clock."""
    stands = lease.c.successor.is_not(None) & (lease.c.order_until > ledger_clock(connection))
    text = connection.execute(select(lease.c.successor).where(stands)).scalar()
    return Successor.parse(text) if text else None


def holder_silent(connection: Connection, instance: Instance) -> bool:
    """True when a fresh start in this process' place could claim, and this one is not the holder."""
    row = connection.execute(select(lease).where(_ours(connection, instance))).one_or_none()
    if row is None or row.instance == instance.name:
        return False
    if row.instance is not None and embedded.seen(connection, row.instance, embedded.SILENCE):
        return False
    return not embedded.held(connection, instance.pod_uid)


def _ours(connection: Connection, instance: Instance) -> ColumnElement[bool]:
    """The row names this colour, in PostgreSQL the role we are in, and no other revision."""
    colour = func.session_user() if on_server(connection) else literal(instance.colour)
    return and_(lease.c.holder == colour, or_(lease.c.revision.is_(None), lease.c.revision == instance.revision))


def heartbeat(connection: Connection, instance: str, role: str, now: datetime) -> None:
    """*instance* has been seen; *now* is its venue time, the judged time is the ledger's."""
    insert = postgresql.insert if on_server(connection) else sqlite.insert
    seen = {"role": role, "seen_at": ledger_clock(connection), "venue_at": now}
    statement = insert(heartbeats).values(instance=instance, **seen)
    connection.execute(statement.on_conflict_do_update(index_elements=["instance"], set_=seen))


def row_of(connection: Connection) -> LeaseRow:
    row = connection.execute(select(lease)).one()
    return LeaseRow(**row._mapping)


def quiet_until(connection: Connection) -> datetime | None:
    """The newest expiry of a write whose epoch nobody ended in order; a fenced epoch was not."""
    # Epoch by epoch, of which few did not end: a ledger of years is not read through while nobody trades.
    of_epoch = select(func.max(intents.c.expires_at)).where(intents.c.epoch == lease_history.c.epoch)
    begun = lease_history.c.event.in_(BEGINNINGS) & lease_history.c.epoch.not_in(ended())
    newest = select(func.max(of_epoch.scalar_subquery(), type_=Instant())).where(begun)
    moment: datetime | None = connection.execute(newest).scalar_one()
    return moment


def since_crash(connection: Connection) -> timedelta | None:
    """How long ago, by the ledger's clock, the newest epoch began whose predecessor nobody ended in order."""
    begun = (
        select(
            lease_history.c.epoch,
            lease_history.c.at,
            func.lag(lease_history.c.epoch).over(order_by=lease_history.c.epoch).label("before"),
        )
        .where(lease_history.c.event.in_(BEGINNINGS))
        .subquery()
    )
    crashed = begun.c.before.is_not(None) & begun.c.before.not_in(ended())
    at = connection.execute(select(begun.c.at).where(crashed).order_by(begun.c.epoch.desc()).limit(1)).scalar()
    return None if at is None else ledger_now(connection) - at


def ended() -> Select[tuple[int]]:
    """The epochs that ended in order; one that was fenced did not, whatever came after."""
    fenced = select(lease_history.c.epoch).where(lease_history.c.event == "fence")
    in_order = lease_history.c.event.in_(("retire", "release"))
    return select(lease_history.c.epoch).where(in_order, lease_history.c.epoch.not_in(fenced))
