"""What the engine tells: its snapshot, its log lines and its counts. It decides nothing."""

import logging
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import structlog

from tradingbot.domain.halt import Halt, HaltKind
from tradingbot.domain.intent import Action, Decision, Refusal
from tradingbot.domain.lease import Lease, LeaseRow, NotClaimed, Released, Successor
from tradingbot.domain.order import Outcome
from tradingbot.domain.order import Refused as VenueRefused
from tradingbot.domain.snapshot import Adoption, EngineState, LastDecision, Refused, Shadow, Snapshot
from tradingbot.execution import picture
from tradingbot.execution.desk import Desk
from tradingbot.execution.outside import Deed
from tradingbot.guard import Guard
from tradingbot.parts import Parts
from tradingbot.risk.limits import TOO_MANY_SIGNALS

log = structlog.stdlib.get_logger("tradingbot")


class Teller:
    """Keeps the newest snapshot; everything said here has already happened."""

    def __init__(self, parts: Parts) -> None:
        clock, settings = parts.clock, parts.settings
        self._clock = clock
        self._metrics = parts.metrics
        self._journal = parts.journal
        self._breakers = parts.breakers
        self._stopping = False
        self._standing = False
        self._why = self._held_back = ""
        self._venue = "ok"
        # A recording is decided faster than anybody reads.
        self._of_each_bar = logging.DEBUG if settings.turn is None else logging.INFO
        self._flat: frozenset[str] = frozenset()
        self.snapshot = Snapshot(
            heartbeat=clock.monotonic(),
            started_at=clock.now(),
            ledger_id=parts.ledger.ledger_id,
            currency=settings.currency,
            schema=settings.schema,
            breakers=parts.breakers.shown(),
        )

    def alive(self) -> None:
        self._change()

    def claimed(self, lease: Lease) -> None:
        log.info("Epoch claimed", epoch=lease.epoch, ledger_id=lease.ledger_id, instance=lease.instance)
        self._begun(lease)

    def _begun(self, lease: Lease) -> None:
        self._standing, self._why = False, ""
        self._change(
            state=EngineState.STARTING,
            epoch=lease.epoch,
            highest_epoch=max(lease.epoch, self.snapshot.highest_epoch),
            holder=lease.holder,
            database="ok",
        )

    def named(self, lease: Lease) -> None:
        log.info("Epoch given", epoch=lease.epoch, ledger_id=lease.ledger_id, instance=lease.instance)
        self._begun(lease)

    def adopting(self, adoption: Adoption) -> None:
        """How far the newest epoch's adoption is."""
        if adoption.result == "adopted":
            counts = {name: getattr(adoption, name) for name in ("adopted", "cancelled", "recovered", "unknown")}
            log.info("Adopted", epoch=adoption.epoch, **counts, milliseconds=str(adoption.milliseconds))
            self.venue_answers()
        self._change(adoption=adoption)

    def resumed_with(self, desk: Desk) -> None:
        """What the ledger knew of this book, which is gone on with."""
        held = sum(bool(position.quantity) for position in desk.book.positions.values())
        log.info("resumed", balance=str(desk.book.cash), positions=held)

    def standby(self, why: NotClaimed, row: LeaseRow) -> None:
        if not self._standing:
            log.warning("Standing by", reason=why.reason, message=why.message)
        self._standing = True
        highest = max(row.epoch, self.snapshot.highest_epoch)
        self._change(state=EngineState.STANDBY, epoch=None, holder=row.holder, highest_epoch=highest)
        self._why = why.message

    def behind(self, highest: int) -> None:
        """The venue knows of a later epoch than the ledger."""
        self._change(highest_epoch=max(highest, self.snapshot.highest_epoch))

    def fenced(self, error: Exception) -> None:
        self._metrics.fenced()
        adoption = self.snapshot.adoption
        if adoption is not None and adoption.result == "adopting":
            adoption = replace(adoption, result="failed")
        self._change(state=EngineState.STANDBY, epoch=None, blocks=(str(error),), adoption=adoption)

    def ordered(self, successor: str) -> None:
        log.info("Ordered to hand over: decisions wait, what is in flight is settled", successor=successor)

    def order_void(self) -> None:
        log.warning("The order to hand over is void or was taken back: trading goes on")
        self._held_back = ""

    def held_back(self, reason: str) -> None:
        """Why the epoch is not released yet; said once for each reason."""
        if reason != self._held_back:
            log.warning("Not released yet", reason=reason)
        self._held_back = reason

    def released(self, done: Released, successor: Successor) -> None:
        log.info("Epoch released", named=done.named, successor=successor.text)
        self._held_back = ""
        self._change(state=EngineState.STANDBY, epoch=None, highest_epoch=done.named, holder=successor.holder)

    def shadowed(self, decision: Decision) -> None:
        intent = decision.intent
        action = intent.action.value if intent else "hold"
        log.debug("Shadow decision", symbol=decision.symbol, bar=decision.bar.isoformat(), action=action)

    def compared(self, shadow: Shadow, unresolved: int) -> None:
        self._change(shadow=shadow, unresolved=unresolved)

    def ledger_away(self, error: Exception) -> None:
        log.error("Ledger unavailable", error=str(error))
        self._metrics.reconnect("ledger")
        self._change(state=EngineState.BLOCKED, database=str(error), blocks=(f"ledger: {error}",))

    def in_doubt(self, error: Exception, guard: Guard) -> None:
        """Who cannot read the ledger decides nothing, whether it holds the epoch or not."""
        log.error("UnknownState", error=str(error))
        self._metrics.failure("ledger")
        self.halts(guard)
        state = EngineState.HALTED if guard.halts.standing else EngineState.BLOCKED
        self._change(state=state, blocks=(str(error),))

    def venue_away(self, error: Exception) -> None:
        kind = getattr(error, "kind", "")
        log.warning("Venue unavailable", error=str(error), **({"error_kind": kind} if kind else {}))
        self._metrics.failure("venue")
        self._venue = str(error) or type(error).__name__
        self._change(exchange=self._venue)

    def venue_answers(self) -> None:
        self._venue = "ok"

    def stopping(self) -> None:
        log.info("Stopping: no new entries, in-flight orders are settled, protective stops stay")
        self._stopping = True
        self._change(state=EngineState.STOPPING)

    def foreign(self, deed: Deed) -> None:
        log.warning("ForeignActivity", kind=deed.kind, what=deed.text)
        self._metrics.foreign(deed.kind)

    def reconciled(self, differences: tuple[str, ...], at: datetime) -> None:
        """Ledger and account were compared."""
        (log.warning if differences else log.info)("Reconciled with the account", differences=differences)
        self._change(reconciled_at=at, differences=differences)

    def counted(self, apart: Decimal) -> None:
        """What account and book differ by is worth so much."""
        self._change(balance_error=apart)

    def outside(self, said: tuple[str, ...]) -> None:
        """What others do on the account, in sentences."""
        self._change(outside=said)

    def halted(self, halt: Halt, guard: Guard) -> None:
        log.warning("Halt acts", id=halt.id, kind=halt.kind, source=halt.source, reason=halt.reason)
        self.halts(guard)

    def flattened(self, symbol: str, verified: bool) -> None:
        if verified and symbol not in self._flat:
            log.info("Flat: the venue lists no order of ours, and the rest is dust", symbol=symbol)
        self._flat = self._flat | {symbol} if verified else self._flat - {symbol}

    def resumed(self, halt_id: str, reason: str, guard: Guard) -> None:
        log.warning("Halt cleared", id=halt_id, reason=reason)
        self.halts(guard)

    def decided(self, decision: Decision, outcome: Outcome | Refusal | None) -> None:
        intent, refusal = decision.intent, self.ticked(decision, outcome)
        if intent is not None:
            code = f"{outcome.code} {outcome.message}" if isinstance(outcome, VenueRefused) else None
            log.info(
                "Signal",
                symbol=decision.symbol,
                bar=decision.bar.isoformat(),
                action=intent.action.value,
                reason=intent.reason,
                refused=refusal.message if refusal else code,
            )
        else:
            bar = decision.bar.isoformat()
            log.log(self._of_each_bar, "Decided", symbol=decision.symbol, bar=bar, action="hold")
        self.snapshot = replace(self.snapshot, bars_seen=self.snapshot.bars_seen + 1)

    def ticked(self, decision: Decision, outcome: Outcome | Refusal | None) -> Refusal | None:
        """The decision is counted and shown; fifty in a second are not logged."""
        intent = decision.intent
        refusal = outcome if isinstance(outcome, Refusal) else decision.refusal
        if intent is not None:
            counted = self._metrics.dropped if refusal and refusal.reason == TOO_MANY_SIGNALS else self._metrics.signal
            counted(decision.strategy, "buy" if intent.action is Action.ENTER else "sell")
        action = "refused" if refusal else intent.action.value if intent else "hold"
        self._metrics.decision(decision.strategy, decision.symbol, action)
        if refusal is not None:
            self._metrics.refusal(refusal.reason)
        reason = refusal.message if refusal else intent.reason if intent else ""
        enters, leaves = self.snapshot.wishes
        if intent is not None:
            enters, leaves = (enters + 1, leaves) if intent.action is Action.ENTER else (enters, leaves + 1)
        self.snapshot = replace(
            self.snapshot,
            last_decision=LastDecision(decision.symbol, decision.bar, action, reason),
            wishes=(enters, leaves),
            refused=_counted(self.snapshot.refused, refusal),
        )
        return refusal

    def show(self, desk: Desk, guard: Guard) -> None:
        """The snapshot is the engine as it stands after a turn."""
        around = guard.surroundings(desk)
        seen_at = max(around.seen_at.values(), default=None)
        oldest = min(around.seen_at.values(), default=None)
        age = (around.now - oldest).total_seconds() if oldest else None
        self._change(
            state=self._state(around, guard),
            halts=tuple(guard.halts.standing.values()),
            disabled=frozenset(guard.halts.off),
            blocks=(self._why,) if self._why else around.held_back,
            equity=desk.book.equity(around.marks),
            cash=desk.book.cash,
            day_start_equity=guard.money.day_equity,
            peak_equity=guard.money.peak,
            positions=picture.held_positions(desk.book, around.marks),
            flat=self._is_flat(desk, guard),
            recovering_until=guard.recovering_until(around.now),
            journal=len(self._journal.entries()),
            unresolved=self.snapshot.unresolved if self._standing else desk.unresolved,
            open_orders=desk.book.live_count,
            last_orders=desk.book.recent,
            data_seen_at=seen_at,
            data_age_seconds=age,
            filters_age_seconds=(around.now - around.filters_at).total_seconds() if around.filters_at else None,
            volatility=tuple(around.volatility.items()),
            market_open=around.market_open,
            database="ok",
            exchange=self._venue,
        )
        shown = self.snapshot
        log.debug("Turned", state=shown.state, equity=str(shown.equity), open_orders=shown.open_orders)

    def _is_flat(self, desk: Desk, guard: Guard) -> bool:
        """Only who is to flatten asks the venue for it; what was flat under an order before counts for nothing."""
        if self._standing or guard.ruling is not HaltKind.FLATTEN:
            self._flat = frozenset()
        return bool(self._flat) and self._flat >= desk.book.instruments.keys()

    def _state(self, around: picture.Surroundings, guard: Guard) -> EngineState:
        if self._stopping:
            return EngineState.STOPPING
        if self._standing:
            return EngineState.STANDBY
        if guard.halts.standing:
            return EngineState.HALTED
        return EngineState.BLOCKED if around.held_back else EngineState.TRADING

    def halts(self, guard: Guard) -> None:
        state = self.snapshot.state
        if state is EngineState.TRADING and guard.halts.standing:
            state = EngineState.HALTED
        self._change(state=state, halts=tuple(guard.halts.standing.values()), disabled=frozenset(guard.halts.off))

    def _change(self, **changes: object) -> None:
        state, before = self._clock.state, self.snapshot.clock
        if state is not before:
            log.warning("Clock offset", state=state, was=before, doubt=self._clock.doubt())
        changes |= {"heartbeat": self._clock.monotonic(), "breakers": self._breakers.shown(), "clock": state}
        self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]


def _counted(before: tuple[Refused, ...], refusal: Refusal | None) -> tuple[Refused, ...]:
    """*before* with one more refusal, the newest reason last."""
    if refusal is None:
        return before
    times = sum(each.times for each in before if each.reason == refusal.reason)
    rest = tuple(each for each in before if each.reason != refusal.reason)
    return (*rest, Refused(refusal.reason, times + 1, refusal.message))
