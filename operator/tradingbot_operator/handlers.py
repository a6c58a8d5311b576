"""The only file, with main, that knows kopf: what happened is put into the store, and the bot it concerns into the queue."""

from typing import Any

import kopf

from tradingbot_operator.domain.kinds import BOT, DEPLOYMENT, POD, TASK, Kind
from tradingbot_operator.domain.names import COMPONENT, LABEL_MANAGED_BY
from tradingbot_operator.engine.engine import Engine

WATCHED = (BOT, TASK, DEPLOYMENT, POD)
OWN = f"{LABEL_MANAGED_BY}={COMPONENT}"


def registry(engine: Engine, login: Any) -> kopf.OperatorRegistry:
    """Handlers for the watched kinds; none of them waits for anything."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(id="login", registry=handlers)(login)
    for kind in WATCHED:
        _watch(handlers, engine, kind)
    return handlers


def _watch(handlers: kopf.OperatorRegistry, engine: Engine, kind: Kind) -> None:
    async def happened(event: Any, **_: Any) -> None:
        engine.happened(kind, event["type"] or "LISTED", event["object"])

    group, _, version = kind.api_version.rpartition("/")
    kopf.on.event(group, version, kind.plural, id=kind.plural, registry=handlers)(happened)


class NoMemory(kopf.DiffBaseStorage):
    """Nothing is remembered in annotations: every pass starts from what exists."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        return {}

    def fetch(self, *, body: Any) -> Any:
        return None

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        return None


class NoProgress(kopf.ProgressStorage):
    """There is no progress to keep: no handler here is ever half done."""

    def fetch(self, *, key: Any, body: Any) -> Any:
        return None

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        return None

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        return None

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
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
