"""The Jobs that ask a colour: the smoke test of its addresses as `helm test` makes it, the doctor, a person's own."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import HTTP_PORT, LABEL_PROBE, OPS_PORT
from tradingbot_operator.domain.probe import DOCTOR, Ask, Command
from tradingbot_operator.render.metadata import metadata

PROBE = files("tradingbot_operator").joinpath("files/probe.py").read_text()
WITHIN_SECONDS = 30
SMOKE_SECONDS = 120
KEPT_SECONDS = 600
# With a bot's longest name and the key, the name of a Job still fits into a label.
LONGEST_NAME = 10
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
KEPT_OF_CONTAINER = ("image", "imagePullPolicy", "securityContext")
# A trader's files: its ledger may be in use, and its orders are not the doctor's.
WITHOUT = ("data", "podinfo")
SMALL = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}


def probe(bot: Bot, template: Mapping[str, Any], ask: Ask, address: str) -> Manifest:
    """The Job of this question under a name of its own; *template* is the pod it asks, *address* where that is."""
    pod = template["spec"]
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": ask.command.seconds if ask.command else SMOKE_SECONDS,
        # The operator removes it when its answer is noted; this is for one that nobody noted.
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {"metadata": {"labels": _labels(bot)}, "spec": _pod(pod, ask, address)},
    }
    meta = metadata(bot, f"{bot.name}-{ask.name.replace('_', '-')[:LONGEST_NAME].rstrip('-')}-{ask.key}")
    meta["labels"] |= {LABEL_PROBE: ask.key}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def _labels(bot: Bot) -> dict[str, str]:
    """Not those of the bot's pods, which its Services select."""
    return {
        "app.kubernetes.io/name": "tradingbot-test",
        "app.kubernetes.io/instance": bot.name,
        "app.kubernetes.io/part-of": "tradingbot",
    }


def _pod(pod: Mapping[str, Any], ask: Ask, address: str) -> Manifest:
    own = pod["containers"][0]
    if ask.name == DOCTOR and ask.command is None:
        return _doctor(pod, own, ask)
    containers = [_own(own, ask, ask.command, address)] if ask.command else _smoke(own, address)
    return {**_placed(pod), "containers": containers}


def _placed(pod: Mapping[str, Any]) -> Manifest:
    return {
        **{name: pod[name] for name in PLACEMENT if name in pod},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
    }


def _container(own: Mapping[str, Any], name: str, command: list[str]) -> Manifest:
    return {
        "name": name,
        **{key: own[key] for key in KEPT_OF_CONTAINER if key in own},
        "command": command,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": SMALL,
    }


def _smoke(own: Mapping[str, Any], address: str) -> list[Manifest]:
    """A container for each check, so that the one that failed can be told."""
    host = f"[{address}]" if ":" in address else address
    http, ops = f"http://{host}:{HTTP_PORT}", f"http://{host}:{OPS_PORT}"
    checks = {
        "database": [f"{ops}/health", "--member", "database=ok"],
        "exchange": [f"{ops}/health", "--member", "exchange=ok"],
        "metrics": [f"{ops}/metrics", "--text", "tradingbot_"],
        "api": [f"{http}/api/health"],
    }
    return [
        {
            **_container(own, name, ["python3", "-c", PROBE]),
            "args": [*arguments, "--within", str(WITHIN_SECONDS)],
        }
        for name, arguments in checks.items()
    ]


def _own(own: Mapping[str, Any], ask: Ask, command: Command, address: str) -> Manifest:
    image = {"image": command.image} if command.image else {}
    told = {"TRADINGBOT_TARGET": address, "TRADINGBOT_COLOUR": ask.colour, "TRADINGBOT_REVISION": ask.revision}
    return {
        **_container(own, "check", list(command.words)),
        **image,
        "env": [{"name": name, "value": value} for name, value in told.items()],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }


def _doctor(pod: Mapping[str, Any], own: Mapping[str, Any], ask: Ask) -> Manifest:
    """With the settings and secrets of the candidate, and a state volume of its own that ends with it."""
    own_env = [each for each in own["env"] if each["name"] != "TRADINGBOT_COLOUR"]
    volumes = [each for each in pod["volumes"] if each["name"] not in WITHOUT]
    return {
        **_placed(pod),
        "containers": [
            {
                **_container(own, DOCTOR, ["atb", "doctor", "--before-start", "--verbose"]),
                "env": [{"name": "TRADINGBOT_COLOUR", "value": ask.colour}, *own_env],
                "volumeMounts": own["volumeMounts"],
                "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            }
        ],
        "volumes": [
            *(_of_colour(each, ask.colour) for each in volumes),
            *({"name": name, "emptyDir": {"sizeLimit": "64Mi"}} for name in WITHOUT),
        ],
    }


def _of_colour(volume: Manifest, colour: str) -> Manifest:
    if volume["name"] != "database":
        return volume
    return {"name": "database", "secret": {**volume["secret"], "items": [{"key": colour, "path": "url"}]}}
