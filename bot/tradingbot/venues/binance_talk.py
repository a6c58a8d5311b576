"""Conversations with Binance's spot market: which calls make up one of our questions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradingbot.domain.order import Accepted, Cancel, Fill, OrderReport, Outcome, Refused, Unknown, VenueWrite
from tradingbot.venues import binance
from tradingbot.venues.consequence import Answered, is_unknown_order, outcome_of
from tradingbot.venues.dialect import Call, Json, Names, Rights, Talk, Traits

MOST_TRADES = 1000
READ_WINDOW = 5000


class BinanceTalk:
    """Every order carries our id; cancel and place are one request."""

    traits = Traits(
        request_life=timedelta(seconds=2),
        visibility=timedelta(seconds=3),
        ping=Call("publicGetPing", {}),
        owner=Call("privateGetAccount", {}),
        rights=Call("sapiGetAccountApiRestrictions", {}),
        urls={"public": "/api/v3", "private": "/api/v3", "sapi": "/sapi/v1"},
        # "Invalid API-key, IP, or permissions" and "API-key format invalid".
        refused_key=frozenset({"-2014", "-2015"}),
        wrong_time=frozenset({"-1021"}),
        too_many_orders=frozenset({"-1015"}),
        weights={
            "privateGetAccount": 20,
            "privateGetMyTrades": 20,
            "privateGetOpenOrders": 6,
            "privateGetOrder": 4,
        },
        streams=True,
    )

    def __init__(self) -> None:
        self.names = Names()

    def failure(self, status: int, body: Any) -> bool:  # noqa: ARG002
        return status >= 400

    def word(self, answer: Answered) -> str:
        return str(answer.code)

    def judged(self, answer: Answered) -> Refused | Unknown:
        return outcome_of(answer)

    def owner(self, answer: Json) -> str:
        return str(answer.get("uid", ""))

    def rights(self, answer: Json) -> Rights:
        # What is not said to be off counts as on, and the other way round.
        may_withdraw = answer.get("enableWithdrawals") is not False
        may_trade = answer.get("enableSpotAndMarginTrading") is True
        return Rights(may_withdraw, may_trade, "enableWithdrawals", "enableSpotAndMarginTrading")

    def signed(self, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        return {**fields, "timestamp": binance.milliseconds(now), "recvWindow": READ_WINDOW}

    def written(self, write: VenueWrite, window: int) -> Talk[Outcome]:
        request, symbol = write.request, write.request.symbol
        signed = {"timestamp": binance.milliseconds(write.timestamp), "recvWindow": window}
        if isinstance(request, Cancel):
            row = yield Call("privateDeleteOrder", {**binance.cancel_parameters(request), **signed})
            return Accepted(binance.report(symbol, row))
        if request.replaces is None:
            row = yield Call("privatePostOrder", {**binance.order_parameters(request, write.client_id), **signed})
        else:
            fields = binance.replace_parameters(request, write.client_id)
            row = (yield Call("privatePostOrderCancelReplace", {**fields, **signed}))["newOrderResponse"]
        self.names[str(row["orderId"])] = write.client_id
        return Accepted(binance.report(symbol, row), binance.answered_fills(symbol, row))

    def found(self, symbol: str, client_id: str) -> Talk[OrderReport | None]:
        fields = {"symbol": binance.market_id(symbol), "origClientOrderId": client_id}
        try:
            return self._known(symbol, (yield Call("privateGetOrder", fields)))
        except Answered as answer:
            if is_unknown_order(answer):
                return None
            raise

    def listed(self, symbol: str) -> Talk[tuple[OrderReport, ...]]:
        rows = yield Call("privateGetOpenOrders", {"symbol": binance.market_id(symbol)})
        return tuple(self._known(symbol, row) for row in rows)

    def filled(self, symbol: str, since: datetime, now: datetime) -> Talk[tuple[Fill, ...]]:  # noqa: ARG002
        fields: dict[str, Any] = {"symbol": binance.market_id(symbol), "limit": MOST_TRADES}
        rows = page = yield Call("privateGetMyTrades", {**fields, "startTime": binance.milliseconds(since)})
        while len(page) == MOST_TRADES:
            page = yield Call("privateGetMyTrades", {**fields, "fromId": int(page[-1]["id"]) + 1})
            rows = [*rows, *page]
        names = {}
        for row in rows:
            names[str(row["orderId"])] = yield from self._name(symbol, row)
        return tuple(binance.listed_fill(symbol, row, names[str(row["orderId"])]) for row in rows)

    def balances(self) -> Talk[Mapping[str, Decimal]]:
        answer = yield Call("privateGetAccount", {})
        return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in answer["balances"]}

    def _name(self, symbol: str, row: Json) -> Talk[str]:
        """The client id behind a trade, which only names the venue's own."""
        venue_id = str(row["orderId"])
        if venue_id not in self.names:
            fields = {"symbol": binance.market_id(symbol), "orderId": venue_id}
            self._known(symbol, (yield Call("privateGetOrder", fields)))
        return self.names[venue_id]

    def _known(self, symbol: str, row: Json) -> OrderReport:
        found = binance.report(symbol, row)
        self.names[found.venue_id] = found.client_id
        return found
