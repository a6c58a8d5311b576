"""Where a bot's state lives: a claim that outlives the bot, or a volume that dies with the pod."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.metadata import claim_name, kept_metadata

FOLDERS = ("logs", "models", "cache", "state")


def state_claim(bot: Bot, spec: BotSpec) -> Manifest:
    """One claim, shared by both colours while the ledger is embedded; without an owner, so that it survives the bot."""
    storage_class = {"storageClassName": spec.storage.class_name} if spec.storage.class_name else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": kept_metadata(bot, claim_name(bot)),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": spec.storage.size}},
            **storage_class,
        },
    }


def state_volume(bot: Bot, spec: BotSpec) -> Manifest:
    if spec.keeps_state:
        return {"name": "data", "persistentVolumeClaim": {"claimName": claim_name(bot)}}
    return {"name": "data", "emptyDir": {"sizeLimit": spec.storage.size}}
