"""The engine's page: who may trade, recovery before trading, halts, limits, and an orderly end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from exchange import FakeExchange, Losing
from trading import (
    BTC,
    LIMITS,
    START,
    CountingMetrics,
    MemoryLedger,
    Replay,
    bars,
    candle,
    order,
    recorded,
    replay,
    sma,
)
from tradingbot import trading
from tradingbot.domain.errors import LedgerUnavailable, Misconfigured, VenueUnavailable
from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.lease import Instance, NotClaimed
from tradingbot.domain.order import OrderStatus, Purpose, Side
from tradingbot.domain.snapshot import EngineState
from tradingbot.inbox import Turn
from tradingbot.strategy import strategy_of
from tradingbot.strategy.ml_basic import Model
from tradingbot.venues.paper import PaperVenue
from tradingbot.venues.replay import ReplayClock
from tradingbot.venues.shadow import ShadowVenue

D = Decimal
MINUTE = timedelta(minutes=1)
RISE = (100, 100, 101, 103, 104, 105, 106)
RISE_AND_FALL = (*RISE, 104, 102, 100, 99, 99)


def rising(*more: int) -> list:
    return bars(*RISE, *more)


def traded(world: Replay) -> list[tuple[str, str]]:
    return [(r.write.request.purpose, r.status) for r in reversed(world.ledger.orders())]


def run(world: Replay) -> str:
    return asyncio.run(world.engine.run())


async def beside(world: Replay, act: Callable[[], object]) -> str:
    """*act* happens once the engine has begun; gives how the engine ended."""
    task = asyncio.create_task(world.engine.run())
    await until(lambda: world.engine.snapshot().state not in (EngineState.STARTING, EngineState.STANDBY) or task.done())
    result = act()
    if asyncio.iscoroutine(result):
        await result
    return await asyncio.wait_for(task, 10)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells when a snapshot has changed
            await asyncio.sleep(0)


def test_a_rise_and_a_fall_are_one_trade():
    """Enter with a stop, leave in one request with it."""
    world = replay(bars(*RISE_AND_FALL), sma())
    assert run(world) == "the feed has ended"
    assert traded(world) == [("entry", "filled"), ("stop", "cancelled"), ("exit", "filled")]
    assert world.ledger.released


def test_the_snapshot_shows_where_it_stands():
    """What /status is made of."""
    world = replay(rising(), sma())
    run(world)
    shown = world.engine.snapshot()
    assert (shown.state, shown.epoch, shown.holder, shown.ledger_id) == (EngineState.STOPPING, 1, "blue", "abc123")
    assert (shown.open_orders, shown.currency, shown.database, shown.exchange) == (1, "USDT", "ok", "ok")
    (held,) = shown.positions
    assert (held.stop_price, held.covered) == (D("98.98"), D("9.89108"))
    assert shown.last_decision.action == "hold"
    assert shown.bars_seen == 7
    assert shown.cash + held.position.quantity * held.mark == shown.equity


def test_results_on_a_prefix_are_a_prefix_of_the_results():
    """No look-ahead through the whole engine: the first decisions and orders do not depend on what comes."""
    whole = recorded("BTCUSDT-1m")[:400]
    world = replay(whole, sma(3, 8))
    run(world)
    for k in (60, 200, 333):
        part = replay(whole[:k], sma(3, 8))
        run(part)
        decided = [(d.bar, d.intent, d.refusal) for d, _ in part.ledger.decisions]
        assert decided == [(d.bar, d.intent, d.refusal) for d, _ in world.ledger.decisions][: len(decided)]
        assert len(decided) >= k - 1


def test_the_same_run_twice_is_the_same():
    """Nothing depends on the wall clock, on hashes or on chance."""
    first, second = (replay(recorded("BTCUSDT-1m")[:150], sma(3, 8)) for _ in range(2))
    run(first)
    run(second)
    assert first.ledger.records
    assert first.ledger.records == second.ledger.records
    assert first.ledger.trades == second.ledger.trades


class Busy(MemoryLedger):
    """A ledger whose epoch is held by another process for the first claims."""

    refusals = 3
    retry = True

    def claim(self, instance, now):
        if self.refusals:
            self.refusals -= 1
            return NotClaimed("Held", "pod-9 holds the epoch", self.retry)
        return super().claim(instance, now)


def test_a_standby_claims_when_the_epoch_is_free():
    """Until then it decides nothing."""
    world = replay(rising(), sma(), ledger=Busy())
    assert run(world) == "the feed has ended"
    assert world.ledger.epoch == 1


def test_a_standby_that_can_never_claim_stays_up_until_stopped():
    """It serves, and sends nothing."""

    async def story() -> str:
        ledger = Busy()
        ledger.retry = False
        world = replay(rising(), sma(), ledger=ledger)
        task = asyncio.create_task(world.engine.run())
        await until(lambda: world.engine.snapshot().state is EngineState.STANDBY)
        assert world.engine.snapshot().blocks == ("pod-9 holds the epoch",)
        world.engine.stop()
        assert world.ledger.records == {}
        return await task

    assert asyncio.run(story()) == "stopped as a standby"


def test_a_standby_stops_when_told():
    """While it waits for the epoch."""

    async def story() -> str:
        ledger = Busy()
        ledger.refusals = 10**9
        world = replay(rising(), sma(), ledger=ledger)
        task = asyncio.create_task(world.engine.run())
        await until(lambda: world.engine.snapshot().state is EngineState.STANDBY)
        world.engine.stop()
        return await asyncio.wait_for(task, 10)

    assert asyncio.run(story()) == "stopped as a standby"


class Taken(MemoryLedger):
    """A ledger whose epoch another process takes at the *fourth* decision."""

    decided = 0

    def decide(self, lease, decision, request, times):
        self.decided += 1
        if self.decided == 4:
            self.claim(Instance("green", "pod-2", "start-1", "r"), decision.bar)
        return super().decide(lease, decision, request, times)


def test_a_fenced_trader_becomes_a_standby_and_sends_nothing_more():
    """It never claims again, and nothing of its last decision is sent."""

    async def story() -> Replay:
        metrics = CountingMetrics()
        world = replay(rising(), sma(), ledger=Taken(), metrics=metrics)
        task = asyncio.create_task(world.engine.run())
        await until(lambda: world.engine.snapshot().state is EngineState.STANDBY)
        assert metrics.said.count(("fenced",)) == 1
        world.engine.stop()
        assert await task == "stopped as a standby"
        return world

    world = asyncio.run(story())
    assert len(world.ledger.decisions) == 3
    assert world.ledger.epoch == 2
    assert not world.ledger.released


class Failing(MemoryLedger):
    """A ledger that is away at the third decision; *taken* by another process meanwhile, or not."""

    taken = False
    failed = False

    def decide(self, lease, decision, request, times):
        if len(self.decisions) == 3 and not self.failed:
            self.failed = True
            if self.taken:
                self.claim(Instance("green", "pod-2", "start-1", "r"), decision.bar)
            raise LedgerUnavailable("connection lost")
        return super().decide(lease, decision, request, times)


def test_the_same_epoch_goes_on_when_the_ledger_comes_back():
    """Only its row tells who trades; a claim of one's own would be refused."""
    metrics = CountingMetrics()
    world = replay(bars(*RISE_AND_FALL), sma(), ledger=Failing(), metrics=metrics)
    assert run(world) == "the feed has ended"
    assert world.ledger.epoch == 1
    assert ("reconnect", "ledger") in metrics.said
    assert traded(world)[-1] == ("exit", "filled")


