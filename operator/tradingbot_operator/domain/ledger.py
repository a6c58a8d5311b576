"""A ledger on PostgreSQL: whose it is, who may log in to it, and how far its preparation is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.probe import JobState

TASK = "task"
LOGINS = ("blue", "green", TASK)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A ledger id and a password for each login that nobody has used; they serve only where none exist yet."""

    ledger_id: str
    passwords: tuple[str, str, str]


MakeFresh = Callable[[], Fresh]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The roles exist and the schema is the one the asked revision needs: its pod may start."""

    ledger_id: str


@dataclass(frozen=True, slots=True)
class Preparing:
    """One step was done or is under way; the next pass goes on. Nothing that runs is touched meanwhile."""

    reason: str
    message: str
    again_seconds: float


Preparation = Prepared | Preparing | Keep


@dataclass(frozen=True, slots=True)
class Login:
    """A Secret of the person's with an address in it; *version* changes with it."""

    secret: str
    exists: bool
    address: Address | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class OwnSecret:
    """The Secret `<bot>-ledger` as it stands: whose it is, and the addresses in it that can be read."""

    ours: bool
    logins: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class Footing:
    """What exists of a bot's ledger in the cluster, before the server is asked."""

    ledger_id: str | None
    owner: Login
    fencer: Login
    own: OwnSecret | None


@dataclass(frozen=True, slots=True)
class Mint:
    """The bot has no ledger id yet; nothing may be made before it stands in the status."""

    fencer: Address


@dataclass(frozen=True, slots=True)
class Adopt:
    """The ledger in the database was another bot's, or is a copy, and a person has named it for this one.

    A copy begins anew, *above* every epoch that was given.
    """

    ledger_id: str
    above: int = 0


@dataclass(frozen=True, slots=True)
class MakeSecret:
    """The roles have no passwords yet."""

    ledger_id: str
    fencer: Address


@dataclass(frozen=True, slots=True)
class Ground:
    """All that the server must be asked with is there."""

    ledger_id: str
    owner: Login
    fencer: Address
    passwords: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A copy of a ledger: what it notes of itself, and where it was *found* (``server ID, timeline N``)."""

    note: str
    found: str

    @property
    def place(self) -> str:
        """The place in one word, which no other copy has."""
        return self.found.removeprefix("server ").replace(", timeline ", "/")

    def __str__(self) -> str:
        return f"{self.note} is found on {self.found}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose the ledger is that lies in the database; *moved* tells that it is a copy, and of what."""

    ledger_id: str
    cluster: str
    namespace: str
    name: str
    moved: Elsewhere | None = None

    @property
    def consent(self) -> str:
        """What a person writes to have it adopted: of a copy also where it is, for the next one is another matter."""
        return f"{self.ledger_id}@{self.moved.place}" if self.moved else self.ledger_id


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration Job as it stands, and the last words of its pod when it failed."""

    state: JobState
    words: str = ""


def role(ledger_id: str, login: str) -> str:
    """Role names are global to a server, so they carry the ledger's id."""
    return f"tb_{ledger_id}_{login}"


def ledger_secret_name(bot: Bot) -> str:
    return f"{bot.name}-ledger"
