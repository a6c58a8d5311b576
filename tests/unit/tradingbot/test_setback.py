"""A ledger older than the venue: an epoch that an order carries already is not traded under again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from swapping import Swap
from trading import BTC, LEDGER, START, instrument
from tradingbot.domain.clientid import ClientId
from tradingbot.domain.order import Fill, Order, OrderType, Purpose, Side, VenueWrite
from tradingbot.setback import MARKETS, traded_since

D = Decimal
Story = Callable[[Swap], Awaitable[None]]


def told(story: Story) -> Swap:
    async def whole() -> Swap:
        swap = Swap()
        try:
            await story(swap)
        finally:
            await swap.end()
        return swap

    return asyncio.run(whole())


async def placed(swap: Swap, epoch: int, ledger: str = LEDGER, price: str = "50") -> None:
    """Somebody who knew more than the ledger has sent an order; one at 50 rests, one at 500 has filled."""
    now = swap.market.clock.now()
    request = Order(BTC, Side.BUY, OrderType.LIMIT, Purpose.ENTRY, D("0.1"), D(price))
    name = str(ClientId(ledger, epoch, 77))
    await swap.market.exchange.send(VenueWrite(name, epoch, 77, request, now, now + timedelta(seconds=2)))
    swap.market.exchange.sent.clear()


def is_refused(swap: Swap, highest: int) -> bool:
    """Halted for good, the epoch ended, and people told how far it really was."""
    snapshot = swap.processes[0].engine.snapshot()
    halts = [halt.id for halt in swap.ledger.halts()]
    return swap.ledger.released and halts == [f"set-back-{highest}"] and snapshot.highest_epoch == highest


@pytest.mark.parametrize("epoch", [1, 2, 700])
def test_nobody_trades_on_a_ledger_that_is_behind_an_open_order(epoch):
    """Also under the very epoch that is given anew; nothing is sent, and the next start is refused as well."""

    async def story(swap: Swap) -> None:
        await placed(swap, epoch)
        swap.start("blue")
        await swap.until(lambda: is_refused(swap, epoch))
        await swap.bar(3)

    swap = told(story)
    assert swap.market.exchange.sent == []
    said = swap.ledger.halts()[0].reason
    assert said == (
        f"LedgerSetBack: the venue has an order of epoch {epoch} of this ledger, which stands at 1: it is an older "
        f"copy; run atb db adopt --ledger-id {LEDGER} --above {epoch}, and start the bot anew"
    )


@pytest.mark.parametrize(("epoch", "ledger"), [(0, LEDGER), (9, "zzzzzz")])
def test_orders_of_before_and_of_others_are_no_reason(epoch, ledger):
    """An order of an epoch before is adopted; another ledger's tells nothing of this one."""

    async def story(swap: Swap) -> None:
        await placed(swap, epoch, ledger)
        blue = swap.start("blue")
        await swap.until(lambda: blue.state == "trading")

    assert told(story).ledger.halts() == ()


def test_a_fresh_start_asks_for_what_was_traded_since():
    """The order is gone and only its trade is left: who claims asks for it, who is named need not."""

    async def story(swap: Swap) -> None:
        swap.ledger.trades[BTC, "1"] = bought = fill(swap, ClientId(LEDGER, 1, 1))
        swap.ledger.epoch = 1
        swap.market.exchange._account.fills += [bought, fill(swap, ClientId(LEDGER, 5, 1), "2")]
        swap.start("blue")
        await swap.until(lambda: is_refused(swap, 5))
        assert "fills" in swap.venues["pod-1/start-1"].asked

    assert told(story).market.exchange.sent == []


def fill(swap: Swap, name: ClientId, trade: str = "1") -> Fill:
    return Fill(BTC, trade, str(name), trade, Side.BUY, D("0.1"), D(100), D(0), "USDT", swap.market.clock.now())


class Asked:
    """A venue that only notes what it is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, object] = {}

    async def fills(self, symbol: str, since: object) -> tuple[Fill, ...]:
        self.asked[symbol] = since
        return ()


def test_what_an_older_ledger_did_not_know_is_in_it():
    """Once the epoch was raised: the position is there, so that the stop it is covered by stays where it is."""

    async def story(swap: Swap) -> None:
        await placed(swap, 5, price="500")
        swap.ledger.epoch = 1005
        blue = swap.start("blue")
        await swap.until(lambda: blue.state == "trading")
        # The fee was paid in the coin.
        assert swap.ledger.position(instrument()).quantity == D("0.0999")
        (record,) = swap.ledger.named_orders((str(ClientId(LEDGER, 5, 77)),))
        assert record.write.request.reason == "recovered"

    told(story)


def test_what_is_asked_is_bounded():
    """The ten markets that were traded last, at most a day back, and nothing on an account that others trade on."""
    swap = Swap()

    async def story() -> tuple[dict[str, object], dict[str, object]]:
        blue = swap.start("blue")
        floor, asked = blue.engine._floor, Asked()
        floor.parts = replace(floor.parts, venue=asked)
        now = swap.market.clock.now()
        book = Marks({f"C{number}/USDT": now - timedelta(hours=number) for number in range(30)})
        await traded_since(floor, book)
        first, asked.asked = asked.asked, {}
        book.newest_fill_at = {"ETH/USDT": START - timedelta(days=300)}
        await traded_since(floor, book)
        await swap.end()
        return first, asked.asked

    first, second = asyncio.run(story())
    assert sorted(first) == sorted(f"C{number}/USDT" for number in range(MARKETS))
    assert second == dict.fromkeys((BTC, "ETH/USDT"), swap.market.clock.now() - timedelta(days=1))


class Marks:
    """When each market was traded last."""

    def __init__(self, newest: dict[str, object]) -> None:
        self.newest_fill_at = newest
