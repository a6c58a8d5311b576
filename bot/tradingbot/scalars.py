"""The kinds of values that settings are made of, each refused with what to write instead."""

import re
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from tradingbot.domain.hours import parse_hours

UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}")


def cure(message: str, **context: Any) -> PydanticCustomError:
    """A refusal whose *message* ends in what to write instead; it is shown unchanged after field and value."""
    return PydanticCustomError("cure", message, context or None)


def parse_decimal(value: object) -> Decimal:
    """The exact number of a string such as ``"12.5"``; JSON numbers are refused, for they may have lost digits."""
    try:
        number = Decimal(value) if isinstance(value, str) and "_" not in value else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise cure('is not a string holding a decimal: write for example "200" or "0.5"')
    return number


def parse_duration(value: object) -> timedelta:
    """The length of a string such as ``15s``, ``2m``, ``1h``."""
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise cure('is not a duration: write a number and one of ms, s, m, h, d, for example "15s"')
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _positive(number: Decimal) -> Decimal:
    if number <= 0:
        raise cure("is not above zero: write a positive decimal")
    return number


def _percent(number: Decimal) -> Decimal:
    if not 0 < number <= 100:
        raise cure("is not a percentage above 0 and at most 100: write one in between")
    return number


def market(symbol: str) -> str:
    if not SYMBOL.fullmatch(symbol):
        raise cure('is not a market: write base and quote coin, for example "BTC/USDT"')
    return symbol


def bot_name(name: str) -> str:
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", name):
        raise cure("is not a bot's name: write at most 40 lower-case letters, digits and dashes, a letter first")
    return name


def _url(url: str) -> str:
    if not re.fullmatch(r"(https?|socks5)://[^\s@/]+(/[^\s@]*)?", url):
        raise cure('is not an address without credentials: write for example "http://host:8080"')
    return url


def _address(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise cure('is not host:port: write for example "0.0.0.0:8000"')
    return address


def zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise cure('is not a time zone of the IANA list: write for example "UTC" or "Europe/Berlin"') from None
    return name


def clock_time(text: object) -> time:
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text) if isinstance(text, str) else None
    if match is None:
        raise cure('is not a time of day: write HH:MM, for example "00:00"')
    return time(int(match[1]), int(match[2]))


def market_hours(text: str) -> str:
    if parse_hours(text) is None:
        raise cure('is not the hours of a market: write days and times, for example "Mon-Fri 09:30-16:00"')
    return text


def calendar_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise cure("is not a day: write for example 2026-12-25") from None


def _path(value: object) -> Path:
    if not isinstance(value, str) or not value.startswith("/"):
        raise cure("is not an absolute path: write one that begins with /")
    return Path(value)


Money = Annotated[Decimal, BeforeValidator(parse_decimal), AfterValidator(_positive)]
Percent = Annotated[Decimal, BeforeValidator(parse_decimal), AfterValidator(_percent)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Url = Annotated[str, AfterValidator(_url)]
Address = Annotated[str, AfterValidator(_address)]
AbsolutePath = Annotated[Path, PlainValidator(_path)]
Mode = Literal["sim", "dry-run", "paper", "live"]
Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"]
