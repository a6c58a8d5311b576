"""What stands over every decision: halts, broken limits, the trading day, and the picture risk looks at."""

from collections import deque
from datetime import datetime, timedelta
from zlib import crc32

import structlog

from tradingbot.domain.errors import UnknownState
from tradingbot.domain.exposure import Exposure
from tradingbot.domain.halt import Halt, HaltKind, switch_id
from tradingbot.domain.intent import Action, Intent, Refusal
from tradingbot.execution import picture
from tradingbot.execution.desk import Desk
from tradingbot.execution.halting import Halts
from tradingbot.execution.money import Money
from tradingbot.execution.outside import Deed
from tradingbot.filters import Filters
from tradingbot.market.bars import Bars
from tradingbot.pacing import NOT
from tradingbot.parts import Parts
from tradingbot.risk import limits
from tradingbot.risk.highs import HOUR, Highs

log = structlog.stdlib.get_logger("tradingbot")
MINUTE = timedelta(minutes=1)


class Guard:
    """Halts act from memory at once; limits are measured from the ledger, across epochs."""

    def __init__(self, parts: Parts, bars: Bars, filters: Filters) -> None:
        self._parts = parts
        self._bars = bars
        self._filters = filters
        capital = parts.settings.capital
        self.halts = Halts(parts.ledger)
        self.money = Money(capital, capital, capital)
        self._highs = Highs()
        self._waived: frozenset[str] = frozenset()
        self._crashed_until: datetime | None = None
        self._signals: deque[datetime] = deque()

    @property
    def ruling(self) -> HaltKind | None:
        return self.halts.ruling

    @property
    def reason(self) -> str:
        """Why positions are to be closed; every exit carries it."""
        return next((halt.reason for halt in self.halts.standing.values() if halt.kind is HaltKind.FLATTEN), "flatten")

    def load(self) -> None:
        """Halts and marks are as the ledger has them."""
        self.halts.latch()
        now, self._highs = self._parts.clock.now(), Highs()
        with self._parts.ledger.one_read():
            self.halts.refresh()
            self.money.load(self._parts.ledger, self._parts.day_start(now))
            for at, equity in self._parts.ledger.equity_since(now - HOUR):
                self._highs.add(at, equity)
            self._crashed_until = self._watched_until(now)

    def _watched_until(self, now: datetime) -> datetime | None:
        observed = self._parts.settings.observed
        ago = self._parts.ledger.since_crash() if observed else None
        return None if ago is None else now + observed - self._parts.clock.scaled(ago)

    def recovering_until(self, now: datetime) -> datetime | None:
        """Until when entries are smaller; None when nothing crashed, or long enough ago."""
        until = self._crashed_until
        return until if until is not None and now < until else None

    def halt(self, reason: str, kind: HaltKind, source: str, halt_id: str | None = None) -> Halt:
        return self.halts.add(Halt(halt_id or self._parts.new_id(), kind, source, reason, self._parts.clock.now()))

    def switch(self, strategy: str, on: bool, reason: str) -> None:
        """*strategy* may enter, or only leave, until it is switched again; also in the processes that follow."""
        now = self._parts.clock.now()
        if on:
            self.halts.switch_on(strategy, reason, now)
        else:
            off = Halt(switch_id(strategy, self._parts.new_id()), HaltKind.REDUCE, "http", reason, now)
            self.halts.switch(off)
        log.warning("Strategy switched", strategy=strategy, enabled=on, reason=reason)

    def measure(self, desk: Desk, at: datetime) -> None:
        """Broken limits halt by the equity of now, and limit halts of days gone are cleared."""
        day = self._parts.day_start(at)
        self.money.measure(at, day, desk.book.equity(self._bars.closes()))
        self._highs.add(at, self.money.equity)
        broken = limits.broken(self._parts.limits, self.exposure(desk), day)
        for halt in broken:
            if halt.id not in self.halts.standing and halt.id not in self._waived:
                self._halt(halt)
        # What was latched before and stands no longer has been resumed by a person: it does not halt again.
        self._waived = frozenset(halt.id for halt in broken) - self.halts.standing.keys()
        for halt in limits.outlived(tuple(self.halts.standing.values()), day):
            self.halts.resume(halt.id, "a new trading day", at)
            log.warning("HaltCleared", id=halt.id, reason="a new trading day")

    def keep(self, desk: Desk) -> None:
        """What was measured is in the ledger."""
        self.money.keep(desk)

    def judged(self, wish: Intent, refusal: Refusal | None, exposure: Exposure) -> None:
        """A strategy that was refused for its number of orders trades no more until a person resumes."""
        why = refusal.reason if refusal else ""
        if wish.action is Action.ENTER and why != limits.TOO_MANY_SIGNALS and self._parts.limits.signals:
            self._signals.append(exposure.now)
        if why == limits.TOO_MANY_ORDERS:
            self._halt(limits.runaway(self._parts.limits, exposure))

    def _recent(self, now: datetime) -> int:
        """How many wishes to enter came in the time their limit looks back."""
        if self._parts.limits.signals is None:
            return 0
        since = now - self._parts.clock.scaled(self._parts.limits.signals[1])
        while self._signals and self._signals[0] <= since:
            self._signals.popleft()
        return len(self._signals)

    def foreign(self, deed: Deed) -> None:
        """Nothing is entered while somebody else trades on the account, until a person resumes; stops stay."""
        name = f"foreign-{deed.kind}-{deed.name}"
        self._halt(Halt(name, HaltKind.HALT, "foreign", deed.text, self._parts.clock.now()))

    def doubts(self, error: UnknownState) -> None:
        """Nothing is entered until a person has looked at what the ledger holds; stops stay at the venue."""
        name = f"unknown-state-{crc32(str(error).encode()):08x}"
        if name not in self.halts.standing:
            self._halt(Halt(name, HaltKind.HALT, "ledger", str(error), self._parts.clock.now()))

    def _halt(self, halt: Halt) -> None:
        self.halts.add(halt)
        log.warning("Trading halted", id=halt.id, kind=halt.kind, source=halt.source, reason=halt.reason)

    def exposure(self, desk: Desk, counted: bool = False) -> Exposure:
        return picture.exposure(desk.book, self.surroundings(desk, counted))

    def _spacing(self, desk: Desk, now: datetime) -> timedelta:
        """What lies between two orders by a person's wish, while the last one is younger."""
        delay = self._parts.pacing.delay
        waits = delay and desk.ledger.orders_since(now - self._parts.clock.scaled(delay))
        return delay if waits else NOT

    def surroundings(self, desk: Desk, counted: bool = False) -> picture.Surroundings:
        """What the book does not know; orders of the last minute are only *counted* when somebody asks for them."""
        clock = self._parts.clock
        now = clock.now()
        closed = self._parts.closed(now)
        return picture.Surroundings(
            now=now,
            marks=self._bars.closes(),
            seen_at=self._bars.seen_at,
            volatility=self._bars.volatility,
            filters_at=self._filters.read_at,
            day_start_equity=self.money.day_equity,
            peak_equity=self.money.peak,
            recent_signals=self._recent(now),
            orders_last_minute=desk.orders_since(now - clock.scaled(MINUTE)) if counted else 0,
            halt=self.halts.ruling,
            blocks=tuple(each for each in (clock.doubt(), self._parts.invented(), closed) if each),
            market_open=closed is None,
            breakers=self._parts.breakers.open,
            waived=self._waived,
            spacing=self._spacing(desk, now) if counted else NOT,
            hour_peak_equity=self._highs.highest(now),
            day_results=desk.book.results.since(self.money.day) if self.money.day else (),
        )