def test_an_epoch_lost_while_the_ledger_was_away_is_lost():
    """Its row names another process."""

    async def story() -> None:
        ledger = Failing()
        ledger.taken = True
        world = replay(rising(), sma(), ledger=ledger)
        task = asyncio.create_task(world.engine.run())
        await until(lambda: world.engine.snapshot().state is EngineState.STANDBY)
        assert world.engine.snapshot().blocks == ("epoch 1 has ended, epoch 2 trades",)
        world.engine.stop()
        await task

    asyncio.run(story())


def test_without_a_fence_nobody_trades():
    """The start-up self-test must find the intent of epoch 0 refused."""

    class Open(MemoryLedger):
        def self_test(self) -> bool:
            return False

    with pytest.raises(Misconfigured, match="an intent of epoch 0 was not refused"):
        run(replay(rising(), sma(), ledger=Open()))


def left_behind(ledger: MemoryLedger, **changes: object) -> None:
    """An intent of an earlier process that never told what became of it."""
    lease = ledger.claim(Instance("blue", "pod-0", "start-0", "r"), START)
    ledger.intend(lease, order(stop_price=D(98), **changes), START, START + timedelta(seconds=2))


class Strict(MemoryLedger):
    """A ledger that fails the test when a bar is decided while anything is unsettled."""

    def decide(self, lease, decision, request, times):
        assert not self.unsettled()
        return super().decide(lease, decision, request, times)


