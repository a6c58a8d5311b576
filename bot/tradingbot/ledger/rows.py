"""Rows to values and back; nothing here asks the database."""

from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Row

from tradingbot.domain.clientid import parse_client_id
from tradingbot.domain.errors import UnknownState
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.intent import Decision
from tradingbot.domain.lease import Lease
from tradingbot.domain.order import (
    Cancel,
    Fill,
    Order,
    OrderRecord,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    VenueWrite,
)

Values = dict[str, Any]
Word = TypeVar("Word", bound=StrEnum)


def writer(held: Lease) -> Values:
    """What the fence compares."""
    return {"epoch": held.epoch, "instance": held.instance}


def intent_values(write: VenueWrite, held: Lease) -> Values:
    request = write.request
    values: Values = {
        "sequence": write.sequence,
        "client_id": write.client_id,
        "symbol": request.symbol,
        "reason": request.reason,
        "timestamp": write.timestamp,
        "expires_at": write.expires_at,
        **writer(held),
    }
    if isinstance(request, Cancel):
        return values | {"kind": "cancel", "target": request.client_id}
    return values | {
        "kind": "order",
        "side": request.side,
        "type": request.type,
        "purpose": request.purpose,
        "quantity": request.quantity,
        "price": request.price,
        "stop_price": request.stop_price,
        "target": request.replaces,
        "seen_at": request.seen_at,
    }


def record(row: Row[Any]) -> OrderRecord:
    """A row of intents joined with outcomes."""
    request: Order | Cancel
    if row.kind == "cancel":
        request = Cancel(row.symbol, row.target, row.reason)
    else:
        request = Order(
            symbol=row.symbol,
            side=known(Side, row.side, row.client_id),
            type=known(OrderType, row.type, row.client_id),
            purpose=known(Purpose, row.purpose, row.client_id),
            quantity=row.quantity,
            price=row.price,
            stop_price=row.stop_price,
            replaces=row.target,
            seen_at=row.seen_at,
            reason=row.reason,
        )
    # Its name tells the epoch it was sent under, which for a replayed one is not that of who wrote the row.
    name = parse_client_id(row.client_id)
    epoch = name.epoch if name else row.epoch
    write = VenueWrite(row.client_id, epoch, row.sequence, request, row.timestamp, row.expires_at)
    status = known(OrderStatus, row.status, row.client_id)
    return OrderRecord(write, status, row.filled, row.venue_id, row.message)


def known(words: type[Word], found: str, of: str) -> Word:
    """The word in the row *of* that name; raises UnknownState when it is none of ours."""
    try:
        return words(found)
    except ValueError:
        raise UnknownState(f'the ledger holds "{found}" as {words.__name__} of {of}') from None


def decision_values(decision: Decision, client_id: str | None, held: Lease) -> Values:
    intent, refusal = decision.intent, decision.refusal
    return {
        "strategy": decision.strategy,
        "symbol": decision.symbol,
        "bar": decision.bar,
        "action": intent.action if intent else "hold",
        "price": intent.price if intent else None,
        "stop_price": intent.stop_price if intent else None,
        "seen_at": intent.seen_at if intent else None,
        "reason": intent.reason if intent else "",
        "refusal": refusal.reason if refusal else None,
        "refusal_message": refusal.message if refusal else None,
        "client_id": client_id,
        **writer(held),
    }


def fill_values(fill: Fill, venue: str, held: Lease) -> Values:
    return {
        "venue": venue,
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "client_id": fill.client_id,
        "venue_id": fill.venue_id,
        "side": fill.side,
        "quantity": fill.quantity,
        "price": fill.price,
        "commission": fill.commission,
        "commission_asset": fill.commission_asset,
        "at": fill.at,
        "maker": fill.maker,
        "bar": fill.bar,
        **writer(held),
    }


def fill(row: Row[Any]) -> Fill:
    return Fill(
        symbol=row.symbol,
        trade_id=row.trade_id,
        client_id=row.client_id,
        venue_id=row.venue_id,
        side=known(Side, row.side, f"trade {row.trade_id}"),
        quantity=row.quantity,
        price=row.price,
        commission=row.commission,
        commission_asset=row.commission_asset,
        at=row.at,
        maker=row.maker,
        bar=row.bar,
    )


def in_time(fill: Fill) -> tuple[object, ...]:
    """Sorts fills as they happened; trade ids that count up break ties within one millisecond."""
    return fill.at, len(fill.trade_id), fill.trade_id


def halt(row: Row[Any]) -> Halt:
    return Halt(row.id, known(HaltKind, row.kind, f"halt {row.id}"), row.source, row.reason, row.since, row.is_limit)
