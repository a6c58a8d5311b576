"""The drill that a runbook asks for: it passes where real money is kept away, and names the layer that does not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bots
import tradingbot.settings
from tradingbot.cli.program import run
from tradingbot.start import drill
from tradingbot.start.credentials import ExchangeKeys, Secrets
from tradingbot.venues import practice

MARKETS = {"binance": "BTC/USDT", "coinbase": "BTC/USD", "kraken": "BTC/USD", "kucoin": "BTC/USDT"}


def asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **changes: Any
) -> tuple[int, Mapping[str, bool]]:
    """Exit code of ``atb safety verify`` in a pod with such settings, and which layers block."""
    for name, text in bots.mounted(folder, bots.settings(folder, **changes)).items():
        monkeypatch.setenv(name, text)
    code = run(["safety", "verify", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is (code == 0)
    return code, {each["name"]: each["blocks"] for each in told["layers"]}


@pytest.mark.parametrize("name", MARKETS)
def test_every_layer_of_a_paper_bot_blocks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At every venue, whose own client is made for it and asked for an order."""
    exchange = {"name": name, "symbols": [MARKETS[name]]}
    found = asked(tmp_path, monkeypatch, capsys, exchange=exchange)
    assert found == (0, {"settings": True, "lines": True, "keys": True, "words": True})


def test_a_sandbox_bot_is_drilled_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own keys and its own proxy are no part of it."""
    changes = {"sandbox": True, "endpoint": "http://127.0.0.1:9", "proxy": "http://127.0.0.1:9"}
    assert asked(tmp_path, monkeypatch, capsys, exchange=changes)[0] == 0


@pytest.mark.parametrize("layer", ["settings", "lines", "keys", "words"])
def test_a_layer_that_lets_real_money_through_is_named(
    layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each taken away in turn; also then no name is looked up."""
    looked_up: list[str] = []
    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", lambda _, host, *rest: looked_up.append(host))
    match layer:
        case "settings":
            monkeypatch.setattr(tradingbot.settings, "is_real_address", lambda _: False)
        case "lines":
            monkeypatch.setattr(practice, "is_real", lambda _: False)
        case "keys":
            monkeypatch.setattr(drill, "load_secrets", _held)
        case "words":
            monkeypatch.setenv("ALLOW_REAL", "true")
    code, layers = asked(tmp_path, monkeypatch, capsys)
    assert (code, [name for name, blocks in layers.items() if not blocks], looked_up) == (1, [layer], [])


def _held(_: object) -> Secrets:
    return Secrets(None, None, ExchangeKeys(None, None), None)


def test_a_live_bot_is_for_real_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is to keep it away, and the answer says so."""
    rendered = bots.settings(tmp_path, mode="live", database={"mode": "postgres"})
    for name, text in bots.mounted(tmp_path, rendered).items():
        monkeypatch.setenv(name, text)
    assert run(["safety", "verify"]) == 78
    assert "trades with real money" in capsys.readouterr().err
