"""What the engine tells: its snapshot, its log lines and its counts. It decides nothing."""

from dataclasses import replace

import structlog

from tradingbot.domain.halt import Halt
from tradingbot.domain.intent import Decision, Refusal
from tradingbot.domain.lease import Lease, NotClaimed
from tradingbot.domain.order import Outcome, Refused
from tradingbot.domain.ports import Clock
from tradingbot.domain.snapshot import EngineState, LastDecision, Metrics, Snapshot
from tradingbot.execution import picture
from tradingbot.execution.desk import Desk
from tradingbot.guard import Guard

log = structlog.stdlib.get_logger("tradingbot")


class Teller:
    """Keeps the newest snapshot; everything said here has already happened."""

    def __init__(self, clock: Clock, metrics: Metrics, ledger_id: str, currency: str) -> None:
        self._clock = clock
        self._metrics = metrics
        self._stopping = False
        self._flat: frozenset[str] = frozenset()
        now = clock.now()
        self.snapshot = Snapshot(heartbeat=clock.monotonic(), started_at=now, ledger_id=ledger_id, currency=currency)

    def alive(self) -> None:
        self._change()

    def claimed(self, lease: Lease) -> None:
        log.info("Epoch claimed", epoch=lease.epoch, ledger_id=lease.ledger_id, instance=lease.instance)
        self._change(
            state=EngineState.STARTING,
            epoch=lease.epoch,
            highest_epoch=max(lease.epoch, self.snapshot.highest_epoch),
            holder=lease.holder,
            database="ok",
        )

    def standby(self, why: NotClaimed) -> None:
        if self.snapshot.state is not EngineState.STANDBY:
            log.warning("Standing by", reason=why.reason, message=why.message)
        if why.reason == "Fenced":
            self._metrics.fenced()
        self._change(state=EngineState.STANDBY, epoch=None, blocks=(why.message,))

    def ledger_away(self, error: Exception) -> None:
        log.error("Ledger unavailable", error=str(error))
        self._metrics.reconnect("ledger")
        self._change(state=EngineState.BLOCKED, database=str(error), blocks=(f"ledger: {error}",))

    def venue_away(self, error: Exception) -> None:
        log.warning("Venue unavailable", error=str(error))
        self._metrics.failure("venue")
        self._change(exchange=str(error))

    def stopping(self) -> None:
        log.info("Stopping: no new entries, in-flight orders are settled, protective stops stay")
        self._stopping = True
        self._change(state=EngineState.STOPPING)

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
        intent = decision.intent
        refusal = outcome if isinstance(outcome, Refusal) else decision.refusal
        action = "refused" if refusal else intent.action.value if intent else "hold"
        self._metrics.decision(decision.strategy, decision.symbol, action)
        if refusal is not None:
            self._metrics.refusal(refusal.reason)
        if intent is not None:
            code = f"{outcome.code} {outcome.message}" if isinstance(outcome, Refused) else None
            log.info(
                "Decided",
                symbol=decision.symbol,
                bar=decision.bar.isoformat(),
                action=intent.action.value,
                reason=intent.reason,
                refused=refusal.message if refusal else code,
            )
        reason = refusal.message if refusal else intent.reason if intent else ""
        last = LastDecision(decision.symbol, decision.bar, action, reason)
        self.snapshot = replace(self.snapshot, last_decision=last, bars_seen=self.snapshot.bars_seen + 1)

    def show(self, desk: Desk, guard: Guard) -> None:
        """The snapshot is the engine as it stands after a turn."""
        around = guard.surroundings(desk)
        seen_at = max(around.seen_at.values(), default=None)
        oldest = min(around.seen_at.values(), default=None)
        age = (around.now - oldest).total_seconds() if oldest else None
        self._change(
            state=self._state(around, guard),
            halts=tuple(guard.halts.standing.values()),
            blocks=around.blocks,
            equity=desk.book.equity(around.marks),
            cash=desk.book.cash,
            day_start_equity=guard.money.day_equity,
            peak_equity=guard.money.peak,
            positions=picture.held_positions(desk.book, around.marks),
            open_orders=sum(len(desk.book.live(symbol)) for symbol in desk.book.instruments),
            last_orders=desk.book.recent,
            data_seen_at=seen_at,
            data_age_seconds=age,
            database="ok",
            exchange="ok",
        )

    def _state(self, around: picture.Surroundings, guard: Guard) -> EngineState:
        if self._stopping:
            return EngineState.STOPPING
        if guard.halts.standing:
            return EngineState.HALTED
        return EngineState.BLOCKED if around.blocks else EngineState.TRADING

    def halts(self, guard: Guard) -> None:
        state = self.snapshot.state
        if state is EngineState.TRADING and guard.halts.standing:
            state = EngineState.HALTED
        self._change(state=state, halts=tuple(guard.halts.standing.values()))

    def _change(self, **changes: object) -> None:
        heartbeat = self._clock.monotonic()
        self.snapshot = replace(self.snapshot, heartbeat=heartbeat, **changes)  # type: ignore[arg-type]
