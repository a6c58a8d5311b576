"""The name of a book, and how an address of a database says which one is meant (decision 0009)."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

SETTING = "tradingbot.book"
PREFIX = "book_"
MEANT = re.compile(rf"-c {re.escape(SETTING)}=(\w+)")


def schema_of(mode: str) -> str:
    """The schema that the book of *mode* lies in, unless the ledger was made for it."""
    return f"{PREFIX}{mode.replace('-', '_')}"


def in_book(url: str, mode: str) -> str:
    """*url* with the book that is meant; a file keeps one book and needs no name for it."""
    if not url.startswith("postgres"):
        return url
    return _with_options(url, f"-c {SETTING}={schema_of(mode)}")


def founding(url: str) -> str:
    """*url* without a book: that of who makes tables."""
    return _with_options(url, "") if SETTING in url else url


def meant(options: str) -> str | None:
    """The schema of the book that the options of an address name."""
    found = MEANT.search(options)
    return found[1] if found else None


def _with_options(url: str, more: str) -> str:
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    options = f"{MEANT.sub('', asked.pop('options', '')).strip()} {more}".strip()
    # As a library of PostgreSQL reads it, where a plus is no space.
    query = urlencode(asked | ({"options": options} if options else {}), quote_via=quote)
    return urlunsplit(parts._replace(query=query))
