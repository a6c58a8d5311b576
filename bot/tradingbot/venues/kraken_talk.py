"""Conversations with Kraken's spot market: orders are found by our id, first among the open, then among the closed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

from tradingbot.domain.order import Accepted, Fill, Order, OrderReport, Outcome, Refused, Unknown, VenueWrite
from tradingbot.venues import kraken
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Call, Json, Names, Rights, Talk, Traits, Weights
from tradingbot.venues.two_steps import gone, one_write, standing, taken_on

PAGE = 50
# The engine may have acted before the door fell over.
UNKNOWN = frozenset({"EService:Unavailable", "EService:Busy", "EService:Timeout", "EGeneral:Internal error"})
KEY_INFO = Call("privatePostGetApiKeyInfo", {})


class KrakenTalk:
    """Each private request counts higher than the one before, so they go one by one, and each colour needs its key."""

    traits = Traits(
        request_life=timedelta(seconds=5),
        visibility=timedelta(seconds=3),
        ping=Call("publicGetTime", {}),
        owner=KEY_INFO,
        rights=KEY_INFO,
        urls={"public": "", "private": ""},
        refused_key=frozenset({"EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied"}),
        wrong_time=frozenset({"EAPI:Invalid nonce"}),
        too_many=frozenset({"EAPI:Rate limit exceeded", "EGeneral:Too many requests", "EGeneral:Temporary lockout"}),
        # Placing and cancelling have a budget of their own there; looking after them has not.
        weights={"privatePostTradesHistory": 2, "privatePostAddOrder": 0, "privatePostCancelOrder": 0},
        writes=Weights(look=4, cancel=2, at_once=False),
        serial=True,
    )

    def __init__(self) -> None:
        self.names = Names()

    def failure(self, status: int, body: Any) -> bool:
        return status >= 400 or bool(_errors(body))

    def word(self, answer: Answered) -> str:
        errors = _errors(answer.body)
        return ":".join(errors[0].split(":")[:2]) if errors else str(answer.status)

    def judged(self, answer: Answered) -> Refused | Unknown:
        word, whole = self.word(answer), ", ".join(_errors(answer.body))
        if answer.status >= 500 or word in UNKNOWN or "cl_ord_id" in whole.lower():
            return Unknown(f"{answer.status} {whole}".strip())
        return Refused(word, whole)

    def owner(self, answer: Json) -> str:
        return str(answer["result"].get("iban", ""))

    def rights(self, answer: Json) -> Rights:
        allowed = answer["result"].get("permissions")
        # A key that does not say what it may do may do everything.
        may_withdraw = allowed is None or any("withdraw" in each or "transfer" in each for each in allowed)
        return Rights(may_withdraw, "modify-trades" in (allowed or ()), "withdraw-funds", "modify-trades")

    def signed(self, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        return fields

    def written(self, write: VenueWrite, window: int) -> Talk[Outcome]:
        return one_write(write, self._take_back, partial(self._place, write, window), self.judged)

    def _place(self, write: VenueWrite, window: int, request: Order) -> Talk[Accepted]:
        deadline = write.timestamp + timedelta(milliseconds=window)
        answer = yield Call("privatePostAddOrder", kraken.order_fields(request, write.client_id, deadline))
        txid = answer["result"]["txid"][0]
        self.names[txid] = write.client_id
        look = partial(self.found, request.symbol, write.client_id)
        fills = partial(self._fills, request.symbol)
        return (yield from taken_on(standing(write, request, txid), look, fills))

    def _take_back(self, symbol: str, client_id: str) -> Talk[OrderReport]:
        yield Call("privatePostCancelOrder", {"cl_ord_id": client_id})
        return (yield from gone(partial(self.found, symbol, client_id)))

    def found(self, symbol: str, client_id: str) -> Talk[OrderReport | None]:
        # In this order: an order only ever goes from the first list to the second.
        for method, listed in (("privatePostOpenOrders", "open"), ("privatePostClosedOrders", "closed")):
            answer = yield Call(method, {"cl_ord_id": client_id})
            for txid, row in answer["result"][listed].items():
                if row.get("cl_ord_id") == client_id:
                    return self._known(symbol, txid, row)
        return None

    def listed(self, symbol: str) -> Talk[tuple[OrderReport, ...]]:
        answer = yield Call("privatePostOpenOrders", {})
        names = kraken.market_names(symbol)
        rows = answer["result"]["open"].items()
        return tuple(self._known(symbol, txid, row) for txid, row in rows if row["descr"]["pair"] in names)

    def filled(self, symbol: str, since: datetime, now: datetime) -> Talk[tuple[Fill, ...]]:  # noqa: ARG002
        return self._fills(symbol, since)

    def _fills(self, symbol: str, since: datetime) -> Talk[tuple[Fill, ...]]:
        # The venue leaves out what happened in the very second it is asked for.
        start = str(int(since.timestamp()) - 1)
        rows: dict[str, Json] = {}
        for offset in count(0, PAGE):
            page = (yield Call("privatePostTradesHistory", {"start": start, "ofs": str(offset)}))["result"]["trades"]
            rows.update(page)
            if len(page) < PAGE:
                break
        names = kraken.market_names(symbol)
        ours = {trade_id: row for trade_id, row in rows.items() if row["pair"] in names}
        yield from self._learn({row["ordertxid"] for row in ours.values()})
        fills = [
            kraken.fill(symbol, trade_id, row, self.names.get(row["ordertxid"], row["ordertxid"]))
            for trade_id, row in ours.items()
        ]
        return tuple(sorted((each for each in fills if each.at >= since), key=lambda each: (each.at, each.trade_id)))

    def _learn(self, txids: set[str]) -> Talk[None]:
        """The client ids behind *txids* are known, as far as they have one."""
        unknown = sorted(txid for txid in txids if txid not in self.names)
        for first in range(0, len(unknown), PAGE):
            asked = unknown[first : first + PAGE]
            answer = yield Call("privatePostQueryOrders", {"txid": ",".join(asked)})
            for txid, row in answer["result"].items():
                self.names[txid] = str(row.get("cl_ord_id") or txid)

    def balances(self) -> Talk[Mapping[str, Decimal]]:
        return kraken.balances((yield Call("privatePostBalance", {}))["result"])

    def _known(self, symbol: str, txid: str, row: Json) -> OrderReport:
        found = kraken.report(symbol, txid, row)
        self.names[txid] = found.client_id
        return found


def _errors(body: Any) -> list[str]:
    """What failed; a word that begins with W only warns."""
    told = body.get("error") if isinstance(body, dict) else None
    return [each for each in told if not each.startswith("W")] if isinstance(told, list) else []
