"""Where money is real, and what tells that a bot which must not trade with any might: the address book of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

# Every place below these is the venue itself, whatever it is called, but for the places where it lets people practise.
VENUES = ("binance.com", "binance.us", "coinbase.com", "kraken.com", "kucoin.com")
PRACTICE = frozenset(
    {
        "demo-api.binance.com",
        "demo-ws-api.binance.com",
        "api-sandbox.coinbase.com",
        "api-public.sandbox.exchange.coinbase.com",
        "demo-futures.kraken.com",
        "openapi-sandbox.kucoin.com",
    }
)
REAL_TRADE_ATTEMPT = "REAL_TRADE_ATTEMPT"
# What the pod's environment says of money, and what each mode makes true of it.
PAPER_TRADING, ALLOW_REAL = "PAPER_TRADING", "ALLOW_REAL"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that would have reached real money, and of which nothing left."""

    method: str
    host: str
    path: str

    @property
    def text(self) -> str:
        return f"{self.method} {self.host}{self.path}"


@dataclass(frozen=True, slots=True)
class Place:
    """What decides where orders go."""

    mode: str
    sandbox: bool
    endpoint: str | None


@dataclass(frozen=True, slots=True)
class Safety:
    """What was found when last looked whether paper still means paper; *checked_at* None: nobody has looked yet."""

    checked_at: datetime | None = None
    differences: tuple[str, ...] = ()

    @property
    def consistent(self) -> bool | None:
        return None if self.checked_at is None else not self.differences


def is_real(host: str | None) -> bool:
    """Whether money is real at *host*: an address that is known neither as a venue nor as practice is no venue."""
    name = (host or "").lower().rstrip(".")
    return name not in PRACTICE and any(name == each or name.endswith(f".{each}") for each in VENUES)


def is_real_address(url: str) -> bool:
    """As ``is_real``, of the host that *url* names."""
    return is_real(urlsplit(url).hostname)


def differences(place: Place, now: Place | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What contradicts the *place* this process trades at: the settings as they are *now*, and its *environment*."""
    found = []
    if now is not None and now != place:
        found.append(f"the settings were {_said(place)} when this process began and are {_said(now)} now")
    paper = place.mode != "live"
    for name, meant in ((PAPER_TRADING, paper), (ALLOW_REAL, not paper)):
        said = environment.get(name)
        if said is not None and said != str(meant).lower():
            found.append(f"{name} is {said[:20]!r} and the mode is {place.mode}")
    if paper and place.sandbox and (place.endpoint is None or is_real_address(place.endpoint)):
        found.append(f"the sandbox {place.endpoint} is a place of real money")
    return tuple(found)


def _said(place: Place) -> str:
    at = f" at {place.endpoint}" if place.endpoint else ""
    return f"{place.mode}{', sandbox' if place.sandbox else ''}{at}"
