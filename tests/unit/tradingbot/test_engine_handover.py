"""The epoch changes hands: two engines on one ledger and one venue, told bar by bar."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange import Losing
from swapping import Process, SharedLedger, Swap, book_faults, faults
from trading import BTC
from tradingbot.domain.errors import Fenced
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.intent import Action
from tradingbot.domain.lease import Released, Successor
from tradingbot.domain.order import Cancel, OrderStatus, Purpose, VenueWrite
from tradingbot.execution import exits, send
from tradingbot.handover import HandOver

Story = Callable[[Swap], Awaitable[None]]
NEVER = frozenset({0})


def told(story: Story, ledger: SharedLedger | None = None) -> Swap:
    """The world after *story*, with all processes ended."""

    async def whole() -> Swap:
        swap = Swap()
        swap.ledger = ledger or swap.ledger
        try:
            await story(swap)
        finally:
            await swap.end()
        return swap

    return asyncio.run(whole())


async def both(swap: Swap, venue: Callable | None = None) -> tuple[Process, Process]:
    """Blue trades, green stands by."""
    blue = swap.start("blue", venue)
    await swap.until(lambda: blue.state == "trading")
    green = swap.start("green")
    await swap.until(lambda: green.state == "standby")
    return blue, green


def orders(swap: Swap) -> list[tuple[int, str]]:
    """Epoch and purpose of every order, oldest first."""
    return [(r.write.epoch, r.write.request.purpose.value) for r in reversed(swap.ledger.orders())]


async def swapped_while_holding(swap: Swap) -> None:
    blue, green = await both(swap)
    await swap.bar(3)
    await swap.swap(green)
    assert (blue.state, blue.epoch, green.epoch) == ("standby", None, 2)
    await swap.bar(3)


def test_orders_positions_and_decisions_go_on_under_the_next_epoch():
    """Blue enters, green adopts position and stop, and leaves; each bar is decided once, by one of them."""
    swap = told(swapped_while_holding)
    assert faults(swap) == []
    assert orders(swap) == [(1, "entry"), (1, "stop"), (2, "exit")]
    assert len(swap.ledger.decisions) == 7
    adopted = swap.processes[1].engine.snapshot().adoption
    assert (adopted.result, adopted.adopted, adopted.cancelled, adopted.unknown) == ("adopted", 1, 0, 0)


def test_a_standby_asks_the_venue_nothing_and_decides_as_a_shadow():
    """The same bars with the ledger's positions: nothing differs, and nothing private is asked."""

    async def story(swap: Swap) -> None:
        _, green = await both(swap)
        await swap.bar(6)
        swap.ledger.version += 1
        await swap.until(lambda: green.engine.snapshot().shadow.compared == 6)
        assert green.engine.snapshot().shadow.differing == 0
        assert swap.venues[green.instance.name].asked == []
        assert green.sent == []

    swap = told(story)
    actions = [decision.intent and decision.intent.action for decision, _ in swap.ledger.shadow.values()]
    assert actions == [Action.ENTER, None, None, None, Action.EXIT, None]
    assert faults(swap) == []


def test_a_standby_opens_its_way_to_the_venue_when_it_is_about_to_be_named():
    """Once the order names it, and while the old trader still settles; nothing private is asked by that."""

    async def story(swap: Swap) -> None:
        _, green = await both(swap)
        assert swap.market.exchange.reached == 0
        swap.ledger.deaf = True
        swap.ledger.order(green.successor)
        await swap.until(lambda: swap.market.exchange.reached)
        assert (swap.ledger.epoch, swap.venues[green.instance.name].asked) == (1, [])

    assert faults(told(story)) == []


async def there_and_back(swap: Swap) -> None:
    blue, green = await both(swap)
    for to in (green, blue, green, blue):
        await swap.bar(2)
        await swap.swap(to)
    await swap.bar(4)
    assert [blue.epoch, green.epoch] == [5, None]


def test_a_process_that_has_handed_over_may_be_named_again():
    """Rollback is the same the other way, as often as one likes; nobody claims in between."""
    swap = told(there_and_back)
    assert faults(swap) == []
    assert sorted(swap.ledger.pods.values()) == ["pod-1", "pod-1", "pod-1", "pod-2", "pod-2"]
    assert len(swap.ledger.decisions) == 13


async def order_void(swap: Swap) -> None:
    """An order stands while an answer is lost, and is taken back before the outcome is known."""
    clock = swap.market.clock
    blue, green = await both(swap, lambda exchange: Losing(exchange, clock, never=NEVER))
    swap.market.close()
    await swap.until(lambda: swap.ledger.unsettled())
    swap.ledger.order(green.successor)
    await swap.until(lambda: blue.engine._floor.teller._held_back == "Unsettled")
    swap.ledger.order(None)
    await swap.until(lambda: blue.engine._floor.teller._held_back == "")
    await swap.bar(3)
    assert (blue.state, blue.epoch, green.epoch) == ("trading", 1, None)


