"""A drill: would this pod, as it is, be kept from real money? Each layer is tried with what must not get through it."""

import json
import secrets as randomness
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tradingbot.attempts import Attempts
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.realmoney import differences
from tradingbot.settings import Settings, parse_settings
from tradingbot.start.adapters import account_of
from tradingbot.start.addresses import BASES
from tradingbot.start.credentials import ExchangeKeys, load_secrets
from tradingbot.venues.trial import tried

# No database is asked.
FILE = {"mode": "embedded"}


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing that keeps real money away, and whether it did."""

    name: str
    blocks: bool
    message: str


async def drilled(settings: Settings, environment: Mapping[str, str]) -> tuple[Layer, ...]:
    """What each layer made of an order with real money; raises Misconfigured where that is what the bot is for."""
    if settings.mode == "live":
        raise Misconfigured('mode "live" trades with real money: nothing is to keep it from it, ask a bot of another')
    return _settings(settings), await _lines(settings), _keys(settings), _words(settings, environment)


def _settings(settings: Settings) -> Layer:
    """Settings by which orders would go to the venue itself are refused."""
    place = BASES[settings.exchange.name][0]
    try:
        parse_settings(_changed(settings, mode="paper", exchange={"sandbox": True, "endpoint": place}))
    except Misconfigured as refusal:
        return Layer("settings", place in str(refusal), str(refusal))
    return Layer("settings", False, f"a sandbox at {place} is taken")


async def _lines(settings: Settings) -> Layer:
    """An order of a client that was made for the venue itself all the same gets no line."""
    keys = ExchangeKeys(*(SecretStr(randomness.token_hex(16)) for _ in range(3)))
    plain = parse_settings(_changed(settings, mode="paper", exchange={"sandbox": False}))
    reached = await tried(account_of(plain, keys, "tradingbot/drill", Attempts()))
    said = f"an order was on its way to {reached}" if reached else "an order for the venue itself was kept back"
    return Layer("lines", not reached, said)


def _keys(settings: Settings) -> Layer:
    """Keys that are mounted by mistake are not held."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "exchange").mkdir()
        for name in ("apiKey", "secret", "password"):
            (Path(folder) / "exchange" / name).write_text(randomness.token_hex(16))
        plain = _changed(settings, mode="paper", exchange={"sandbox": False}, paths={"secrets": folder}, database=FILE)
        held = load_secrets(parse_settings(plain)).exchange is not None
    return Layer("keys", not held, "keys in a pod on paper are held" if held else "keys in a pod on paper are not held")


def _words(settings: Settings, environment: Mapping[str, str]) -> Layer:
    found = differences(settings.place, None, environment)
    return Layer("words", not found, "; ".join(found) or f"settings and environment agree on mode {settings.mode}")


def _changed(settings: Settings, **changes: Any) -> str:
    """The least settings of such a bot as JSON, with *changes* field by field."""
    rendered: dict[str, Any] = {
        "bot": settings.bot.model_dump(mode="json"),
        "strategy": {"name": settings.strategy.name},
        "exchange": {"name": settings.exchange.name, "symbols": list(settings.exchange.symbols)},
    }
    for name, value in changes.items():
        rendered[name] = {**rendered.get(name, {}), **value} if isinstance(value, dict) else value
    return json.dumps(rendered)
