"""A TradingBot as the operator understands it: who it is, what it asks for or why that cannot be, and what was last reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tradingbot_operator.domain.spec import BotSpec

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a spec cannot be acted on: the person must change this field."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Bot:
    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deleted_at: datetime | None
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: BotSpec | Rejection
    status: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name


def parse(body: Mapping[str, Any]) -> Bot:
    """The bot in *body*; a spec that cannot be understood becomes a Rejection, since halts and deletion must work all the same."""
    metadata = body["metadata"]
    return Bot(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata.get("resourceVersion", ""),
        deleted_at=datetime.fromisoformat(gone) if (gone := metadata.get("deletionTimestamp")) else None,
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations=metadata.get("annotations") or {},
        spec=_parse_spec(body.get("spec") or {}),
        status=body.get("status") or {},
    )


def _parse_spec(spec: Mapping[str, Any]) -> BotSpec | Rejection:
    try:
        return BotSpec.model_validate(spec)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(("spec", *(str(part) for part in first["loc"])))
        return Rejection(field, f"{field}: {_sentence(first)}")


def _sentence(error: Any) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "extra_forbidden":
        return "this field is not known; remove it or correct its spelling"
    if error["type"] == "missing":
        return "this field is required; add it"
    return f"'{error['input']}' cannot be used; {error['msg'][:1].lower()}{error['msg'][1:]}"
