"""The pod of a bot (docs/contracts.md section 2) and the Deployment that holds it."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.ledger import ledger_secret_name
from tradingbot_operator.domain.names import (
    APP,
    BLUE,
    CONTAINER,
    HTTP_PORT,
    LABEL_APP,
    LABEL_COLOUR,
    LABEL_REVISION,
    OPS_PORT,
    REVISION_VARIABLE,
    USER,
)
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode, Mode, Profile
from tradingbot_operator.render.metadata import labels, metadata, selector, token_secret_name, workload_name
from tradingbot_operator.render.storage import (
    DATA,
    apart_from_the_other,
    beside_the_others,
    state_of_colour,
    state_volume,
)

SECRETS = "/etc/tradingbot/secrets"
SETTINGS = "/etc/tradingbot"
DATABASE = "database"
# The pod's own volume, shared with nobody.
SCRATCH = "/tmp"  # noqa: S108  # nosec B108
AMOUNTS = {
    Profile.DEV: {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
    Profile.STANDARD: {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
    Profile.RECOMMENDED: {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "8Gi"}},
}
CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod_template(bot: Bot, spec: BotSpec, site: Site, names: tuple[str, str]) -> Manifest:
    """The pod as a revision records it; *names* are those of the revision and of the settings it reads.

    Without its colour, which is where it runs, not what it is.
    """
    revision, config = names
    return {
        "metadata": {
            "labels": {**spec.pod.labels, **labels(bot), LABEL_REVISION: revision},
            "annotations": {**spec.pod.annotations, **_scraped()},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 60,
            "securityContext": _pod_security(),
            "containers": [_container(spec, site, revision)],
            "volumes": _volumes(bot, spec, config),
            **_placement(spec),
            **beside_the_others(bot, spec),
            **apart_from_the_other(bot, spec),
        },
    }


def deployment(bot: Bot, template: Mapping[str, Any], replicas: int, colour: str = BLUE) -> Manifest:
    """One colour, running what its revision recorded; the old pod is gone before a new one starts."""
    revision = template["metadata"]["labels"][LABEL_REVISION]
    name = metadata(bot, workload_name(bot, colour))
    name["labels"] |= {LABEL_APP: APP, LABEL_COLOUR: colour, LABEL_REVISION: revision}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": name,
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 0,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": selector(bot, colour)},
            "template": _born(_coloured(template, colour), bot.born),
        },
    }


def _born(template: Manifest, notes: tuple[tuple[str, str], ...]) -> Manifest:
    meta = template["metadata"]
    return (
        {**template, "metadata": {**meta, "annotations": {**meta["annotations"], **dict(notes)}}} if notes else template
    )


def _coloured(template: Mapping[str, Any], colour: str) -> Manifest:
    meta, pod = template["metadata"], template["spec"]
    container = pod["containers"][0]
    env = [{"name": "TRADINGBOT_COLOUR", "value": colour}, *container["env"]]
    return {
        "metadata": {**meta, "labels": {**meta["labels"], LABEL_COLOUR: colour}},
        "spec": {
            **pod,
            "containers": [{**container, "env": env}],
            "volumes": [_of_colour(each, colour) for each in pod["volumes"]],
        },
    }


def _of_colour(volume: Manifest, colour: str) -> Manifest:
    """Each colour has a login of its own to the ledger, so that one can be shut out alone."""
    if volume["name"] == DATA:
        return state_of_colour(volume, colour)
    if volume["name"] != DATABASE:
        return volume
    return {"name": DATABASE, "secret": {**volume["secret"], "items": [{"key": colour, "path": "url"}]}}


def _container(spec: BotSpec, site: Site, revision: str) -> Manifest:
    return {
        "name": CONTAINER,
        "image": spec.image or site.bot_image,
        "imagePullPolicy": spec.pod.image_pull_policy,
        "command": ["atb", "live" if spec.mode is Mode.LIVE else "paper"],
        "env": [*_environment(spec, revision), *_configured(spec)],
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "ops", "containerPort": OPS_PORT, "protocol": "TCP"},
        ],
        "livenessProbe": {
            "httpGet": {"path": "/livez", "port": "ops"},
            "periodSeconds": 10,
            "timeoutSeconds": 3,
            "failureThreshold": 3,
        },
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": "ops"},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
        "resources": _resources(spec),
        "securityContext": CONFINED,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": _mounts(spec),
    }


def _environment(spec: BotSpec, revision: str) -> list[Manifest]:
    real = spec.mode is Mode.LIVE
    fields = {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid", "POD_NAMESPACE": "metadata.namespace"}
    return [
        {"name": "TRADINGBOT_SETTINGS", "value": f"{SETTINGS}/settings.json"},
        {"name": REVISION_VARIABLE, "value": revision},
        # They decide nothing: a process whose settings say otherwise halts, so that a pod changed by hand is found out.
        {"name": "PAPER_TRADING", "value": str(not real).lower()},
        {"name": "ALLOW_REAL", "value": str(real).lower()},
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]


def _configured(spec: BotSpec) -> list[Manifest]:
    """For people who look at the pod: whether a person wrote every setting. The bot does not read it."""
    return [{"name": "TRADING_MODE_TYPE", "value": spec.config_mode}] if spec.config_mode else []


def _resources(spec: BotSpec) -> Manifest:
    """The profile's amounts, and over them what the person set."""
    chosen = spec.resources.model_dump(exclude_none=True)
    return {part: {**amounts, **_texts(chosen[part])} for part, amounts in AMOUNTS[spec.profile].items()}


