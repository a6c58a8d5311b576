"""Bot, operator and definition call the same places those of real money."""

import re

import pytest

from tradingbot.domain import realmoney as bots
from tradingbot_operator.domain import realmoney as operators

PLACES = {
    "https://api.binance.com": True,
    "https://API1.Binance.com.:443/path": True,
    "https://binance.us?x=1": True,
    "http://api.kraken.com#x": True,
    "socks5://api.kucoin.com:1080": True,
    "https://demo-api.binance.com": False,
    "https://api-sandbox.coinbase.com:8443/": False,
    "https://testnet.binance.vision": False,
    "https://notbinance.com": False,
    "https://api.binance.com.example": False,
    "http://exchange-simulator.exchange-simulator.svc:8080": False,
    "http://simulator/api.binance.com": False,
    "http://127.0.0.1:8080": False,
}


def test_there_is_one_address_book() -> None:
    """Written twice, since the parts share no code."""
    assert (operators.VENUES, operators.PRACTICE) == (bots.VENUES, bots.PRACTICE)


@pytest.mark.parametrize(("place", "real"), PLACES.items())
def test_all_three_agree_on_a_place(place: str, real: bool) -> None:
    """What the definition matches is what both programs parse."""
    assert bots.is_real_address(place) is real
    assert operators.is_real(place) is real
    below = operators.pattern(operators.VENUES, below=True)
    practice = operators.pattern(tuple(sorted(operators.PRACTICE)), below=False)
    assert (bool(re.search(below, place)) and not re.search(practice, place)) is real