def test_everything_unsettled_is_settled_before_the_first_decision():
    """The intent of the killed process ends absent first."""
    ledger = Strict()
    left_behind(ledger)
    world = replay(bars(*RISE_AND_FALL), sma(), ledger=ledger)
    run(world)
    assert world.ledger.orders()[-1].status is OrderStatus.ABSENT
    assert ("entry", "filled") in traded(world)


def test_the_first_write_waits_until_older_requests_have_died():
    """Expiry of the other epoch's newest request and the skew allowance lie before every write of ours."""
    ledger = MemoryLedger()
    left_behind(ledger)
    ledger.records[next(iter(ledger.records))] = replace(
        next(iter(ledger.records.values())), status=OrderStatus.REFUSED
    )
    world = replay(bars(*RISE_AND_FALL), sma(), ledger=ledger)
    run(world)
    first = [r for r in ledger.orders() if r.write.epoch == 2][-1]
    assert first.write.timestamp > START + timedelta(seconds=3)


def test_a_bar_decided_before_the_restart_is_not_decided_again():
    """The cursor is in the ledger; the second process holds its tongue."""
    ledger, metrics = MemoryLedger(), CountingMetrics()
    story = bars(*RISE_AND_FALL)
    run(replay(story[:6], sma(), ledger=ledger))
    before = len(ledger.decisions)
    run(replay(story[:6], sma(), ledger=ledger, start=story[5].close_time, metrics=metrics))
    assert len(ledger.decisions) == before
    assert not [said for said in metrics.said if said[0] == "decision"]


def test_a_paper_account_survives_the_restart():
    """Orders, coins and trades come back from the ledger; the trade ends as it would have."""
    story, ledger = bars(*RISE_AND_FALL), MemoryLedger()
    run(replay(story[:7], sma(), ledger=ledger))
    second = replay(story, sma(), ledger=ledger, start=story[6].close_time)
    run(second)
    whole = replay(story, sma())
    run(whole)
    assert traded(second) == traded(whole)
    assert [f.price for f in second.ledger.fills()] == [f.price for f in whole.ledger.fills()]


def test_an_entry_on_old_data_is_not_made_up_for():
    """A process that starts a minute late decides the newest bar, and refuses the entry as stale."""
    story = rising()
    world = replay(story[:4], sma(), start=story[3].close_time)
    world.clock.move_to(story[3].close_time + MINUTE)
    run(world)
    ((decision, write),) = world.ledger.decisions
    assert (decision.refusal.reason, write) == ("Stale", None)


@pytest.mark.parametrize(
    ("kind", "orders"),
    [
        (HaltKind.REDUCE, [("entry", "filled"), ("stop", "cancelled"), ("exit", "filled")]),
        (HaltKind.HALT, [("entry", "filled"), ("stop", "open")]),
        (HaltKind.FLATTEN, [("entry", "filled"), ("stop", "cancelled"), ("exit", "filled")]),
    ],
)
def test_what_each_halt_leaves_possible(kind, orders):
    """Reduce exits by the strategy, halt leaves the stop alone, flatten sells at the next bar."""
    story = bars(*RISE_AND_FALL)

    class Halting(MemoryLedger):
        def decide(self, lease, decision, request, times):
            made = super().decide(lease, decision, request, times)
            if decision.bar == story[5].open_time:
                self.latch(Halt("h9", kind, "annotation", "told so", decision.bar))
            return made

    ledger = Halting()
    world = replay(story, sma(), ledger=ledger)
    original = world.engine._floor.guard.halts.refresh  # in a replay no timer looks for latches of others

    def looking() -> None:
        world.engine._floor.guard.halts.standing = {h.id: h for h in ledger.halts()}

    world.engine._floor.guard.measure = wrapped(world.engine._floor.guard.measure, looking)
    run(world)
    original()
    assert traded(world) == orders
    assert world.engine.snapshot().halted
    # Only who was to be flat, and asked the venue, says that it is.
    assert world.engine.snapshot().flat is (kind is HaltKind.FLATTEN)