def test_an_order_that_is_void_leaves_the_old_trader_as_it_was():
    """Nothing is released while an outcome is unknown; decisions go on when the order is taken back."""
    swap = told(order_void)
    assert faults(swap) == []
    assert (swap.ledger.epoch, len(swap.ledger.decisions)) == (1, 5)


def test_the_epoch_is_released_when_what_was_unknown_is_settled():
    """The order still stands when the venue can no longer get the lost request."""

    async def story(swap: Swap) -> None:
        clock = swap.market.clock
        blue, green = await both(swap, lambda exchange: Losing(exchange, clock, never=NEVER))
        swap.market.close()
        await swap.until(lambda: swap.ledger.unsettled())
        swap.ledger.order(green.successor)
        await swap.until(lambda: blue.engine._floor.teller._held_back == "Unsettled")
        clock.move_to(clock.now() + timedelta(seconds=10))
        await swap.until(lambda: green.state == "trading" and green.epoch == 2)
        await swap.bar(2)

    swap = told(story)
    assert faults(swap) == []
    assert swap.ledger.orders()[-1].status is OrderStatus.ABSENT


def test_a_position_is_covered_again_in_the_turn_that_settles_an_unknown_exit():
    """No bar closes and no interval passes: what the lost exit and a cancelled stop have left bare has its stop."""

    async def story(swap: Swap) -> None:
        clock, exchange = swap.market.clock, swap.market.exchange
        blue = swap.start("blue", lambda exchange: Losing(exchange, clock, never=frozenset({2})))
        await swap.until(lambda: blue.state == "trading")
        while len(blue.sent) < 3:
            await swap.bar()
        stop, lost = blue.sent[1:]
        assert (stop.request.purpose, lost.request.purpose) == (Purpose.STOP, Purpose.EXIT)
        cancel = Cancel(BTC, stop.client_id, "by hand")
        await exchange.send(VenueWrite("by-hand", 1, 1, cancel, clock.now(), clock.now() + timedelta(seconds=2)))
        clock.move_to(clock.now() + timedelta(seconds=10))
        await swap.until(lambda: len(blue.sent) == 4)
        assert blue.sent[3].request.purpose is Purpose.STOP

    swap = told(story)
    assert book_faults(swap) == []


def test_a_candidate_that_died_before_it_was_named_changes_nothing():
    """The ledger refuses the release; when the order is taken back, the bar of the meantime is decided."""

    async def story(swap: Swap) -> None:
        blue, green = await both(swap)
        await swap.bar(2)
        swap.ledger.deaf = True
        swap.ledger.order(green.successor)
        await swap.until(lambda: blue.engine._floor.teller._held_back == "SuccessorSilent")
        await swap.bar()
        swap.ledger.order(None)
        await swap.until(lambda: len(swap.ledger.decisions) == 4)
        assert (blue.state, blue.epoch) == ("trading", 1)

    assert faults(told(story)) == []


def test_a_taker_by_force_replaces_the_stop_and_the_old_trader_is_fenced():
    """Blue did not release: green waits for its requests to die, and its stop is one of epoch 2; blue stays up."""

    async def story(swap: Swap) -> None:
        blue, green = await both(swap)
        await swap.bar(3)
        swap.ledger.grant(green.successor)
        await swap.until(lambda: green.state == "trading" and blue.state == "standby")
        await swap.bar()
        swap.ledger.grant(blue.successor)
        await swap.until(lambda: blue.epoch == 3 and blue.state == "trading" and green.state == "standby")

    swap = told(story)
    assert faults(swap) == []
    assert orders(swap)[:4] == [(1, "entry"), (1, "stop"), (2, "stop"), (3, "stop")]


def test_the_first_write_after_a_forced_fence_waits_for_the_last_request_of_the_old_epoch():
    """Expiry and the skew allowance lie between the newest intent of blue and the first of green."""

    async def story(swap: Swap) -> None:
        blue, green = await both(swap)
        await swap.bar(3)
        newest = max(record.write.expires_at for record in swap.ledger.records.values())
        assert swap.market.clock.now() > newest
        name = next(iter(swap.ledger.records))
        record = swap.ledger.records[name]
        late = swap.market.clock.now() + timedelta(seconds=2)
        swap.ledger.records[name] = replace(record, write=replace(record.write, expires_at=late))
        swap.ledger.grant(green.successor)
        await swap.until(lambda: blue.state == "standby" and green.epoch == 2)
        await asyncio.sleep(0.05)
        assert green.sent == []
        swap.market.clock.move_to(late + timedelta(seconds=1.1))
        await swap.until(lambda: green.state == "trading")
        assert green.sent

    assert faults(told(story)) == []


