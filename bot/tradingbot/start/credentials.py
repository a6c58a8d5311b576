"""Mounted secrets: read from files when they are needed, kept as secret values, never printed."""

from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from pydantic import SecretStr

from tradingbot.domain.book import in_book
from tradingbot.domain.errors import Misconfigured
from tradingbot.settings import Settings
from tradingbot.start.bound import bound_to

# Venues whose keys come with a passphrase.
WITH_PASSWORD = frozenset({"kucoin"})


@dataclass(frozen=True, slots=True)
class ExchangeKeys:
    api_key: SecretStr
    secret: SecretStr
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A bearer token in a mounted file. It is read at each use, so that a rotated Secret counts at once.

    Each line is a valid token: while a rotation overlaps, the file holds the new one and the one before.
    """

    path: Path

    def tokens(self) -> tuple[SecretStr, ...]:
        try:
            return tuple(SecretStr(line.strip()) for line in self.path.read_text().splitlines() if line.strip())
        except (OSError, UnicodeDecodeError):
            return ()

    def admits(self, offered: str) -> bool:
        """True when *offered* is one of the tokens; takes the same time whichever one, and however much of it, fits."""
        fits = [compare_digest(token.get_secret_value().encode(), offered.encode()) for token in self.tokens()]
        return any(fits)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the pod mounts. Absent parts are None; ``load_secrets`` has checked that the mode can do without them."""

    api: TokenFile
    operator: TokenFile
    exchange: ExchangeKeys | None
    database_url: SecretStr | None

    def values(self) -> tuple[SecretStr, ...]:
        """Everything that must never be written anywhere."""
        keys = self.exchange
        held = (keys.api_key, keys.secret, keys.password, self.database_url) if keys else (self.database_url,)
        return (*(each for each in held if each), *self.api.tokens(), *self.operator.tokens())


def load_secrets(settings: Settings) -> Secrets:
    """The secrets below ``paths.secrets``; raises Misconfigured when the mode needs one that is not there."""
    root = settings.paths.secrets
    key, secret = _read(root / "exchange/apiKey"), _read(root / "exchange/secret")
    if settings.sends_orders and (key is None or secret is None):
        absent = "apiKey" if key is None else "secret"
        raise Misconfigured(
            f'mode "{settings.mode}" sends orders, but {root}/exchange/{absent} is not there: '
            f"set exchange.credentialsSecretRef to a Secret with the keys apiKey and secret"
        )
    password = _read(root / "exchange/password")
    if settings.sends_orders and settings.exchange.name in WITH_PASSWORD and password is None:
        raise Misconfigured(
            f"exchange.name {settings.exchange.name} signs with a passphrase too, but {root}/exchange/password is not "
            f"there: give the Secret of exchange.credentialsSecretRef the key password"
        )
    database = _read(root / "database/url")
    if settings.database.mode == "postgres" and database is None:
        raise Misconfigured(_no_database(settings))
    # No private call in paper mode, so that keys mounted by mistake are not even held in memory.
    keys = ExchangeKeys(key, secret, password) if settings.sends_orders and key and secret else None
    return Secrets(TokenFile(root / "api/token"), TokenFile(root / "operator/token"), keys, database)


def _read(path: Path) -> SecretStr | None:
    try:
        return SecretStr(path.read_text().strip()) or None
    except (OSError, UnicodeDecodeError):
        return None


def ledger_url(settings: Settings) -> str:
    """Where the book of the settings is, password included: for the database library only, never for a log."""
    if settings.database.mode == "embedded":
        return f"sqlite:///{settings.database.path}"
    url = _read(settings.paths.secrets / "database/url")
    if url is None:
        raise Misconfigured(_no_database(settings))
    return in_book(url.get_secret_value(), bound_to(settings)[0])


def _no_database(settings: Settings) -> str:
    return (
        f'database.mode "postgres" needs {settings.paths.secrets}/database/url, which is not there: '
        f"mount a Secret with the key url, or write database.mode embedded"
    )
