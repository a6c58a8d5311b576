"""Parameters of a request, read into values or refused with the venue's code."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from exchange_simulator.domain.numbers import ZERO
from exchange_simulator.domain.order import LIMITED_KINDS, TRIGGERED_KINDS, Kind, Side, TimeInForce
from exchange_simulator.domain.refusal import Refusal
from exchange_simulator.domain.request import NewOrder, Target

Parameters = Mapping[str, str]
Word = TypeVar("Word", bound=StrEnum)

CLIENT_ID = re.compile(r"[A-Za-z0-9-_.:/]{1,36}")
MAX_DECIMALS = 8


class BadParameter(Exception):
    """The request must change; carries the refusal to answer with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def required(parameters: Parameters, name: str) -> str:
    """The text of a mandatory parameter."""
    value = parameters.get(name, "")
    if not value:
        raise BadParameter(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return value


def whole(parameters: Parameters, name: str) -> int | None:
    """A whole number, or None when not sent."""
    text = parameters.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise BadParameter(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def amount(parameters: Parameters, name: str) -> Decimal:
    """A positive decimal of at most eight places, or zero when not sent."""
    text = parameters.get(name, "")
    if not text:
        return ZERO
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", text):
        raise BadParameter(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.",
        )
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BadParameter(-1100, f"Illegal characters found in parameter '{name}'.") from error
    if -int(value.normalize().as_tuple().exponent) > MAX_DECIMALS:
        raise BadParameter(-1111, f"Parameter '{name}' has too much precision.")
    return value


def word(parameters: Parameters, name: str, words: type[Word], code: int, message: str) -> Word:
    """One of a closed list of words."""
    text = required(parameters, name)
    if text not in words.__members__:
        raise BadParameter(code, message)
    return words[text]


def symbol(parameters: Parameters, known: Mapping[str, object]) -> str:
    """A symbol the venue lists."""
    text = required(parameters, "symbol")
    if text not in known:
        raise BadParameter(-1121, "Invalid symbol.")
    return text


def client_id(parameters: Parameters, name: str) -> str:
    """A client order id of the legal form, or empty when not sent."""
    text = parameters.get(name, "")
    if text and not CLIENT_ID.fullmatch(text):
        raise BadParameter(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[a-zA-Z0-9-_.:/]{{1,36}}$'."
        )
    return text


def new_order(parameters: Parameters, known: Mapping[str, object]) -> NewOrder:
    """The order a request asks for; parameters must be those its type needs, and no others."""
    kind_symbol = symbol(parameters, known)
    side = word(parameters, "side", Side, -1117, "Invalid side.")
    kind = word(parameters, "type", Kind, -1116, "Invalid orderType.")
    wish = NewOrder(
        symbol=kind_symbol,
        side=side,
        kind=kind,
        quantity=amount(parameters, "quantity"),
        quote_quantity=amount(parameters, "quoteOrderQty"),
        price=amount(parameters, "price"),
        stop_price=amount(parameters, "stopPrice"),
        time_in_force=time_in_force(parameters, kind),
        client_id=client_id(parameters, "newClientOrderId"),
    )
    expect(wish)
    return wish


def time_in_force(parameters: Parameters, kind: Kind) -> TimeInForce:
    needs = kind in LIMITED_KINDS and kind is not Kind.LIMIT_MAKER
    if needs:
        return word(parameters, "timeInForce", TimeInForce, -1115, "Invalid timeInForce.")
    if parameters.get("timeInForce"):
        raise BadParameter(-1106, "Parameter 'timeInForce' sent when not required.")
    return TimeInForce.GTC


def expect(wish: NewOrder) -> None:
    """Each amount is there when the type needs it and absent when it does not."""
    wants = {
        "quantity": (wish.quantity, wish.quote_quantity == ZERO),
        "quoteOrderQty": (wish.quote_quantity, wish.kind is Kind.MARKET and wish.quantity == ZERO),
        "price": (wish.price, wish.kind in LIMITED_KINDS),
        "stopPrice": (wish.stop_price, wish.kind in TRIGGERED_KINDS),
    }
    for name, (value, needed) in wants.items():
        if needed and value == ZERO:
            missing = "quantity" if name == "quoteOrderQty" else name
            raise BadParameter(-1102, f"Mandatory parameter '{missing}' was not sent, was empty/null, or malformed.")
        if value != ZERO and not needed:
            raise BadParameter(-1106, f"Parameter '{name}' sent when not required.")


def target(parameters: Parameters, known: Mapping[str, object], prefix: str = "") -> Target:
    """Which order is meant; *prefix* `cancel` reads the names of cancel-replace."""
    order_name = f"{prefix}OrderId" if prefix else "orderId"
    client_name = f"{prefix}OrigClientOrderId" if prefix else "origClientOrderId"
    order_id = whole(parameters, order_name)
    named = client_id(parameters, client_name)
    if order_id is None and not named:
        raise BadParameter(-1102, f"Param '{client_name}' or '{order_name}' must be sent, but both were empty/null!")
    fresh = client_id(parameters, "cancelNewClientOrderId" if prefix else "newClientOrderId")
    return Target(symbol(parameters, known), order_id, named or None, fresh)
