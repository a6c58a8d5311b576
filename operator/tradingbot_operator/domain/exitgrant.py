"""Leave to sell without the ledger: reduce-only, for ten seconds, for who holds the epoch (protocol 6c)."""

from dataclasses import dataclass

LASTS_MS = 10_000


@dataclass(frozen=True, slots=True)
class ExitAsk:
    """Who asks, in its own words; believed only where the lease row says the same."""

    ledger_id: str
    epoch: int
    instance: str


@dataclass(frozen=True, slots=True)
class Granted:
    """It stands in the ledger and in the status; the asker counts *lasts_ms* from before it asked."""

    lasts_ms: int = LASTS_MS


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing may be sold now. *unknown*: nobody could say, and asking again may help."""

    reason: str
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Stranger:
    """The bearer token is none of that bot's, or there is no such bot: which of both is not told."""


ExitAnswer = Granted | Denied | Stranger
