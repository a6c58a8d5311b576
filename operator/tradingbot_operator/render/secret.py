"""The Secret a bot's API is opened with."""

from tradingbot_operator.domain.bot import Bot, Manifest
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
