"""The Job of a task of type train: the bot's own image and settings, without its keys, its ledger and its files."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import API_VERSION, BOTTASK
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.domain.task import Task
from tradingbot_operator.render.metadata import metadata
from tradingbot_operator.render.migration import REFUSED, SETTINGS_VARIABLE
from tradingbot_operator.render.probe import KEPT_OF_CONTAINER, PLACEMENT

CONTAINER = "train"
# Where the bot looks for recordings before it takes those it brings.
CACHE = "/data/cache"
MOUNTED = ("settings", "tmp", "data")
LONGEST_SECONDS = 1800
KEPT_SECONDS = 600
RESOURCES = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


def job_name(task: Task) -> str:
    """One for each task, whatever other task had its name before."""
    return f"{task.spec.bot if task.spec else ''}-{CONTAINER}-{digest([task.uid], 10)}"


def training(task: Task, bot: Bot, template: Mapping[str, Any]) -> Manifest:
    """The Job that goes with its task; a refusal is final, and a pod that was evicted says nothing."""
    rules = [
        {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [REFUSED]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    owner = {"apiVersion": API_VERSION, "kind": BOTTASK, "name": task.name, "uid": task.uid, "controller": True}
    spec = {
        "backoffLimit": 1,
        "activeDeadlineSeconds": LONGEST_SECONDS,
        # The result is in the task long before.
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "podFailurePolicy": {"rules": rules},
        "template": {"metadata": {"labels": _labels(bot)}, "spec": _pod(template["spec"], task)},
    }
    meta = {**metadata(bot, job_name(task)), "ownerReferences": [owner]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def _labels(bot: Bot) -> dict[str, str]:
    """Not those of the bot's pods, which its Services select."""
    return {
        "app.kubernetes.io/name": "tradingbot-training",
        "app.kubernetes.io/instance": bot.name,
        "app.kubernetes.io/part-of": "tradingbot",
    }


def _pod(pod: Mapping[str, Any], task: Task) -> Manifest:
    own = pod["containers"][0]
    grid = sorted(task.spec.parameters.items()) if task.spec else ()
    target = task.spec.target if task.spec else None
    claim = {"claimName": target, "readOnly": True}
    recordings = [{"name": "recordings", "persistentVolumeClaim": claim}] if target else []
    container = {
        "name": CONTAINER,
        **{name: own[name] for name in KEPT_OF_CONTAINER if name in own},
        "command": ["atb", "train", *(f"--grid={name}={values}" for name, values in grid)],
        "env": [each for each in own["env"] if each["name"] == SETTINGS_VARIABLE],
        "volumeMounts": [
            *(each for each in own["volumeMounts"] if each["name"] in MOUNTED),
            *({"name": each["name"], "mountPath": CACHE, "readOnly": True} for each in recordings),
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": RESOURCES,
    }
    return {
        **{name: pod[name] for name in PLACEMENT if name in pod},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [
            *(each for each in pod["volumes"] if each["name"] in ("settings", "tmp")),
            {"name": "data", "emptyDir": {"sizeLimit": "64Mi"}},
            *recordings,
        ],
    }