def wrapped(call: Callable, first: Callable) -> Callable:
    def made(*arguments: object) -> object:
        first()
        return call(*arguments)

    return made


def test_a_halt_acts_at_once_and_resume_lets_go():
    """By the commands the servers use."""

    async def story() -> Replay:
        world = replay(rising(), sma(), turn=timedelta(milliseconds=1))
        halt = await world.engine.halt("too hot", HaltKind.REDUCE, "http")
        assert halt.id == "h1"
        assert world.engine.snapshot().halts == (halt,)
        await world.engine.run()
        assert world.engine.snapshot().halted
        assert await world.engine.resume("h1", "cooled down") is True
        assert await world.engine.resume("h1", "again") is False
        assert world.engine.snapshot().halts == ()
        return world

    world = asyncio.run(story())
    refused = [d.refusal.reason for d, _ in world.ledger.decisions if d.refusal]
    assert set(refused) == {"Halted"}
    assert world.ledger.orders() == ()


@pytest.mark.parametrize(("turn", "level"), [(None, "debug"), (timedelta(milliseconds=1), "info")])
def test_each_decided_bar_has_one_line(turn: timedelta | None, level: str):
    """A wish is a Signal, none is Decided; of a recording, which is decided faster than anybody reads, in debug."""
    with capture_logs() as lines:
        run(world := replay(rising(), sma(), turn=turn))
    told = [line for line in lines if line["event"] in ("Signal", "Decided")]
    assert [line["bar"] for line in told] == [d.bar.isoformat() for d, _ in world.ledger.decisions]
    assert {line["log_level"] for line in told if line["event"] == "Decided"} == {level}
    assert {line["log_level"] for line in told if line["event"] == "Signal"} == {"info"}


def test_a_daily_loss_halts_until_the_next_trading_day():
    """Entries stop, the halt is in the ledger, and midnight clears it."""
    limits = replace(LIMITS, max_daily_loss=D(1))
    fall = [100, 100, 101, 103, 104, 90, 80, 70, 71, 73, 75, 77]
    story = [replace(bar, open_time=bar.open_time + timedelta(hours=23, minutes=50)) for bar in bars(*fall)]
    world = replay(story, sma(), limits=limits)
    run(world)
    (halt,) = world.ledger.latched.values()
    assert (halt.kind, halt.limit, halt.id) == (HaltKind.REDUCE, True, "daily-loss-2022-12-13T00:00:00+00:00")
    assert world.ledger.resumed == {halt.id: "a new trading day"}
    days = [(d.bar.day, d.refusal.reason) for d, _ in world.ledger.decisions if d.refusal]
    assert {reason for day, reason in days if day == 13} <= {"Halted"}
    assert [r.write.request.purpose for r in world.ledger.orders()].count(Purpose.ENTRY) == 2


def test_a_limit_that_a_person_resumed_does_not_halt_again_that_day():
    """An explicit reset, kept in the ledger, not a restart."""
    limits = replace(LIMITS, max_daily_loss=D(1))
    ledger = MemoryLedger()
    name = "daily-loss-2022-12-13T00:00:00+00:00"
    ledger.latch(Halt(name, HaltKind.REDUCE, "limit", "lost", START, limit=True))
    ledger.resume(name, "I know", START)
    world = replay(bars(100, 100, 101, 103, 104, 90, 80, 70, 71, 73, 75, 77), sma(), limits=limits, ledger=ledger)
    run(world)
    assert ledger.halts() == ()
    assert [r.write.request.purpose for r in ledger.orders()].count(Purpose.ENTRY) == 2


