"""The Secrets of a bot: what its API is opened with, and what its ledger is."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.address import Address
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.ledger import LOGINS, ledger_secret_name, role
from tradingbot_operator.domain.names import ROTATED_AT
from tradingbot_operator.domain.site import Tokens
from tradingbot_operator.render.metadata import metadata, token_secret_name


def token_secret(bot: Bot, tokens: Tokens) -> Manifest:
    """Bearer token of port 8000, and the operator's own token for the fence; written only where none exists."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(bot, token_secret_name(bot)),
        "type": "Opaque",
        "stringData": {"token": tokens.http, "operator-token": tokens.operator},
    }


def rotated(body: Mapping[str, Any], tokens: Tokens, now: str) -> Manifest:
    """The patch after which each file holds a new token and, below it, the one that was newest until now.

    It fails if someone wrote the Secret since *body* was read: a rotation done twice would end the overlap.
    """
    meta, data = body["metadata"], body.get("data") or {}
    fresh = {"token": tokens.http, "operator-token": tokens.operator}
    return {
        "metadata": {
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
            "annotations": {ROTATED_AT: now},
        },
        "stringData": {key: "\n".join([token, *_newest(data.get(key))]) for key, token in fresh.items()},
    }


def _newest(encoded: str | None) -> list[str]:
    """The first token of a file, if there is one: what stands below it has had its time."""
    lines = b64decode(encoded or "").decode(errors="replace").split()
    return lines[:1]


def ledger_secret(bot: Bot, ledger_id: str, fencer: Address, passwords: tuple[str, ...]) -> Manifest:
    """The address of the ledger with the login of each role; written only where none exists, and then kept."""
    logins = zip(LOGINS, passwords, strict=True)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(bot, ledger_secret_name(bot)),
        "type": "Opaque",
        "stringData": {login: fencer.of(role(ledger_id, login), password) for login, password in logins},
    }
