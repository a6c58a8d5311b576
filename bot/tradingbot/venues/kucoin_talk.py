"""Conversations with KuCoin's spot market: stops stand in a list of their own, and go to the book when they are met."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

from tradingbot.domain.order import Accepted, Fill, Order, OrderReport, OrderStatus, Outcome, Refused, Unknown
from tradingbot.domain.order import VenueWrite as Write
from tradingbot.venues import kucoin
from tradingbot.venues.binance import milliseconds
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Call, Json, Names, Rights, Talk, Traits, Weights
from tradingbot.venues.two_steps import gone, one_write, standing, taken_on

FINE = frozenset({"200000", "200"})
# "Does not exist" of an order asked for by our id.
NOT_THERE = frozenset({"126043", "400100", "404000"})
SERVER = frozenset({"500000"})
MOST_FILLS, MOST_STOPS = 100, 100
# The venue tells trades of so long at once.
SPAN = timedelta(days=7)
KEY_INFO = Call("privateGetUserApiKey", {})


class KucoinTalk:
    """A stop is looked for first: it only ever goes from its own list to the book."""

    traits = Traits(
        request_life=timedelta(seconds=5),
        visibility=timedelta(seconds=3),
        ping=Call("publicGetTimestamp", {}),
        owner=KEY_INFO,
        rights=KEY_INFO,
        urls={"public": "", "private": ""},
        # Key, passphrase, signature, address, rights of the key.
        refused_key=frozenset({"400003", "400004", "400005", "400006", "400007"}),
        wrong_time=frozenset({"400002"}),
        too_many=frozenset({"429000"}),
        weights={
            "privateGetUserApiKey": 20,
            "privateGetAccounts": 5,
            "privateGetStopOrder": 8,
            "privateGetStopOrderQueryOrderByClientOid": 3,
            "privateGetHfOrdersActive": 2,
            "privateGetHfOrdersClientOrderClientOid": 2,
            "privateGetHfOrdersOrderId": 2,
            "privateGetHfFills": 2,
        },
        writes=Weights(look=4, cancel=6, at_once=False),
        # Else the library signs with its own partner's name, and looks for another kind of account first.
        options={"partner": {}, "uta": False},
    )

    def __init__(self) -> None:
        self.names = Names()

    def failure(self, status: int, body: Any) -> bool:
        return status >= 400 or not isinstance(body, dict) or str(body.get("code")) not in FINE

    def word(self, answer: Answered) -> str:
        return str(answer.body.get("code") or answer.status)

    def judged(self, answer: Answered) -> Refused | Unknown:
        word, message = self.word(answer), answer.message
        # The id is in use: perhaps by this very order.
        duplicate = "clientoid" in message.lower() and any(each in message.lower() for each in ("duplic", "exist"))
        if answer.status >= 500 or word in SERVER or duplicate:
            return Unknown(f"{answer.status} {word} {message}".strip())
        return Refused(word, message)

    def owner(self, answer: Json) -> str:
        return str(answer["data"].get("uid") or "")

    def rights(self, answer: Json) -> Rights:
        told = answer["data"].get("permission")
        words = [each.strip().lower() for each in str(told or "").split(",")]
        # A key that does not say what it may do may do everything.
        may_withdraw = told is None or any("withdraw" in each or "transfer" in each for each in words)
        return Rights(may_withdraw, "spot" in words or "trade" in words, "Withdrawal, Transfer", "Spot")

    def signed(self, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        return fields

    def written(self, write: Write, window: int) -> Talk[Outcome]:
        take_back = partial(self._take_back, write.timestamp)
        return one_write(write, take_back, partial(self._place, write, window), self.judged)

    def _place(self, write: Write, window: int, request: Order) -> Talk[Accepted]:
        if kucoin.is_stop(request):
            call = Call("privatePostStopOrder", kucoin.stop_fields(write, request), write.timestamp)
        else:
            call = Call("privatePostHfOrders", kucoin.order_fields(write, request, window), write.timestamp)
        venue_id = (yield call)["data"]["orderId"]
        self.names[venue_id] = write.client_id
        look = partial(self._in_book, request.symbol, write.client_id)
        fills = partial(self._fills, request.symbol)
        return (yield from taken_on(standing(write, request, venue_id), look, fills))

    def _take_back(self, at: datetime, symbol: str, client_id: str) -> Talk[OrderReport]:
        fields = {"symbol": kucoin.market_id(symbol), "clientOid": client_id}
        stop = yield from self._stop(symbol, client_id)
        if stop is None:
            yield Call("privateDeleteHfOrdersClientOrderClientOid", fields, at)
            return (yield from gone(partial(self._in_book, symbol, client_id)))
        # A stop that could be cancelled had not been met, and the list it was in forgets it.
        yield Call("privateDeleteStopOrderCancelOrderByClientOid", fields, at)
        return kucoin.stop_report(symbol, stop, OrderStatus.CANCELLED)

    def found(self, symbol: str, client_id: str) -> Talk[OrderReport | None]:
        stop = yield from self._stop(symbol, client_id)
        booked = yield from self._in_book(symbol, client_id)
        if booked is None and stop is None:
            # A stop that is met just now is for a moment in neither list.
            booked = yield from self._in_book(symbol, client_id)
        return booked if booked is not None or stop is None else kucoin.stop_report(symbol, stop)

    def _stop(self, symbol: str, client_id: str) -> Talk[Json | None]:
        fields = {"symbol": kucoin.market_id(symbol), "clientOid": client_id}
        answer = yield from self._maybe(Call("privateGetStopOrderQueryOrderByClientOid", fields))
        rows = [answer] if isinstance(answer, dict) else answer or []
        for row in rows:
            if row.get("clientOid") == client_id:
                self.names[row["id"]] = client_id
                return dict(row)
        return None

    def _in_book(self, symbol: str, client_id: str) -> Talk[OrderReport | None]:
        fields = {"symbol": kucoin.market_id(symbol), "clientOid": client_id}
        row = yield from self._maybe(Call("privateGetHfOrdersClientOrderClientOid", fields))
        return self._known(symbol, row) if row else None

    def _maybe(self, call: Call) -> Talk[Any]:
        """What the venue has under an id, or None."""
        try:
            return (yield call)["data"]
        except Answered as answer:
            if self.word(answer) in NOT_THERE and "exist" in answer.message.lower().replace("_", " "):
                return None
            raise

    def listed(self, symbol: str) -> Talk[tuple[OrderReport, ...]]:
        market = kucoin.market_id(symbol)
        standing: dict[str, OrderReport] = {}
        for page in count(1):
            fields = {"symbol": market, "tradeType": "TRADE", "pageSize": MOST_STOPS, "currentPage": page}
            answer = (yield Call("privateGetStopOrder", fields))["data"]
            for row in answer["items"]:
                stop = kucoin.stop_report(symbol, row)
                self.names[stop.venue_id] = stop.client_id
                standing[stop.client_id] = stop
            if page >= answer["totalPage"]:
                break
        for row in (yield Call("privateGetHfOrdersActive", {"symbol": market}))["data"] or ():
            booked = self._known(symbol, row)
            standing[booked.client_id] = booked
        return tuple(standing.values())

    def filled(self, symbol: str, since: datetime, now: datetime) -> Talk[tuple[Fill, ...]]:
        fills: dict[str, Fill] = {}
        while since <= now:
            fills.update({each.trade_id: each for each in (yield from self._fills(symbol, since))})
            since += SPAN
        return tuple(sorted(fills.values(), key=lambda each: (each.at, each.trade_id)))

    def _fills(self, symbol: str, since: datetime) -> Talk[tuple[Fill, ...]]:
        """The trades of one span, which begins with *since*."""
        fields: dict[str, Any] = {
            "symbol": kucoin.market_id(symbol),
            "startAt": milliseconds(since),
            "endAt": milliseconds(since + SPAN),
            "limit": MOST_FILLS,
        }
        rows: list[Json] = []
        while True:
            answer = (yield Call("privateGetHfFills", fields))["data"]
            rows += answer["items"]
            if len(answer["items"]) < MOST_FILLS:
                break
            fields["lastId"] = answer["lastId"]
        names = {}
        for row in rows:
            names[row["orderId"]] = yield from self._name(symbol, row["orderId"])
        return tuple(kucoin.fill(symbol, row, names[row["orderId"]]) for row in rows)

    def _name(self, symbol: str, venue_id: str) -> Talk[str]:
        """The client id behind a trade, which only names the venue's own."""
        if venue_id not in self.names:
            fields = {"symbol": kucoin.market_id(symbol), "orderId": venue_id}
            self._known(symbol, (yield Call("privateGetHfOrdersOrderId", fields))["data"])
        return self.names[venue_id]

    def balances(self) -> Talk[Mapping[str, Decimal]]:
        return kucoin.balances((yield Call("privateGetAccounts", {}))["data"])

    def _known(self, symbol: str, row: Json) -> OrderReport:
        found = kucoin.report(symbol, row)
        self.names[found.venue_id] = found.client_id
        return found
