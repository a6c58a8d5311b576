"""The Job that brings a ledger to the schema of a revision (docs/contracts.md 8.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.ledger import Login
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.render.metadata import metadata

CONTAINER = "migrate"
OWNER_MOUNT = "/etc/tradingbot/secrets/owner"
# What the migration needs of the pod that follows it; the rest of that pod is not its business.
PLACEMENT = (
    "securityContext",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "nodeSelector",
    "tolerations",
    "priorityClassName",
    "runtimeClassName",
    "imagePullSecrets",
)
KEPT_OF_CONTAINER = ("image", "imagePullPolicy", "securityContext", "terminationMessagePolicy", "resources")
SETTINGS_VARIABLE = "TRADINGBOT_SETTINGS"
REFUSED = 78


@dataclass(frozen=True, slots=True)
class Change:
    """A ledger, the owner's login to it, the fencer's role, and the schema the active code was written for."""

    ledger_id: str
    owner: Login
    fencer: str
    code: str | None


def migration(bot: Bot, template: Mapping[str, Any], change: Change) -> Manifest:
    """The Job that brings the ledger to the schema of the code in *template*."""
    code = ["--active", change.code] if change.code is not None else []
    words = ["migrate", "--ledger-id", change.ledger_id, "--fencer", change.fencer, *code]
    return _job(bot, template, change, words)


def adoption(bot: Bot, template: Mapping[str, Any], change: Change, above: int = 0) -> Manifest:
    """The Job that makes the ledger that of *bot*; it refuses while somebody may still trade on it."""
    beyond = ["--above", str(above)] if above else []
    return _job(bot, template, change, ["adopt", "--ledger-id", change.ledger_id, *beyond])


def _job(bot: Bot, template: Mapping[str, Any], change: Change, words: Sequence[str]) -> Manifest:
    """Under a name of its own: another image, login or command is another Job."""
    spec = {
        "backoffLimit": 3,
        "activeDeadlineSeconds": 300,
        "ttlSecondsAfterFinished": 600,
        # 78: no further try can help. A pod that was evicted says nothing about the ledger.
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [REFUSED]},
                },
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
        "template": {"metadata": {"labels": _labels(bot)}, "spec": _pod(template["spec"], change, words)},
    }
    name = f"{bot.name}-{words[0]}-{digest([spec, change.owner.version], 10)}"
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(bot, name), "spec": spec}


def _labels(bot: Bot) -> dict[str, str]:
    """Not those of the bot's pods, which its Services select."""
    return {
        "app.kubernetes.io/name": "tradingbot-migration",
        "app.kubernetes.io/instance": bot.name,
        "app.kubernetes.io/part-of": "tradingbot",
    }


def _pod(pod: Mapping[str, Any], change: Change, words: Sequence[str]) -> Manifest:
    container = pod["containers"][0]
    owner = {
        "secretName": change.owner.secret,
        "defaultMode": 0o440,
        "items": [{"key": "url", "path": "url"}],
    }
    return {
        **{name: pod[name] for name in PLACEMENT if name in pod},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "containers": [_container(container, words)],
        "volumes": [
            *(each for each in pod["volumes"] if each["name"] in ("settings", "tmp")),
            {"name": "owner", "secret": owner},
        ],
    }


def _container(container: Mapping[str, Any], words: Sequence[str]) -> Manifest:
    return {
        "name": CONTAINER,
        **{name: container[name] for name in KEPT_OF_CONTAINER if name in container},
        "command": ["atb", "db", *words],
        "env": [each for each in container["env"] if each["name"] == SETTINGS_VARIABLE],
        "volumeMounts": [
            *(each for each in container["volumeMounts"] if each["name"] in ("settings", "tmp")),
            {"name": "owner", "mountPath": OWNER_MOUNT, "readOnly": True},
        ],
    }
