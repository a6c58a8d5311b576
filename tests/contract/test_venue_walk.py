"""``atb test-provider --steps``: the way to each venue, and the first step of it that does not go further."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import bots
from stubs.book import Book
from tradingbot.settings import Settings, parse_settings
from tradingbot.start.walk import Step, walked
from venuerig import AGENT, STUBS, SYMBOLS, served

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="


def settings(folder: Path, name: str, url: str, **changes: Any) -> Settings:
    (folder / "secrets/exchange").mkdir(parents=True)
    (folder / "secrets/exchange/password").write_text("stub-word")
    place = {"name": name, "symbols": [SYMBOLS[name]], "endpoint": url, "sandbox": True, **changes}
    rendered = bots.settings(folder, exchange=place)
    bots.mounted(folder, rendered, KEY)
    return parse_settings(json.dumps(rendered))


def steps(folder: Path, name: str, book: Book, **changes: Any) -> tuple[Step, ...]:
    """What the walk to the stub of *name* finds."""

    async def told() -> tuple[Step, ...]:
        async with served(STUBS[name](book)) as url:
            return await walked(settings(folder, name, url, **changes), name, AGENT)

    return asyncio.run(asyncio.wait_for(told(), 30))


@pytest.mark.parametrize("name", STUBS)
def test_every_step_to_a_venue_is_told(name: str, tmp_path: Path) -> None:
    """Its name, the line, its clock, whose the key is, and that it has no right too many."""
    found = steps(tmp_path, name, Book(key=KEY))
    assert [(step.name, step.ok) for step in found] == [
        ("name", True),
        ("line", True),
        ("clock", True),
        ("key", True),
        ("rights", True),
    ]
    assert found[0].message == "127.0.0.1 is 127.0.0.1"


@pytest.mark.parametrize("name", STUBS)
def test_a_key_with_the_right_to_withdraw_ends_the_walk(name: str, tmp_path: Path) -> None:
    """The venue takes the key; its rights are what a person must change."""
    found = steps(tmp_path, name, Book(key=KEY, rights=("trade", "withdraw")))
    assert [(step.name, step.ok) for step in found[-2:]] == [("key", True), ("rights", False)]
    assert found[-1].message.startswith("UnsafeKeyPermissions: the exchange key may withdraw")


@pytest.mark.parametrize("name", ["kraken", "kucoin"])
def test_a_key_the_venue_does_not_know_ends_the_walk(name: str, tmp_path: Path) -> None:
    """In the venue's own words."""
    found = steps(tmp_path, name, Book(key="another"))
    assert (found[-1].name, found[-1].ok) == ("key", False)
    assert "key" in found[-1].message.lower()


def test_a_bot_on_paper_is_not_asked_for_a_key(tmp_path: Path) -> None:
    """The walk ends with the clock, and nothing private was asked."""
    book = Book()
    found = steps(tmp_path, "kucoin", book, sandbox=False)
    assert [step.name for step in found] == ["name", "line", "clock"]
    assert {seen.path for seen in book.seen} == {"/api/v1/timestamp"}


def test_a_clock_that_is_off_ends_the_walk(tmp_path: Path) -> None:
    """The sentence says by how much, and what to do."""
    book = Book(key=KEY)
    book.clock = lambda: 1_700_000_000.0
    found = steps(tmp_path, "coinbase", book)
    assert (found[-1].name, found[-1].ok) == ("clock", False)
    assert found[-1].message.endswith("synchronise the node's clock")


def test_a_name_nobody_knows_ends_the_walk(tmp_path: Path) -> None:
    """The first step, and no other was tried."""
    said = settings(tmp_path, "kraken", "http://no-such-venue.invalid:80")
    (only,) = asyncio.run(walked(said, "kraken", AGENT))
    assert (only.name, only.ok) == ("name", False)
    assert only.message.startswith("no-such-venue.invalid is not known: ")


def test_a_port_where_nobody_listens_ends_the_walk(tmp_path: Path) -> None:
    """The name is known; the line is not there."""
    found = asyncio.run(walked(settings(tmp_path, "kraken", f"http://127.0.0.1:{bots.free_port()}"), "kraken", AGENT))
    assert [(step.name, step.ok) for step in found] == [("name", True), ("line", False)]
    assert "see the NetworkPolicy and exchange.proxy" in found[-1].message


def test_a_venue_that_cannot_prove_who_it_is_ends_the_walk(tmp_path: Path) -> None:
    """A server without a certificate that is trusted here is not spoken to."""

    async def told() -> tuple[Step, ...]:
        async with served(STUBS["kraken"](Book())) as url:
            return await walked(settings(tmp_path, "kraken", url.replace("http", "https", 1)), "kraken", AGENT)

    found = asyncio.run(told())
    assert [(step.name, step.ok) for step in found] == [("name", True), ("line", True), ("encryption", False)]


def test_behind_a_proxy_it_is_the_proxy_that_is_called(tmp_path: Path) -> None:
    """The venue's own name is not looked up here."""

    async def told() -> tuple[Step, ...]:
        async with served(STUBS["kucoin"](Book())) as url:
            said = settings(tmp_path, "kucoin", "http://kucoin.invalid", sandbox=False, proxy=url)
            return await walked(said, "kucoin", AGENT)

    found = asyncio.run(told())
    assert [(step.name, step.ok) for step in found] == [("name", True), ("line", True), ("clock", True)]
