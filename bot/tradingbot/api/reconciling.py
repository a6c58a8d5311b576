"""``POST /api/reconcile``: what ledger and account disagree about, and what a person wishes to be done about it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from tradingbot.api.answers import BadBody, Json, body
from tradingbot.api.desk import Desk
from tradingbot.api.view import decimal
from tradingbot.domain.reconciliation import Action, Difference, Orders, Reconciled, Wish
from tradingbot.scalars import parse_decimal, parse_duration

YES, NO = "true", "false"
# What every venue still tells of a market in a few answers.
LONGEST = timedelta(days=7)


def reconciling(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        optional = {
            "reason": "why",
            "force": NO,
            "name": "of the wish",
            "since": "24h",
            "symbol": "BTC/USDT",
            "price": "50000",
        }
        sent = await body(request, {"action": Action.SHOW.value}, optional)
        known = ", ".join(each.value for each in Action)
        if sent["action"] not in {each.value for each in Action}:
            raise BadBody(f'action "{sent["action"]}" is unknown: write one of {known}')
        if sent.get("force", NO) not in (YES, NO):
            raise BadBody(f'force "{sent["force"]}" is neither: write "{YES}" or "{NO}"')
        action, reason = Action(sent["action"]), sent.get("reason", "").strip()
        if action not in (Action.SHOW, Action.UNAUTHORIZED) and not reason:
            raise BadBody('reason is missing: send for example "reason": "why the ledger is to change"')
        since = _since(sent.get("since", "24h"))
        closed = _closed(sent, action)
        wish = Wish(action, sent.get("name", "").strip(), reason, sent.get("force") == YES, since, *closed)
        done = await desk.commands.reconcile(wish)
        told = {"differences": [_difference(each) for each in done.differences], **_compared(done)}
        return Json(told) if done.refused is None else Json({"error": done.refused, "again": done.again, **told}, 409)

    return answer


def _since(text: str) -> timedelta:
    try:
        since = parse_duration(text)
    except ValueError:
        since = timedelta(0)
    if not timedelta(0) < since <= LONGEST:
        raise BadBody(f'since "{text[:20]}" is not a time up to {LONGEST.days} days: write for example "24h"')
    return since


def _closed(sent: Mapping[str, str], action: Action) -> tuple[str | None, Decimal | None]:
    """The one position that is to be marked closed, and its price; neither: all of them, at the last price."""
    if "symbol" not in sent and "price" not in sent:
        return None, None
    if action is not Action.MARK_CLOSED or not ("symbol" in sent and "price" in sent):
        raise BadBody(f'symbol and price go together, with action "{Action.MARK_CLOSED.value}": write both or neither')
    try:
        price = parse_decimal(sent["price"])
    except ValueError as error:
        raise BadBody(f'price "{sent["price"]}" {error}') from None
    if price <= 0:
        raise BadBody(f'price "{sent["price"]}" is not above zero: write what was paid')
    return sent["symbol"], price


def _compared(done: Reconciled) -> dict[str, object]:
    """Money and orders where they were looked at, and whether each agrees."""
    if done.money is None or done.orders is None:
        return {}
    money, orders = done.money, done.orders
    amounts = {"ledger": decimal(money.ledger), "account": decimal(money.account)}
    return {
        "positions": {"match": not any(each.done for each in done.differences)},
        "account": {"match": money.match, "currency": money.currency, **amounts},
        "orders": {
            "match": orders == Orders(),
            "unknown": list(orders.unknown),
            "missing": list(orders.missing),
        },
    }


def _difference(value: Difference) -> dict[str, str]:
    return {
        "symbol": value.symbol,
        "ledger": decimal(value.ledger),
        "account": decimal(value.account),
        "done": value.done,
    }
