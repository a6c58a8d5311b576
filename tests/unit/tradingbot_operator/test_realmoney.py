"""Where money is real, as the operator knows it."""

import re

import pytest

from tradingbot_operator.domain.realmoney import is_real, pattern


@pytest.mark.parametrize(
    ("place", "real"),
    [
        ("https://api.binance.com:443", True),
        ("https://KUCOIN.com./", True),
        ("https://demo-api.binance.com", False),
        ("http://exchange-simulator:8080", False),
    ],
)
def test_a_venue_is_real_and_its_place_for_practice_is_not(place, real):
    assert is_real(place) is real


def test_a_host_is_matched_with_what_is_below_it_or_alone():
    """A label counts as a whole."""
    below, alone = pattern(("kraken.com",), below=True), pattern(("kraken.com",), below=False)
    places = ("https://kraken.com", "https://api.kraken.com/0", "https://mykraken.com")
    assert [bool(re.search(below, each)) for each in places] == [True, True, False]
    assert [bool(re.search(alone, each)) for each in places] == [True, False, False]
