"""How numbers and names are written in a spec: no floats; money and percentages are decimals in strings."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DECIMAL = r"^([1-9][0-9]{0,17}([.][0-9]{1,18})?|0[.]0{0,17}[1-9][0-9]{0,17})$"
PERCENT = r"^(100([.]0{1,8})?|[1-9][0-9]?([.][0-9]{1,8})?|0[.]0{0,7}[1-9][0-9]{0,7})$"
SPAN = r"^[1-9][0-9]{0,5}(s|m|h)$"
LONG_SPAN = r"^[1-9][0-9]{0,5}(s|m|h|d)$"
HOURS = (
    r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?"
    r" ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
)
DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
SYMBOL = r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}$"
NAME = r"^[a-z][a-z0-9_]{0,62}$"
VENUE = r"^[a-z0-9]{1,40}$"
COIN = r"^[A-Z0-9]{1,20}$"
OBJECT_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
URL = r"^(https?|socks5)://[^ @/]+(/[^ @]*)?$"
SIZE = r"^[1-9][0-9]{0,8}(Mi|Gi|Ti)$"
TIMEZONE = r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$"
CRON = r"^[0-9*/,A-Z-]+( [0-9*/,A-Z-]+){4}$"
MOMENT = (
    r"^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-5][0-9])$"
)
IMAGE = r"^[a-z0-9]([A-Za-z0-9._:/@-]{0,510}[A-Za-z0-9])?$"


@dataclass(frozen=True, slots=True)
class Form:
    """How a string is written; its refusal names the value and the cure, in the model and in the CRD alike."""

    pattern: str
    what: str
    cure: str
    longest: int = 64

    def check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"'{text}' is not {self.what}; {self.cure}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        rule = {
            "rule": f"self.matches(r'{self.pattern}')",
            "messageExpression": f'"\'" + self + "\' is not {self.what}; {self.cure}"',
        }
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "x-kubernetes-validations": [rule]}


DecimalText = Annotated[
    str, Form(DECIMAL, "a decimal above zero", "write digits with an optional fraction in quotes, such as 1000 or 0.5")
]
PercentText = Annotated[
    str,
    Form(PERCENT, "a percentage", "write a decimal above 0 and up to 100 in quotes without the sign, such as 2 or 0.5"),
]
Span = Annotated[str, Form(SPAN, "a duration", "write a whole number with s, m or h, such as 15s, 2m or 1h")]
LongSpan = Annotated[
    str, Form(LONG_SPAN, "a duration", "write a whole number with s, m, h or d, such as 15s, 2m, 1h or 7d")
]
ClockText = Annotated[str, Form(CLOCK, "a time of day", "write hours and minutes in quotes, such as 00:00 or 17:30")]
HoursText = Annotated[
    str, Form(HOURS, "the hours of a market", "write days and times in quotes, such as Mon-Fri 09:30-16:00")
]
DayText = Annotated[str, Form(DAY, "a day", "write year, month and day in quotes, such as 2026-12-25", 10)]
SymbolText = Annotated[str, Form(SYMBOL, "a trading symbol", "write base and quote in capitals, such as BTC/USDT")]
NameText = Annotated[str, Form(NAME, "a name", "write lower-case letters, digits and _, such as sma_cross")]
VenueText = Annotated[str, Form(VENUE, "the name of a venue", "write it as ccxt does, such as binance")]
CoinText = Annotated[str, Form(COIN, "a coin", "write capitals and digits, such as USDT")]
ObjectName = Annotated[
    str, Form(OBJECT_NAME, "the name of a Kubernetes object", "write lower-case letters, digits, - and dots", 253)
]
UrlText = Annotated[str, Form(URL, "an address without credentials", "write http://host:port or https://host", 512)]
SizeText = Annotated[str, Form(SIZE, "a size", "write a whole number with Mi, Gi or Ti, such as 20Gi")]
TimezoneText = Annotated[str, Form(TIMEZONE, "a time zone", "write an IANA name, such as UTC or Europe/Berlin")]
CronText = Annotated[str, Form(CRON, "a schedule", "write five cron fields, such as 0 3 * * *")]
ImageText = Annotated[
    str, Form(IMAGE, "an image reference", "write registry/name:tag or registry/name@sha256:digest", 512)
]
MomentText = Annotated[str, Form(MOMENT, "a time", "write RFC 3339 in UTC, such as 2026-11-21T14:00:00Z")]
ShortText = Annotated[str, Field(min_length=1, max_length=256)]
LongText = Annotated[str, Field(min_length=1, max_length=1024)]


def span(text: str) -> timedelta:
    """The duration written as *text*, a whole number and one unit."""
    return timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])
