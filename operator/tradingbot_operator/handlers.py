"""The only file that knows kopf: what happened goes into the store, and the bot it concerns into the queue."""

import os
from typing import Any

import kopf

from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, NAMESPACE, POD, TASK, Kind
from tradingbot_operator.domain.names import COMPONENT, LABEL_MANAGED_BY
from tradingbot_operator.engine.engine import Engine

WATCHED = (BOT, TASK, DEPLOYMENT, POD)
OWN = f"{LABEL_MANAGED_BY}={COMPONENT}"


async def watch(engine: Engine, namespaces: tuple[str, ...]) -> None:
    """Everything watched reaches the engine, until SIGTERM, which kopf takes for itself, or a failure."""
    handlers = kopf.OperatorRegistry()
    login = kopf.login_with_kubeconfig if os.environ.get("KUBECONFIG") else kopf.login_with_service_account
    kopf.on.login(id="login", registry=handlers)(login)
    # Without rights on the whole cluster nobody may watch namespaces; a halt on a namespace then has no effect.
    for kind in WATCHED if namespaces else (*WATCHED, NAMESPACE):
        _forward(handlers, engine, kind)
    await kopf.operator(
        registry=handlers,
        settings=watching(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
    )


def _forward(handlers: kopf.OperatorRegistry, engine: Engine, kind: Kind) -> None:
    async def happened(event: Any, **_: Any) -> None:
        engine.happened(kind, event["type"] or "LISTED", event["object"])

    group, _, version = kind.api_version.rpartition("/")
    kopf.on.event(group, version, kind.plural, id=kind.plural, registry=handlers)(happened)


class NoMemory(kopf.DiffBaseStorage):
    """Nothing is remembered in annotations: every pass starts from what exists."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        return None


class NoProgress(kopf.ProgressStorage):
    """There is no progress to keep: no handler here is ever half done."""

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


def watching() -> kopf.OperatorSettings:
    """Kopf as a source of events and nothing else."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoMemory()
    settings.persistence.progress_storage = NoProgress()
    settings.queueing.idle_timeout = 1.0
    settings.watching.chunk_size = 500
    settings.watching.reconnect_backoff = 1.0
    settings.watching.label_selectors["apps", "v1", "deployments"] = OWN
    settings.watching.label_selectors["", "v1", "pods"] = OWN
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = (1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 55, 55)
    settings.process.ultimate_exiting_timeout = 25
    return settings
