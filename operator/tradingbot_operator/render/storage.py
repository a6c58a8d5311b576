"""Where a bot's state lives: a claim that outlives the bot, or a volume that dies with the pod."""

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import LABEL_COLOUR
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode
from tradingbot_operator.render.metadata import backup_claim_name, claim_name, kept_metadata, selector

DATA = "data"
# Stands in a recorded template where the colour comes.
OF_COLOUR = "{colour}"
FOLDERS = ("logs", "models", "cache", "state")


def claims(bot: Bot, spec: BotSpec, colours: tuple[str, ...]) -> tuple[Manifest, ...]:
    """The claims of a bot: its state where that must outlive the pod, its backups where the claim is named after it.

    Colours share the state while the ledger is embedded, and have one each beside a server. No claim has an owner, so
    that all survive the bot.
    """
    state = tuple(_claim(bot, each, spec) for each in _state_claims(bot, spec, colours))
    own = spec.backup is not None and spec.backup.destination.claim == backup_claim_name(bot)
    return (*state, _claim(bot, backup_claim_name(bot), spec)) if own else state


def _state_claims(bot: Bot, spec: BotSpec, colours: tuple[str, ...]) -> tuple[str, ...]:
    if is_embedded(spec):
        return (claim_name(bot),) if spec.shares_state else ()
    return tuple(f"{claim_name(bot)}-{colour}" for colour in colours) if spec.keeps_state else ()


def is_embedded(spec: BotSpec) -> bool:
    """Whether the ledger is a file on the state volume."""
    return spec.database.mode is DatabaseMode.EMBEDDED


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
    """As a revision records it: where each colour has a claim, without the colour."""
    if is_embedded(spec) and spec.shares_state:
        return {"name": DATA, "persistentVolumeClaim": {"claimName": claim_name(bot)}}
    if not is_embedded(spec) and spec.keeps_state:
        return {"name": DATA, "persistentVolumeClaim": {"claimName": f"{claim_name(bot)}-{OF_COLOUR}"}}
    return {"name": DATA, "emptyDir": {"sizeLimit": spec.storage.size}}


def state_of_colour(volume: Manifest, colour: str) -> Manifest:
    """The volume as that colour mounts it."""
    claim = volume.get("persistentVolumeClaim")
    if claim is None:
        return volume
    return {"name": DATA, "persistentVolumeClaim": {"claimName": claim["claimName"].replace(OF_COLOUR, colour)}}


def beside_the_others(bot: Bot, spec: BotSpec) -> Manifest:
    """A file is shared on one node only, so all pods of the bot must be there."""
    if not (is_embedded(spec) and spec.shares_state):
        return {}
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_same_node(bot)]}}}


def apart_from_the_other(bot: Bot, spec: BotSpec) -> Manifest:
    """A colour kept warm outlives the trader's node where there is another node to be on."""
    if is_embedded(spec) or spec.rollout.standby != "warm":
        return {}
    # The other colour's pods only: one's own old pod may be going from the node whose volume one needs.
    term = {**_same_node(bot), "mismatchLabelKeys": [LABEL_COLOUR]}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}


def _same_node(bot: Bot) -> Manifest:
    return {"labelSelector": {"matchLabels": selector(bot)}, "topologyKey": "kubernetes.io/hostname"}
