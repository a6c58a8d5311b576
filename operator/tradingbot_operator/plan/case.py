"""What the rules of a hand-over ask about the moment: made of what was seen, and unknown is never yes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradingbot_operator.domain.handover import (
    Kind,
    Place,
    Rollout,
    Seen,
    Side,
    Step,
    other,
)
from tradingbot_operator.domain.lease import LeaseRow, Successor

# The order is void after this; whoever gave it may be dead, so that entries resume.
ORDER_MS = 3000
# After a void order entries go on for this long before the next one.
PAUSE_MS = 5000
UNANSWERED_MS = 500
# A process beats twice a second; the ledger's own bound for a successor is 2 s.
SILENT_MS = 1250
FRESH_MS = 2000
# A restarted container claims within seconds by itself; what is silent for longer is lost.
LOST_MS = 10_000
# The cause may be one that ends by itself: a registry, a Secret that comes a moment later.
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Case:
    """*rollout* is the newest hand-over as recorded, None before the first."""

    rollout: Rollout | None
    seen: Seen
    now: datetime

    @property
    def step(self) -> Step:
        return self.rollout.step if self.rollout else Step.IDLE

    @property
    def now_on(self) -> Rollout:
        """The record of what is under way."""
        if self.rollout is None:
            raise LookupError("no hand-over is recorded")
        return self.rollout

    @property
    def row(self) -> LeaseRow:
        if self.seen.row is None:
            raise LookupError("the lease is unknown")
        return self.seen.row

    @property
    def active(self) -> Side:
        return self.seen.side(self.seen.active.colour)

    @property
    def idle(self) -> Side:
        return self.seen.side(other(self.seen.active.colour))

    @property
    def source(self) -> Side:
        return self.seen.side(self.now_on.source.colour)

    @property
    def target(self) -> Side:
        return self.seen.side(self.now_on.target.colour)

    def is_up(self, side: Side, revision: str | None = None) -> bool:
        """Its process is heard of, and runs that revision."""
        heard = side.instance is not None and side.silent_ms is not None and side.silent_ms < FRESH_MS
        return heard and side.replicas > 0 and revision in (None, side.revision)

    @property
    def holder_silent_ms(self) -> int:
        """How long the process that may trade has not been heard of; one that never was, for ever."""
        silent = self.row.silent_ms(self.row.instance)
        return LOST_MS if silent is None else silent

    @property
    def nobody_holds(self) -> bool:
        """No process can write under the row's epoch, or the one that could has stopped beating."""
        return self.row.released or self.row.instance is None or self.holder_silent_ms >= SILENT_MS

    @property
    def lost(self) -> bool:
        """The process that may trade is gone, and its colour has not brought another one in time."""
        return self.holder_silent_ms >= LOST_MS and not self.row.released

    @property
    def moved(self) -> bool:
        """The lease is with the place it was to go to."""
        rollout, row = self.now_on, self.row
        if row.colour != rollout.target.colour:
            return False
        return not rollout.in_place or row.revision in (None, rollout.target.revision)

    @property
    def went_back(self) -> bool:
        """The lease is with the place it was to be taken from."""
        return self.row.colour == self.now_on.source.colour and not self.now_on.in_place

    @property
    def successor(self) -> Successor | None:
        """Who is to be named: the process that runs in the target's colour now."""
        side = self.target
        if not self.is_up(side, self.now_on.target.revision) or side.instance is None:
            return None
        holder = self.row.holder.removesuffix(self.row.colour) + side.colour
        return Successor(holder, side.instance, self.now_on.target.revision)

    @property
    def desired(self) -> str:
        """The revision that is to trade in the end: what the spec asks for, unless that is held."""
        held = self.rollout.held if self.rollout else None
        if held is None or held.revision != self.seen.wanted:
            return self.seen.wanted
        if self.rollout is not None and self.rollout.kind is Kind.ROLLBACK:
            return self.rollout.target.revision
        return self.seen.active.revision

    @property
    def held(self) -> bool:
        return (
            self.rollout is not None
            and self.rollout.held is not None
            and (self.rollout.held.revision == self.seen.wanted)
        )

    @property
    def superseded(self) -> bool:
        """Another revision is asked for than the one on its way; a restart and a takeover bring the same one again."""
        rollout = self.now_on
        return self.desired != rollout.target.revision and not (
            rollout.kind in (Kind.RESTART, Kind.TAKEOVER) and self.desired == self.seen.active.revision
        )

    @property
    def reverted(self) -> bool:
        """What is asked for is what traded before."""
        return self.superseded and self.desired == self.now_on.source.revision

    def asks(self, kind: str) -> bool:
        """Whether a task asks for this, and it has not begun."""
        return self.seen.request is not None and self.seen.request.kind == kind

    @property
    def wanted_back(self) -> Place | None:
        """Where a rollback task wants to go."""
        request = self.seen.request
        if request is None or request.kind != "rollback" or request.target is None:
            return None
        if request.target == self.idle.revision:
            return Place(self.idle.colour, request.target)
        return Place(other(self.seen.active.colour) if self.can_swap else self.seen.active.colour, request.target)

    @property
    def can_swap(self) -> bool:
        """Two colours can share the ledger, and there is a trader to take it from, or one that is about to be."""
        if not self.seen.swappable or self.seen.row is None:
            return False
        return self.row.epoch > 0 or self.is_up(self.active)

    @property
    def serves(self) -> bool:
        """The active colour has a process that may be the trader."""
        side = self.active
        return (side.ready or side.report is not None or self.is_up(side)) and not side.trouble

    def since(self) -> timedelta:
        return self.now - self.now_on.step_since

    def overdue(self) -> bool:
        """The hand-over has taken longer than a start may."""
        return self.now - self.now_on.started_at >= self.seen.terms.deadline

    # The order that stands in the row.

    @property
    def is_ordered(self) -> bool:
        """Our order stands in the row, valid or void."""
        return self.row.successor is not None and self.row.successor == self.now_on.successor

    @property
    def order_left_ms(self) -> int:
        return self.row.order_left_ms if self.row.order_left_ms is not None else 0

    @property
    def is_void(self) -> bool:
        return self.is_ordered and self.order_left_ms <= 0

    @property
    def is_unanswered(self) -> bool:
        """The order has stood for half a second, and its reader does not beat."""
        return self.is_ordered and ORDER_MS - self.order_left_ms >= UNANSWERED_MS and self.holder_silent_ms >= SILENT_MS

    # The new trader.

    @property
    def adopted(self) -> bool:
        """The process the row names says that it trades, or would but for a halt or a block."""
        said, epoch = self.target.report, self.row.epoch
        if said is None or said.instance != self.row.instance:
            return False
        if said.adoption is not None and said.adoption.epoch == epoch:
            return said.adoption.result == "adopted"
        return said.epoch == epoch and (said.trading_active or said.state in ("trading", "halted", "blocked"))

    @property
    def failed_to_adopt(self) -> bool:
        said = self.target.report
        return (
            said is not None
            and said.adoption is not None
            and said.adoption.epoch == self.row.epoch
            and said.adoption.result == "failed"
        )

    @property
    def source_is_warm(self) -> bool:
        return not self.now_on.in_place and self.is_up(self.source, self.now_on.source.revision)