def test_a_stopped_standby_retires_nothing():
    """It holds nothing; the trader trades on."""

    async def story(swap: Swap) -> None:
        blue, green = await both(swap)
        green.engine.stop()
        assert await green.task == "stopped as a standby"
        assert not swap.ledger.released
        await swap.bar(2)
        assert blue.state == "trading"

    assert faults(told(story)) == []


def test_a_former_trader_ends_when_the_holder_of_its_colour_is_silent():
    """Only a fresh start may claim, so the process makes room for one."""

    async def story(swap: Swap) -> None:
        blue, green = await both(swap)
        await swap.swap(green)
        swap.ledger.silent = True
        swap.ledger.version += 1
        assert "only a fresh start may claim" in await asyncio.wait_for(blue.task, 5)

    told(story)


def test_an_interrupted_flatten_is_ended_by_the_taker():
    """The latch is in the ledger: green sells before it does anything else, and enters nothing."""

    async def story(swap: Swap) -> None:
        _, green = await both(swap)
        await swap.bar(3)
        swap.ledger.latched["h9"] = Halt("h9", HaltKind.FLATTEN, "http", "get out", swap.market.clock.now())
        swap.ledger.grant(green.successor)
        await swap.until(lambda: green.epoch == 2 and (2, "exit") in orders(swap))
        await swap.bar(2)
        assert green.state == "halted"

    swap = told(story)
    assert (2, "exit") in orders(swap)
    assert book_is_flat(swap)


def book_is_flat(swap: Swap) -> bool:
    return not [order for order in swap.market.exchange.orders if order.is_open]


class Given(SharedLedger):
    """A ledger whose epoch goes to another process and back while blue decides to enter."""

    def decide(self, lease, decision, request, times):
        if len(self.decisions) == 1 and self.epoch == 1:
            self.grant(Successor("green", "pod-9/x", "revision-green"))
            self.grant(Successor("blue", "pod-1/start-1", "revision-blue"))
        return super().decide(lease, decision, request, times)


async def lost_and_given_back(swap: Swap) -> None:
    blue = swap.start("blue")
    await swap.until(lambda: blue.state == "trading")
    await swap.bar(4)


def test_a_decision_of_an_epoch_that_is_over_is_dropped():
    """Blue is fenced in mid-decision and named again: the decision is taken anew, under the epoch that sends it."""
    swap = told(lost_and_given_back, Given())
    assert faults(swap) == []
    assert swap.ledger.epoch == 3


def void_order_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def release(self: HandOver) -> bool:
        successor = self._desk.ledger.order_stands() or Successor("green", "pod-2/start-1", "revision-green")
        self._desk.ledger.ordered = successor
        return isinstance(self._desk.ledger.release(self._desk.lease, successor, None), Released)

    monkeypatch.setattr(HandOver, "release", release)


def old_decision_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = send.decide

    async def stubborn(desk, decision, request):
        try:
            return await decide(desk, decision, request)
        except Fenced:
            desk.lease = replace(desk.lease, epoch=desk.ledger.epoch)
            return await decide(desk, decision, request)

    monkeypatch.setattr(send, "decide", stubborn)


def no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = SharedLedger.decide

    def forgetful(self, lease, decision, request, times):
        self.cursors.clear()
        return decide(self, lease, decision, request, times)

    monkeypatch.setattr(SharedLedger, "decide", forgetful)
    monkeypatch.setattr(SharedLedger, "decided_through", lambda *_: None)


def stop_cancelled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    exit_order = exits.exit_order

    def bare(book, symbol, mark, reason):
        found = exit_order(book, symbol, mark, reason)
        return replace(found, replaces=None) if getattr(found, "replaces", None) else found

    place = send.decide

    async def decide(desk, decision, request):
        for stop in desk.book.orders("BTC/USDT", Purpose.STOP) if request and request.purpose is Purpose.EXIT else ():
            await send.place(desk, Cancel("BTC/USDT", stop.write.client_id, "mutant"))
        return await place(desk, decision, request)

    monkeypatch.setattr(exits, "exit_order", bare)
    monkeypatch.setattr(send, "decide", decide)


MUTANTS = [
    (void_order_obeyed, order_void, None),
    (old_decision_sent, lost_and_given_back, Given),
    (no_cursor, there_and_back, None),
    (stop_cancelled_first, swapped_while_holding, None),
]


@pytest.mark.parametrize(("mutant", "story", "ledger"), MUTANTS, ids=lambda each: getattr(each, "__name__", ""))
def test_every_mutant_is_caught(mutant, story, ledger, monkeypatch):
    """What the protocol forbids does not pass: by the faults that are found, or by the story's own words."""
    mutant(monkeypatch)
    try:
        swap = told(story, ledger() if ledger else None)
    except AssertionError:
        return
    assert faults(swap) != []
