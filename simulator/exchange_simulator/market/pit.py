"""One symbol as the venue shows it: prices revealed one by one along the recorded candles."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from exchange_simulator.domain.bar import Bar
from exchange_simulator.domain.numbers import ONE, ZERO, floored
from exchange_simulator.domain.rules import Rules
from exchange_simulator.market.recording import Recording

POINTS = 4


@dataclass(frozen=True, slots=True)
class Regime:
    """How recorded prices are bent: multiplied by `factor`, and their way from the open stretched by `volatility`."""

    factor: Decimal = ONE
    volatility: Decimal = ONE

    def bar(self, recorded: Bar, tick: Decimal) -> Bar:
        """The candle as it is played under this regime."""
        if self == PLAIN:
            return recorded
        prices = [recorded.open, recorded.high, recorded.low, recorded.close]
        start, stretch = recorded.open, self.volatility
        bent = [on_tick((start + (price - start) * stretch) * self.factor, tick) for price in prices]
        return Bar(recorded.open_ms, bent[0], bent[1], bent[2], bent[3], recorded.volume)


PLAIN = Regime()


def on_tick(price: Decimal, tick: Decimal) -> Decimal:
    """*price* on the nearest tick, at least one."""
    return max(tick, (price / tick).quantize(ONE, rounding=ROUND_HALF_EVEN) * tick)


@dataclass(frozen=True, slots=True)
class Reveal:
    """What became due: a price, or the end of the candle at `open_ms`; neither where nothing was shown."""

    time_ms: int
    previous: Decimal
    price: Decimal | None
    jump: bool
    ahead: tuple[Decimal, ...]
    quantity: Decimal
    open_ms: int | None


@dataclass(slots=True)
class Pit:
    """Where a symbol stands. `phase` is the next point of the candle (0 to 3), 4 its end."""

    recording: Recording
    rules: Rules
    path: Callable[[Bar], tuple[Decimal, ...]]
    open_ms: int = 0
    phase: int = 0
    plan: tuple[Decimal, ...] = ()
    shown: tuple[Decimal, ...] = ()
    last: Decimal = ZERO
    disturbed: bool = False
    skipped: bool = False
    frozen: bool = False
    halted: bool = False
    regimes: list[tuple[int, Regime]] = field(default_factory=lambda: [(0, PLAIN)])
    written: dict[int, Bar | None] = field(default_factory=dict)

    @property
    def step_ms(self) -> int:
        """The length of a recorded candle."""
        return self.recording.step_ms

    @property
    def disturbed_from_ms(self) -> int | None:
        """Before this instant, history is as recorded."""
        marks = [self.regimes[1][0]] if len(self.regimes) > 1 else []
        marks += [min(self.written)] if self.written else []
        return min(marks) if marks else None

    def bar(self, open_ms: int) -> Bar | None:
        """The whole candle at *open_ms*, as played or as it will be played."""
        if open_ms in self.written:
            return self.written[open_ms]
        recorded = self.recording.bar(open_ms)
        if recorded is None or len(self.regimes) == 1:
            return recorded
        index = bisect_right(self.regimes, open_ms, key=lambda mark: mark[0]) - 1
        return self.regimes[index][1].bar(recorded, self.rules.tick)

    def set_to(self, now_ms: int, *, standing: bool) -> None:
        """The symbol stands as if watched up to *now_ms*; an open due exactly then waits when *standing*."""
        first = self.recording.first_ms
        self.open_ms = first + (now_ms - first) // self.step_ms * self.step_ms
        before = self.open_ms - self.step_ms
        while (previous := self.bar(before)) is None:
            before -= self.step_ms
        self.last = previous.close
        self.begin(self.open_ms)
        while self.due_ms <= now_ms and not (standing and self.phase == 0 and self.due_ms == now_ms):
            self.reveal()

    def begin(self, open_ms: int) -> None:
        """The candle at *open_ms* is the current one, nothing of it shown."""
        bar = self.bar(open_ms)
        self.open_ms, self.phase, self.shown, self.disturbed = open_ms, 0, (), False
        self.plan = () if bar is None else self.path(bar)

    @property
    def due_ms(self) -> int:
        """When the next reveal is due."""
        third = self.step_ms // 3
        return self.open_ms + (0, third, 2 * third, self.step_ms - 1, self.step_ms)[self.phase]

    def reveal(self) -> Reveal:
        """The next point is shown, or the candle ends and the next one is current."""
        due, phase, previous = self.due_ms, self.phase, self.last
        if phase == POINTS:
            return self.end(due)
        self.phase += 1
        if self.still or not self.plan:
            self.disturbed, self.skipped = self.disturbed or self.still, True
            return Reveal(due, previous, None, jump=False, ahead=(), quantity=ZERO, open_ms=None)
        price, jump = self.plan[phase], self.skipped or not self.shown
        self.last, self.shown, self.skipped = price, (*self.shown, price), False
        return Reveal(due, previous, price, jump, self.plan[phase + 1 :], self.part, self.open_ms)

    def end(self, due: int) -> Reveal:
        """The current candle is history."""
        ended = self.open_ms
        if self.disturbed:
            self.written[ended] = self.drawn(self.volume)
        self.begin(ended + self.step_ms)
        return Reveal(due, self.last, None, jump=False, ahead=(), quantity=ZERO, open_ms=None if self.still else ended)

    @property
    def volume(self) -> Decimal:
        """The whole volume of the current candle, shown or not; zero where nothing was recorded."""
        recorded = self.recording.bar(self.open_ms)
        return ZERO if recorded is None else recorded.volume

    @property
    def liquidity(self) -> Decimal:
        """The volume orders may share in; zero while the market stands still."""
        return ZERO if self.still else self.volume

    @property
    def part(self) -> Decimal:
        """What one shown price stands for of the candle's volume."""
        return floored(self.volume / POINTS, self.rules.step)

    @property
    def still(self) -> bool:
        """True while no price is shown and nothing is matched."""
        return self.frozen or self.halted

    def drawn(self, volume: Decimal) -> Bar | None:
        """The current candle from what has been shown of it."""
        if not self.shown:
            return None
        return Bar(self.open_ms, self.shown[0], max(self.shown), min(self.shown), self.shown[-1], volume)

    def running(self, now_ms: int) -> Bar | None:
        """The current candle as far as it may be seen at *now_ms*; at its very open, the open alone."""
        if self.shown:
            return self.drawn(floored(self.volume * self.phase / POINTS, self.rules.step))
        if self.plan and self.phase == 0 and self.due_ms <= now_ms and not self.still:
            opened = self.plan[0]
            return Bar(self.open_ms, opened, opened, opened, opened, ZERO)
        return None

    def price(self, now_ms: int) -> Decimal:
        """The price a taker meets at *now_ms*: the open that is due, or the last one shown."""
        if self.plan and self.phase == 0 and self.due_ms <= now_ms and not self.still:
            return self.plan[0]
        return self.last

    def shock(self, factor: Decimal, now_ms: int) -> Reveal:
        """All prices from now on are multiplied by *factor*; the last one jumps there at once."""
        previous = self.last
        self.last = on_tick(self.last * factor, self.rules.tick)
        self.plan = self.plan[: self.phase] + tuple(
            on_tick(price * factor, self.rules.tick) for price in self.plan[self.phase :]
        )
        if self.shown:
            self.shown = (*self.shown, self.last)
        self.disturbed = True
        regime = self.regimes[-1][1]
        self.bend(Regime(regime.factor * factor, regime.volatility))
        return Reveal(now_ms, previous, self.last, jump=True, ahead=(), quantity=self.part, open_ms=self.open_ms)

    def bend(self, regime: Regime) -> None:
        """Candles after the current one are played under *regime*."""
        starts = self.open_ms + self.step_ms
        self.regimes = [mark for mark in self.regimes if mark[0] < starts] + [(starts, regime)]

    @property
    def regime(self) -> Regime:
        """The regime that holds for candles to come."""
        return self.regimes[-1][1]
