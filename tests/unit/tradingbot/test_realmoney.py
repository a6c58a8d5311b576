"""Where money is real, and which words about it contradict each other."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bots
from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.halt import cause
from tradingbot.domain.realmoney import Attempt, Place, Safety, differences, is_real, is_real_address
from tradingbot.settings import parse_settings
from tradingbot.start.addresses import BASES
from tradingbot.venues.user_stream import LIVE

PAPER = Place("paper", False, None)
SANDBOX = Place("paper", True, "http://simulator:8080")


@pytest.mark.parametrize("host", ["api.binance.com", "API4.Binance.com.", "binance.us", "api.kraken.com"])
def test_a_venue_and_every_place_below_it_is_real(host: str) -> None:
    """However it is written: case and a closing dot change no address."""
    assert is_real(host)


@pytest.mark.parametrize(
    "host",
    ["demo-api.binance.com", "testnet.binance.vision", "api-sandbox.coinbase.com", "simulator", "127.0.0.1", "", None],
)
def test_practice_and_places_nobody_knows_are_not_real(host: str | None) -> None:
    """A venue's own places for practice, and our simulator."""
    assert not is_real(host)


def test_a_name_that_only_ends_alike_is_another() -> None:
    """A label counts as a whole."""
    assert not is_real("notbinance.com")
    assert not is_real_address("https://api.binance.com.example:8080")


def test_every_venue_that_is_spoken_here_is_in_the_book() -> None:
    """Whoever adds a venue must say where its money is real."""
    assert [name for name, (rest, _) in BASES.items() if not is_real_address(rest)] == []
    assert is_real_address(LIVE)


def test_a_sandbox_at_a_venue_itself_is_refused(tmp_path: Path) -> None:
    """The first layer: such a bot does not start."""
    rendered = bots.settings(tmp_path, exchange={"sandbox": True, "endpoint": "https://api1.binance.com"})
    with pytest.raises(Misconfigured) as refusal:
        parse_settings(json.dumps(rendered))
    assert str(refusal.value) == (
        "exchange.endpoint https://api1.binance.com is a place of real money, and no sandbox: "
        "write the address of the venue's sandbox"
    )


def test_a_sandbox_at_its_own_address_is_taken(tmp_path: Path) -> None:
    """As is the venue's own address of a bot that only reads there."""
    demo = "https://demo-api.binance.com"
    rendered = bots.settings(tmp_path, exchange={"sandbox": True, "endpoint": demo})
    assert parse_settings(json.dumps(rendered)).place == Place("paper", True, demo)
    rendered = bots.settings(tmp_path, exchange={"endpoint": "https://api.binance.com"})
    assert parse_settings(json.dumps(rendered)).place == PAPER


@pytest.mark.parametrize(
    ("place", "environment"),
    [
        (PAPER, {}),
        (SANDBOX, {"PAPER_TRADING": "true", "ALLOW_REAL": "false"}),
        (Place("live", False, None), {"PAPER_TRADING": "false", "ALLOW_REAL": "true"}),
    ],
)
def test_words_that_agree_are_no_difference(place: Place, environment: dict[str, str]) -> None:
    """A pod of before has no such variables."""
    assert differences(place, place, environment) == ()
    assert differences(place, None, environment) == ()


def test_an_environment_that_says_otherwise_is_a_difference() -> None:
    """In both directions: a bot that was to be on paper and is live is worse."""
    found = differences(PAPER, PAPER, {"PAPER_TRADING": "false", "ALLOW_REAL": "true"})
    assert found == ("PAPER_TRADING is 'false' and the mode is paper", "ALLOW_REAL is 'true' and the mode is paper")
    assert differences(Place("live", False, None), None, {"PAPER_TRADING": "true"}) == (
        "PAPER_TRADING is 'true' and the mode is live",
    )


def test_settings_that_became_others_are_a_difference() -> None:
    """The file is no longer what this process began with."""
    assert differences(SANDBOX, Place("live", False, None), {}) == (
        "the settings were paper, sandbox at http://simulator:8080 when this process began and are live now",
    )


@pytest.mark.parametrize("endpoint", [None, "https://api.binance.com"])
def test_a_sandbox_that_is_the_venue_is_a_difference(endpoint: str | None) -> None:
    """Also when whoever started it did not look."""
    place = Place("paper", True, endpoint)
    assert differences(place, place, {}) == (f"the sandbox {endpoint} is a place of real money",)


def test_nobody_has_looked_yet() -> None:
    """What is not known is neither well nor wrong."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert (Safety().consistent, Safety(now).consistent, Safety(now, ("x",)).consistent) == (None, True, False)


def test_an_attempt_and_its_halt_have_names() -> None:
    assert Attempt("POST", "api.binance.com", "/api/v3/order").text == "POST api.binance.com/api/v3/order"
    assert cause("paper-violation-0a1b2c3d") == "PaperViolation"
