"""A TradingBot as the operator understands it: what it asks for, or why that cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tradingbot_operator.domain.autonomous import expert
from tradingbot_operator.domain.coherence import Rejection, contradiction, needless, unusable_name
from tradingbot_operator.domain.complaint import first_complaint
from tradingbot_operator.domain.spec import BotSpec

Manifest = dict[str, Any]


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
    refused: Rejection | None = None  # why the spec as it stands is not *spec*, which is the one before
    # What its pods are born with while a suspended bot runs all the same, only to become flat.
    born: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name


def parse(body: Mapping[str, Any]) -> Bot:
    """The bot in *body*. A spec that cannot be understood is a Rejection: halts and deletion work all the same."""
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
        spec=unusable_name(metadata["name"]) or parse_spec(body.get("spec") or {}),
        status=body.get("status") or {},
    )


def parse_spec(spec: Mapping[str, Any]) -> BotSpec | Rejection:
    """What a spec asks for, or why that cannot be."""
    if refusal := needless(spec):
        return refusal
    try:
        parsed = BotSpec.model_validate(expert(spec))
    except ValidationError as error:
        sentence = first_complaint(error)
        return Rejection(sentence.partition(":")[0], sentence)
    return contradiction(parsed) or parsed