def test_a_jump_below_the_stop_is_sold_at_the_market():
    """The venue refuses a stop above the price; the position is left with the next decision, not without cover."""
    story = bars(100, 100, 101, 103, 104, 104)
    gap = [candle(6, "90 90 89 89"), candle(7, "89 89 88 88"), candle(8, "88 88 87 87")]
    story = [*(replace(bar, volume=D(30)) for bar in story), *(replace(bar, volume=D(10)) for bar in gap)]
    world = replay(story, sma())
    run(world)
    refused = [r for r in world.ledger.orders() if r.status is OrderStatus.REFUSED]
    assert refused
    assert {r.write.request.purpose for r in refused} == {Purpose.STOP}
    sold = [r for r in world.ledger.orders() if r.write.request.purpose is Purpose.EXIT]
    assert sold[-1].write.request.reason == "the venue refuses a stop"


def test_a_model_is_not_traded_on_its_own_training_data():
    """The run ends with one sentence."""
    model = Model("", (1.0,), 0.0, START, START + timedelta(days=1))
    with pytest.raises(Misconfigured, match="test it on other data"):
        run(replay(rising(), strategy_of("ml_basic", {}, model)))


def test_a_dry_run_decides_and_sends_nothing():
    """Each order stands in the ledger as refused."""
    world = replay(bars(*RISE_AND_FALL), sma(), venue=ShadowVenue({"USDT": D(10000)}))
    run(world)
    assert {r.message.split(" ", 1)[0] for r in world.ledger.orders()} == {"DryRun"}
    assert world.ledger.fills() == ()


def test_stop_keeps_the_protective_stop_and_retires_the_epoch():
    """SIGTERM: no new entries, nothing in flight, the stop stays at the venue."""

    async def story() -> Replay:
        world = replay(rising(107, 108, 109, 110), sma())
        task = asyncio.create_task(world.engine.run())
        await until(lambda: bool(world.engine.snapshot().positions))
        world.engine.stop()
        assert await task == "stopped"
        return world

    world = asyncio.run(story())
    assert traded(world) == [("entry", "filled"), ("stop", "open")]
    assert world.ledger.released
    assert not world.ledger.unsettled()


def test_a_feed_that_breaks_ends_the_engine():
    """A trader must not wait for ever beside a dead pump."""

    class Broken:
        def __init__(self, feed: object) -> None:
            self.instruments, self.history, self.quote = feed.instruments, feed.history, feed.quote

        async def candles(self, symbols, timeframe):
            raise RuntimeError("a fault in the feed")
            yield

    world = replay(rising(), sma())
    broken = replay(rising(), sma(), feed=Broken(world.engine.parts.feed))
    with pytest.raises(RuntimeError, match="a fault in the feed"):
        run(broken)


class Away:
    """A venue that cannot be read for the first *times* questions."""

    def __init__(self, venue: object, times: int) -> None:
        self._venue, self.times = venue, times

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    async def open_orders(self, symbol: str) -> tuple:
        self.times -= 1
        if self.times >= 0:
            raise VenueUnavailable("502")
        return await self._venue.open_orders(symbol)


def test_a_venue_that_cannot_be_read_is_asked_again():
    """The failure is shown and counted, the loop goes on, and the position is covered when the venue is back."""
    metrics = CountingMetrics()
    inner = replay(bars(*RISE_AND_FALL), sma())
    venue = Away(inner.venue, 2)
    world = replay(bars(*RISE_AND_FALL), sma(), venue=venue, metrics=metrics)
    run(world)
    assert ("failure", "venue") in metrics.said
    assert venue.times < 0


def fake(story: list, **losses: frozenset[int]) -> tuple[Replay, FakeExchange]:
    clock = ReplayClock(story[0].open_time)
    exchange = FakeExchange(story, clock, D(10000))
    return replay(story, sma(), venue=Losing(exchange, clock, **losses), clock=clock), exchange


class NoAccount:
    """*venue*, which does not say what the account holds."""

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    async def balances(self) -> None:
        raise VenueUnavailable("balances: 500")