def _texts(amounts: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(amount) for name, amount in amounts.items()}


def _mounts(spec: BotSpec) -> list[Manifest]:
    secrets = ["api", "operator", *(["exchange"] if spec.keys_secret else []), *([DATABASE] if _served(spec) else [])]
    return [
        {"name": "settings", "mountPath": f"{SETTINGS}/settings.json", "subPath": "settings.json", "readOnly": True},
        *({"name": name, "mountPath": f"{SECRETS}/{name}", "readOnly": True} for name in secrets),
        {"name": "podinfo", "mountPath": "/etc/podinfo", "readOnly": True},
        {"name": "data", "mountPath": "/data"},
        {"name": "tmp", "mountPath": SCRATCH},
    ]


def _volumes(bot: Bot, spec: BotSpec, config: str) -> list[Manifest]:
    tokens = token_secret_name(bot)
    keys = spec.keys_secret
    exchange = [{"name": "exchange", "secret": {"secretName": keys, "defaultMode": 0o440}}] if keys else []
    database = [{"name": DATABASE, "secret": _one_key(ledger_secret_name(bot), BLUE, "url")}] if _served(spec) else []
    annotations = {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}
    return [
        {"name": "settings", "configMap": {"name": config}},
        {"name": "api", "secret": _one_key(tokens, "token")},
        {"name": "operator", "secret": _one_key(tokens, "operator-token")},
        *exchange,
        *database,
        {"name": "podinfo", "downwardAPI": {"items": [annotations]}},
        state_volume(bot, spec),
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]


def _served(spec: BotSpec) -> bool:
    """Whether the ledger lies on a server."""
    return spec.database.mode is DatabaseMode.POSTGRES


def _one_key(secret: str, key: str, path: str = "token") -> Manifest:
    return {"secretName": secret, "defaultMode": 0o440, "items": [{"key": key, "path": path}]}


def _pod_security() -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _placement(spec: BotSpec) -> Manifest:
    fields = {"node_selector", "tolerations", "priority_class_name", "runtime_class_name", "image_pull_secrets"}
    placement: Manifest = spec.pod.model_dump(
        mode="json", by_alias=True, include=fields, exclude_defaults=True, exclude_none=True
    )
    return placement


def _scraped() -> dict[str, str]:
    """For Prometheus without its operator."""
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(OPS_PORT), "prometheus.io/path": "/metrics"}
