"""Where a bot's state lives: a claim that outlives the bot, or a volume that dies with the pod."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.metadata import backup_claim_name, claim_name, kept_metadata

FOLDERS = ("logs", "models", "cache", "state")


def claims(bot: Bot, spec: BotSpec) -> tuple[Manifest, ...]:
    """The claims of a bot: its state where that must outlive the pod, its backups where the claim is named after it.

    Colours share the state while the ledger is embedded. Neither claim has an owner, so that both survive the bot.
    """
    state = (_claim(bot, claim_name(bot), spec),) if spec.keeps_state else ()
    own = spec.backup is not None and spec.backup.destination.claim == backup_claim_name(bot)
    return (*state, _claim(bot, backup_claim_name(bot), spec)) if own else state


def _claim(bot: Bot, name: str, spec: BotSpec) -> Manifest:
    storage_class = {"storageClassName": spec.storage.class_name} if spec.storage.class_name else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": kept_metadata(bot, name),
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
