"""The address of a ledger, as a Secret holds it: postgresql://role:password@host:port/database."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

SCHEMES = ("postgresql", "postgres")
FORM = "postgresql://role:password@host:port/database"


@dataclass(frozen=True, slots=True)
class Address:
    """A login and where it leads. Its text is a secret, so nothing prints it by accident."""

    role: str
    password: str
    place: str  # host, port, database and options, without the login

    def __repr__(self) -> str:
        return f"Address({self.role} at a server)"

    @property
    def url(self) -> str:
        return self.of(self.role, self.password)

    def of(self, role: str, password: str) -> str:
        """The same place with another login."""
        login = quote(role, safe="") + (f":{quote(password, safe='')}" if password else "")
        parts = urlsplit(self.place)
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def parse(url: str) -> Address | None:
    """The address in *url*, or None when it is none that can be used."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    login, _, netloc = parts.netloc.rpartition("@")
    role, _, password = login.partition(":")
    if parts.scheme not in SCHEMES or not role or not netloc or not parts.path.strip("/"):
        return None
    place = urlunsplit(parts._replace(scheme="postgresql", netloc=netloc))
    return Address(unquote(role), unquote(password), place)
