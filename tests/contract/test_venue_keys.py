"""Whose key it is, what it may do by each venue's own route, and that nobody but the given address is asked."""

import asyncio
import sys

import pytest

from stubs.book import Book
from tradingbot.domain.errors import Misconfigured
from tradingbot.venues.ccxt_venue import CcxtVenue
from venuerig import STUBS, Rig, account, at


@pytest.mark.parametrize("name", STUBS)
def test_an_account_is_the_same_for_every_key_of_its_owner(name: str) -> None:
    """It is named by what the venue says of the owner, and another owner's is another."""

    async def named(owner: str) -> str:
        found = ""

        async def act(rig: Rig) -> None:
            nonlocal found
            await rig.venue.identify()
            found = rig.venue.account

        await asyncio.to_thread(at, name, act, Book(owner=owner))
        return found

    async def told() -> None:
        assert await named("ada") == await named("ada") != await named("bob")

    asyncio.run(told())


@pytest.mark.parametrize("name", STUBS)
@pytest.mark.parametrize(
    ("rights", "word"), [(("trade", "withdraw"), "may withdraw"), ((), "may not trade")], ids=["withdraw", "read-only"]
)
def test_a_key_that_may_do_too_much_or_too_little_is_refused(name: str, rights: tuple[str, ...], word: str) -> None:
    """By each venue's own route; the sentence names what to change."""

    async def act(rig: Rig) -> None:
        with pytest.raises(Misconfigured, match=f"UnsafeKeyPermissions: the exchange key {word}"):
            await rig.venue.identify()

    at(name, act, Book(rights=rights))


def test_a_key_that_does_not_say_what_it_may_do_is_refused() -> None:
    """What is not known counts as allowed to withdraw."""
    answers = {
        "coinbase": ("/api/v3/brokerage/key_permissions", {"can_trade": True, "portfolio_uuid": "x"}),
        "kraken": ("/0/private/GetApiKeyInfo", {"error": [], "result": {"iban": "x"}}),
        "kucoin": ("/api/v1/user/api-key", {"code": "200000", "data": {"uid": 1}}),
    }
    for name, (path, body) in answers.items():

        async def act(rig: Rig, path: str = path, body: dict = body) -> None:
            rig.book.wrong[path] = (200, body)
            with pytest.raises(Misconfigured, match="may withdraw"):
                await rig.venue.identify()

        at(name, act)


ASKED: list[object] = []
LISTENS: list[bool] = []


def hear(event: str, told: tuple[object, ...]) -> None:
    if LISTENS and event == "socket.connect":
        ASKED.append(told[1])
    elif LISTENS and event == "socket.getaddrinfo":
        ASKED.append(told[:2])


sys.addaudithook(hear)


@pytest.mark.parametrize("name", STUBS)
def test_nobody_but_the_endpoint_is_asked(name: str) -> None:
    """Every question and every write of a venue went to the address that was given, and no name was looked up."""
    ASKED.clear()
    LISTENS.append(True)

    async def act(rig: Rig) -> None:
        await rig.venue.reach()
        await rig.venue.identify()
        await rig.send(rig.wish())
        await rig.send(rig.stop())
        await rig.venue.balances()

    try:
        at(name, act)
    finally:
        LISTENS.clear()
    assert {address[0] for address in ASKED} == {"127.0.0.1"}


def test_a_venue_without_an_address_of_ours_is_at_its_own() -> None:
    """Nothing is asked here: it is where the library signs for."""
    urls = {"coinbase": "api.coinbase.com", "kraken": "api.kraken.com", "kucoin": "api.kucoin.com"}

    async def told() -> None:
        for name, host in urls.items():
            venue = CcxtVenue(account(name, None), None)
            assert all(host in venue._exchange.urls["api"][each] for each in venue._dialect.traits.urls)
            await venue.close()

    asyncio.run(told())
