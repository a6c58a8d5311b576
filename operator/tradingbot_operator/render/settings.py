"""settings.json of a bot (docs/contracts.md section 3): snake_case, and only what the person set."""

from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.operations import Reconciliation
from tradingbot_operator.domain.revision import WATCHED, canonical, digest
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode
from tradingbot_operator.render import patience
from tradingbot_operator.render.metadata import metadata

# Not the bot's business: keys are mounted, and fail-over is the operator's.
WITHHELD = {"credentials_secret_ref", "backup", "timeout_ms"}
MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}
UNREAD = {"backoff_base_seconds", "max_backoff_seconds"}


def settings(bot: Bot, spec: BotSpec, site: Site) -> dict[str, Any]:
    """What the bot's process loads; what is not here keeps the bot's own default."""
    return {
        **_around(spec, site),
        **_reconcile(spec),
        **_recovery(spec),
        **patience.sections(spec),
        **_data(spec),
        **({"strategies": [_said(each) for each in spec.strategies]} if spec.strategies else {}),
        "bot": {"name": bot.name, "namespace": bot.namespace, "cluster": site.cluster},
        "mode": spec.mode.value,
        "exchange": _said(spec.exchange, exclude=WITHHELD) | patience.exchange(spec),
        "strategy": _said(spec.strategy),
        "engine": _said(spec.engine, exclude=UNREAD) | patience.engine(spec),
        "capital": _said(spec.capital),
        "risk": _said(spec.risk),
        "database": {"mode": "embedded" if spec.database.mode is DatabaseMode.EMBEDDED else "postgres"},
        "trading_day": _said(spec.trading_day, exclude=set() if spec.trading_day.holidays else {"holidays"}),
        "logging": _said(spec.logging),
    }


def _around(spec: BotSpec, site: Site) -> dict[str, Any]:
    """Whom the bot asks in this cluster; nothing where there is nobody."""
    leave = {} if spec.database.mode is DatabaseMode.EMBEDDED else {"url": site.operator_url}
    gate = {"rate_gate": site.rate_gate_url} if site.rate_gate_url else {}
    return {"operator": {**leave, **gate}} if leave or gate else {}


def _data(spec: BotSpec) -> dict[str, Any]:
    """How much the bot keeps of what it was told; nothing where nobody said."""
    size, as_said = spec.data.cache_size, {"cache_ttl", "filters_max_age_days", "source", "history"}
    said: dict[str, Any] = {} if size is None else {"cache_mib": int(size[:-2]) * MEBIBYTES[size[-2:]]}
    said |= spec.data.model_dump(mode="json", include=as_said, exclude_none=True)
    return {"data": said} if said else {}


def _reconcile(spec: BotSpec) -> dict[str, Any]:
    """Only what is not the bot's own default: settings of before it could be told stay as they are."""
    asked, usual = spec.reconcile, Reconciliation()
    said = {"foreign_orders": asked.foreign_orders.lower()} if asked.foreign_orders != usual.foreign_orders else {}
    if asked.interval != usual.interval:
        said["interval"] = asked.interval
    return {"reconcile": said} if said else {}


def _recovery(spec: BotSpec) -> dict[str, Any]:
    watched = spec.recovery.model_dump(mode="json", include=set(WATCHED), exclude_none=True)
    return {"recovery": watched} if watched else {}


def _said(part: Any, exclude: set[str] | None = None) -> dict[str, Any]:
    said: dict[str, Any] = part.model_dump(mode="json", exclude=exclude, exclude_none=True)
    return said


def config_name(bot: Bot, document: str) -> str:
    return f"{bot.name}-{digest(document, 10)}"


def config_map(bot: Bot, values: dict[str, Any]) -> Manifest:
    """The settings under a name made of their content, so that they travel with the revision that reads them."""
    document = canonical(values)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(bot, config_name(bot, document)),
        "immutable": True,
        "data": {"settings.json": document},
    }