@pytest.mark.parametrize("told", [True, False], ids=["the account is told", "it is not"])
def test_the_timer_settles_halts_and_covers_between_bars(told):
    """With a timer the engine beats, looks for latches of others and keeps its snapshot fresh.

    What the account holds is compared with the ledger, and nothing else waits for it.
    """

    async def story() -> Replay:
        inner = replay(rising(), sma(), turn=timedelta(milliseconds=1))
        world = inner
        feed = world.engine.parts.feed
        played, open_ended = asyncio.Event(), asyncio.Event()

        class Open:
            instruments, history, quote = feed.instruments, feed.history, feed.quote

            async def candles(self, symbols, timeframe):
                async for bar in feed.candles(symbols, timeframe):
                    yield bar
                played.set()
                await open_ended.wait()

        venue = {} if told else {"venue": NoAccount(inner.venue), "clock": inner.clock}
        world = replay(rising(), sma(), turn=timedelta(milliseconds=1), feed=Open(), **venue)
        task = asyncio.create_task(world.engine.run())
        await until(lambda: bool(world.engine.snapshot().positions) and played.is_set() and world.engine.is_idle())
        world.ledger.latch(Halt("h7", HaltKind.FLATTEN, "annotation", "now", START))
        await until(lambda: world.engine.snapshot().halted)
        before = world.engine.snapshot().heartbeat
        await until(lambda: world.engine.snapshot().heartbeat > before)
        world.engine.stop()
        await task
        return world

    world = asyncio.run(story())
    sold = [r for r in world.ledger.orders() if r.write.request.side is Side.SELL and r.write.request.purpose == "exit"]
    assert sold[0].write.request.reason == "now"
    assert sold[0].write.request.replaces is not None


def test_the_engine_is_idle_when_everything_was_answered():
    """Lockstep tests wait for that."""
    world = replay(rising(), sma())
    assert world.engine.is_idle()
    run(world)
    assert world.engine.is_idle()
    assert world.engine.snapshot().data_seen_at == START + 7 * MINUTE
    assert world.engine.snapshot().data_age_seconds == 0
    assert world.engine.parts.settings.symbols[0] == BTC


class Crashed(MemoryLedger):
    """The trader before left its epoch to nobody, three minutes ago by the ledger's clock."""

    def since_crash(self) -> timedelta | None:
        return timedelta(minutes=3)


@pytest.mark.parametrize(
    ("minutes", "bought", "until"), [(0, "9.90099", None), (2, "9.90099", None), (120, "4.95049", 117)]
)
def test_entries_after_a_crash_are_smaller_until_it_was_watched_long_enough(minutes, bought, until):
    """Half of the usual size for as long as asked, counted from the crash; a restart does not begin anew."""
    settings = replace(replay(rising(), sma()).engine.parts.settings, observed=timedelta(minutes=minutes))
    half = replace(LIMITS, recovery_percent=D(50))
    world = replay(rising(), sma(), half, ledger=Crashed(), settings=settings)
    began = world.clock.now()
    run(world)
    requests = (each.write.request for each in world.ledger.orders())
    assert [each.quantity for each in requests if each.purpose is Purpose.ENTRY] == [D(bought)]
    shown = world.engine.snapshot().recovering_until
    assert (shown and shown - began) == (until and timedelta(minutes=until))


def test_a_bot_that_runs_for_months_still_enters():
    """Steps and bounds are read again on the way: they never become too old while the venue answers."""
    days = [100] * 40 + list(RISE)
    daily = [
        replace(bar, open_time=START + timedelta(days=number)) for number, bar in enumerate(bars(*map(float, days)))
    ]
    world = replay(daily, sma())
    run(world)
    assert [way for way in traded(world) if way[0] == "entry"] == [("entry", "filled")]
    assert world.engine.snapshot().filters_age_seconds < timedelta(days=3).total_seconds()


def test_a_turn_is_shown_once_nothing_else_waits(monkeypatch):
    """What only tells prices is shown ten times a second, whatever its number; all else as soon as it is caught up."""
    monkeypatch.setattr(trading, "SHOWN_SECONDS", 3600.0)
    world = replay([candle(minute) for minute in range(3)], sma())
    floor, shown = world.engine._floor, []
    floor.teller.show = lambda *_: shown.append(True)
    trader = trading.Trader(floor, None)
    running = candle(3, closed=False)
    trader._show(running)
    assert len(shown) == 1, "nothing was shown before"
    for _ in range(100):
        trader._show(running)
    assert len(shown) == 1
    floor.inbox.wake()
    trader._show(candle(3))
    assert len(shown) == 1, "the timer's turn waits"
    asyncio.run(floor.inbox.next())
    trader._show(Turn.TIMER)
    assert len(shown) == 2
    monkeypatch.setattr(trading, "SHOWN_SECONDS", 0.0)
    trader._show(running)
    assert len(shown) == 3
