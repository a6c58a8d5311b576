"""Whether a process that cannot see its ledger may sell: only who certainly trades, and while nothing changes hands."""

from tradingbot_operator.domain.exitgrant import ExitAsk
from tradingbot_operator.domain.handover import ORDERING, Rollout, Step
from tradingbot_operator.domain.lease import LeaseRow

# The epoch may be another's at any moment of these.
CHANGING = ORDERING | {Step.ADOPTING, Step.FORCED}


def denial(ask: ExitAsk, row: LeaseRow, rollout: Rollout | None) -> str | None:
    """Why not, or None."""
    if rollout is not None and rollout.step in CHANGING:
        return f"a hand-over is at {rollout.step.value}: ask again when it has ended"
    if row.ledger_id != ask.ledger_id:
        return f"ledger_id '{ask.ledger_id}' is not this bot's: its ledger is {row.ledger_id}"
    if row.epoch != ask.epoch or row.instance != ask.instance or row.released:
        return f"epoch {ask.epoch} of {ask.instance} is over: the lease is at epoch {row.epoch} of {row.instance}"
    if not row.can_login:
        return f"{row.holder} is shut out of the ledger: another process is being given the epoch"
    return None
