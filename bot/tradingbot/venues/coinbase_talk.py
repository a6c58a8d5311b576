"""Conversations with Coinbase's Advanced Trade: it takes our id, but is asked and told to cancel by its own number."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from tradingbot.domain.order import Accepted, Cancel, Fill, Order, OrderReport, Outcome, Refused, Unknown, VenueWrite
from tradingbot.venues import coinbase
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Call, Json, Names, Rights, Talk, Traits, Weights
from tradingbot.venues.two_steps import gone, one_write, standing, taken_on

PAGE = 250
RIGHTS = Call("v3PrivateGetBrokerageKeyPermissions", {})
ORDERS = "v3PrivateGetBrokerageOrdersHistoricalBatch"
# The venue does not say what was wrong, so it need not have been refused.
UNKNOWN = frozenset({"UNKNOWN_FAILURE_REASON", "UNKNOWN_CANCEL_FAILURE_REASON"})


class CoinbaseTalk:
    """An id in use is answered with the order that has it, so nothing is ever asked by sending it again."""

    traits = Traits(
        # What a signed request is good for; no parameter makes it shorter.
        request_life=timedelta(seconds=120),
        visibility=timedelta(seconds=3),
        ping=Call("v3PublicGetBrokerageTime", {}),
        owner=RIGHTS,
        rights=RIGHTS,
        urls={"rest": ""},
        refused_key=frozenset({"401", "Unauthorized"}),
        too_many=frozenset({"rate_limit_exceeded"}),
        writes=Weights(look=2, cancel=3, at_once=False),
    )

    def __init__(self) -> None:
        self.names = Names()

    def failure(self, status: int, body: Any) -> bool:
        return status >= 400 or not isinstance(body, dict) or body.get("success") is False

    def word(self, answer: Answered) -> str:
        told = answer.body.get("error_response") or answer.body
        return str(told.get("preview_failure_reason") or told.get("error") or answer.status)

    def judged(self, answer: Answered) -> Refused | Unknown:
        word = self.word(answer)
        message = str((answer.body.get("error_response") or answer.body).get("message") or "")
        if answer.status >= 500 or word in UNKNOWN:
            return Unknown(f"{answer.status} {word} {message}".strip())
        return Refused(word, message)

    def owner(self, answer: Json) -> str:
        return str(answer.get("portfolio_uuid") or "")

    def rights(self, answer: Json) -> Rights:
        # What is not said to be off counts as on, and the other way round.
        may_withdraw, may_trade = answer.get("can_transfer") is not False, answer.get("can_trade") is True
        return Rights(may_withdraw, may_trade, "can_transfer", "can_trade")

    def signed(self, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        return fields

    def written(self, write: VenueWrite, window: int) -> Talk[Outcome]:  # noqa: ARG002
        request = write.request
        if not isinstance(request, Cancel) and request.type not in coinbase.SPOKEN:
            return Refused("NotSpoken", f"this venue has no order of type {request.type}")
        take_back = partial(self._take_back, write.timestamp)
        return (yield from one_write(write, take_back, partial(self._place, write), self.judged))

    def _place(self, write: VenueWrite, request: Order) -> Talk[Accepted]:
        fields = coinbase.order_fields(request, write.client_id)
        answer = yield Call("v3PrivatePostBrokerageOrders", fields, write.timestamp)
        venue_id = answer["success_response"]["order_id"]
        self.names[venue_id] = write.client_id
        look = partial(self.found, request.symbol, write.client_id)
        fills = partial(self._fills, request.symbol)
        return (yield from taken_on(standing(write, request, venue_id), look, fills))

    def _take_back(self, at: datetime, symbol: str, client_id: str) -> Talk[OrderReport]:
        old = yield from self.found(symbol, client_id)
        if old is None:
            raise Answered(200, {"error": "UNKNOWN_CANCEL_ORDER", "message": f"no order {client_id}"}, {})
        call = Call("v3PrivatePostBrokerageOrdersBatchCancel", {"order_ids": [old.venue_id]}, at)
        (result,) = (yield call)["results"]
        if not result["success"]:
            raise Answered(200, {"error": result["failure_reason"], "message": client_id}, {})
        return (yield from gone(partial(self._by_number, symbol, old.venue_id)))

    def found(self, symbol: str, client_id: str) -> Talk[OrderReport | None]:
        venue_id = self.names.number(client_id)
        if venue_id is not None:
            return (yield from self._by_number(symbol, venue_id))
        fields = {"product_ids": [coinbase.market_id(symbol)]}
        rows = yield from self._pages(ORDERS, fields, "orders", client_id)
        return next((each for each in self._known(symbol, rows) if each.client_id == client_id), None)

    def _by_number(self, symbol: str, venue_id: str) -> Talk[OrderReport | None]:
        answer = yield Call("v3PrivateGetBrokerageOrdersHistoricalOrderId", {"order_id": venue_id})
        return self._known(symbol, [answer["order"]])[0]

    def listed(self, symbol: str) -> Talk[tuple[OrderReport, ...]]:
        working: dict[str, OrderReport] = {}
        # Each is listed only by itself, and an order only ever goes from the first list to the second.
        for status in ("PENDING", "OPEN"):
            fields = {"product_ids": [coinbase.market_id(symbol)], "order_status": [status]}
            rows = yield from self._pages(ORDERS, fields, "orders")
            working.update({each.venue_id: each for each in self._known(symbol, rows)})
        return tuple(working.values())

    def filled(self, symbol: str, since: datetime, now: datetime) -> Talk[tuple[Fill, ...]]:  # noqa: ARG002
        return self._fills(symbol, since)

    def _fills(self, symbol: str, since: datetime) -> Talk[tuple[Fill, ...]]:
        start = since.astimezone(UTC).isoformat().replace("+00:00", "Z")
        fields = {"product_ids": [coinbase.market_id(symbol)], "start_sequence_timestamp": start}
        rows = yield from self._pages("v3PrivateGetBrokerageOrdersHistoricalFills", fields, "fills")
        rows = [row for row in rows if row["trade_type"] == "FILL"]
        for row in rows:
            if row["order_id"] not in self.names:
                yield from self._by_number(symbol, row["order_id"])
        fills = [coinbase.fill(symbol, row, self.names[row["order_id"]]) for row in rows]
        return tuple(sorted(fills, key=lambda each: (each.at, each.trade_id)))

    def balances(self) -> Talk[Mapping[str, Decimal]]:
        return coinbase.balances((yield from self._pages("v3PrivateGetBrokerageAccounts", {}, "accounts")))

    def _pages(self, method: str, fields: Mapping[str, Any], name: str, until: str = "") -> Talk[list[Json]]:
        """Every row, or those up to the one that bears the client id *until*."""
        rows: list[Json] = []
        cursor: dict[str, str] = {}
        while True:
            answer = yield Call(method, {**fields, "limit": PAGE, **cursor})
            rows += answer[name]
            done = until and any(row.get("client_order_id") == until for row in answer[name])
            if done or not answer.get("cursor") or answer.get("has_next") is False:
                return rows
            cursor = {"cursor": answer["cursor"]}

    def _known(self, symbol: str, rows: list[Json]) -> tuple[OrderReport, ...]:
        found = tuple(coinbase.report(symbol, row) for row in rows)
        for each in found:
            self.names[each.venue_id] = each.client_id
        return found
