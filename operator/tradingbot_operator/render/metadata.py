"""Names, labels, selectors and the owner, written once."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import (
    API_VERSION,
    BLUE,
    COMPONENT,
    LABEL_BOT,
    LABEL_COLOUR,
    LABEL_MANAGED_BY,
    TRADINGBOT,
)


def labels(bot: Bot) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "tradingbot",
        "app.kubernetes.io/instance": bot.name,
        LABEL_MANAGED_BY: COMPONENT,
        "app.kubernetes.io/part-of": "tradingbot",
        LABEL_BOT: bot.name,
    }


def selector(bot: Bot, colour: str | None = None) -> dict[str, str]:
    """What picks the pods of a bot, of one colour or of both."""
    return {LABEL_BOT: bot.name} | ({LABEL_COLOUR: colour} if colour else {})


def owner(bot: Bot) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": TRADINGBOT,
        "name": bot.name,
        "uid": bot.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def metadata(bot: Bot, name: str) -> Manifest:
    """Metadata of a child that goes when its bot goes."""
    return {"name": name, "namespace": bot.namespace, "labels": labels(bot), "ownerReferences": [owner(bot)]}


def kept_metadata(bot: Bot, name: str) -> Manifest:
    """Metadata of what outlives its bot: no owner, so that nothing deletes it."""
    return {"name": name, "namespace": bot.namespace, "labels": labels(bot)}


def workload_name(bot: Bot, colour: str = BLUE) -> str:
    return f"{bot.name}-{colour}"


def claim_name(bot: Bot) -> str:
    return f"{bot.name}-data"


def backup_claim_name(bot: Bot) -> str:
    """The claim for backups that the operator makes; one of any other name is the user's own."""
    return f"{bot.name}-backups"


def token_secret_name(bot: Bot) -> str:
    return f"{bot.name}-api"
