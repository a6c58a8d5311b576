"""The Job of a task that computes: the bot's own image and settings, without its keys, its ledger and its files."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import API_VERSION, BOTTASK
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.domain.task import Task
from tradingbot_operator.render.metadata import metadata
from tradingbot_operator.render.migration import REFUSED, SETTINGS_VARIABLE
from tradingbot_operator.render.probe import KEPT_OF_CONTAINER, PLACEMENT

# By the type of the task: what its container is called.
CONTAINERS = {"train": "train", "dataRefresh": "refresh"}
NAMES = {"train": "tradingbot-training", "dataRefresh": "tradingbot-refresh"}
# Where the bot looks for recordings before it takes those it brings, and keeps what a venue has told.
CACHE = "/data/cache"
MOUNTED = ("settings", "tmp", "data")
LONGEST_SECONDS = 1800
KEPT_SECONDS = 600
RESOURCES = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


def job_name(task: Task) -> str:
    """One for each task, whatever other task had its name before."""
    return f"{task.spec.bot if task.spec else ''}-{container_name(task)}-{digest([task.uid], 10)}"


def container_name(task: Task) -> str:
    return CONTAINERS[task.spec.type] if task.spec else ""


def training(task: Task, bot: Bot, template: Mapping[str, Any]) -> Manifest:
    """Parameters are tried on recordings, which are only read."""
    grid = sorted(task.spec.parameters.items()) if task.spec else ()
    words = ["atb", "train", *(f"--grid={name}={values}" for name, values in grid)]
    return job(task, bot, pod(template["spec"], task, words, read_only=True))


def job(task: Task, bot: Bot, spec: Manifest) -> Manifest:
    """The Job that goes with its task; a refusal is final, and a pod that was evicted says nothing."""
    rules = [
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": container_name(task), "operator": "In", "values": [REFUSED]},
        },
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    owner = {"apiVersion": API_VERSION, "kind": BOTTASK, "name": task.name, "uid": task.uid, "controller": True}
    work = {
        "backoffLimit": 1,
        "activeDeadlineSeconds": LONGEST_SECONDS,
        # The result is in the task long before.
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "podFailurePolicy": {"rules": rules},
        "template": {"metadata": {"labels": _labels(task, bot)}, "spec": spec},
    }
    meta = {**metadata(bot, job_name(task)), "ownerReferences": [owner]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": work}


def _labels(task: Task, bot: Bot) -> dict[str, str]:
    """Not those of the bot's pods, which its Services select."""
    return {
        "app.kubernetes.io/name": NAMES[task.spec.type] if task.spec else "",
        "app.kubernetes.io/instance": bot.name,
        "app.kubernetes.io/part-of": "tradingbot",
    }


def pod(of: Mapping[str, Any], task: Task, words: Sequence[str], read_only: bool) -> Manifest:
    """The pod *of* a bot with other *words* to say, and the claim of the task in the place of the bot's recordings."""
    own = of["containers"][0]
    target = task.spec.target if task.spec else None
    claim = {"claimName": target, "readOnly": True} if read_only else {"claimName": target}
    recordings = [{"name": "recordings", "persistentVolumeClaim": claim}] if target else []
    mount = {"mountPath": CACHE, "readOnly": True} if read_only else {"mountPath": CACHE}
    container = {
        "name": container_name(task),
        **{name: own[name] for name in KEPT_OF_CONTAINER if name in own},
        "command": list(words),
        "env": [each for each in own["env"] if each["name"] == SETTINGS_VARIABLE],
        "volumeMounts": [
            *(each for each in own["volumeMounts"] if each["name"] in MOUNTED),
            *({"name": each["name"], **mount} for each in recordings),
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": RESOURCES,
    }
    return {
        **{name: of[name] for name in PLACEMENT if name in of},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [
            *(each for each in of["volumes"] if each["name"] in ("settings", "tmp")),
            {"name": "data", "emptyDir": {"sizeLimit": "64Mi"}},
            *recordings,
        ],
    }
