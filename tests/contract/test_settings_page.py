"""The page of contracts and the settings a bot loads say the same."""

import json
import re
from pathlib import Path
from typing import Any

from tradingbot.settings import parse_settings
from tradingbot.start.environment import Environment

PAGE = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text()
REQUIRED = {
    "bot": {"name": "btc", "namespace": "trading", "cluster": "<uid of namespace kube-system>"},
    "mode": "paper",
    "exchange": {"name": "binance", "symbols": ["BTC/USDT"]},
    "strategy": {"name": "sma_cross", "parameters": {"fast": "10", "slow": "50"}},
}


def shown() -> dict[str, Any]:
    """The example of section 3, with one of the alternatives it names."""
    block = re.search(r"## 3\..*?```json\n(.*?)```", PAGE, re.DOTALL)
    assert block
    example: dict[str, Any] = json.loads(block[1])
    assert example["mode"].split(" | ") == ["sim", "dry-run", "paper", "live"]
    assert example["database"]["mode"].split(" | ") == ["embedded", "postgres"]
    return {**example, "mode": "paper", "database": {**example["database"], "mode": "embedded"}}


def test_the_example_of_the_page_loads_and_shows_the_defaults() -> None:
    """What the page shows is what a bot has when nothing but the required fields is written."""
    assert parse_settings(json.dumps(shown())) == parse_settings(json.dumps(REQUIRED))


def test_the_page_shows_every_field() -> None:
    """No field exists that the page does not show, and the other way round."""
    loaded = parse_settings(json.dumps(REQUIRED))
    assert {name: set(part) for name, part in shown().items() if isinstance(part, dict)} == {
        name: set(type(part).model_fields) for name, part in loaded if hasattr(type(part), "model_fields")
    }


def test_the_page_names_every_variable_the_bot_reads() -> None:
    """The environment is the variables of section 2."""
    read = {str(field.validation_alias) for field in Environment.model_fields.values()}
    named = re.search(r"Environment: (.*?)\. Nothing else is read", PAGE, re.DOTALL)
    assert named
    assert read == set(re.findall(r"`([A-Z_]+)`", named[1]))
