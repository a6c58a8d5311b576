"""Where and with what a bot's pod runs: resources, storage, scheduling."""

from typing import Annotated, Literal

from pydantic import Field

from tradingbot_operator.domain.model import Part
from tradingbot_operator.domain.scalars import ObjectName, SizeText

LabelKey = Annotated[str, Field(min_length=1, max_length=316)]
LabelValue = Annotated[str, Field(max_length=63)]
Quantity = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1, max_length=32)]


class Amounts(Part):
    cpu: Quantity | None = None
    memory: Quantity | None = None


class Resources(Part):
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


class Storage(Part):
    """The claim a bot's state lives on; used in live and sandbox only."""

    size: SizeText = "20Gi"
    class_name: ObjectName | None = None


class Toleration(Part):
    key: LabelKey | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: Annotated[int, Field(ge=0, le=86400)] | None = None


class PullSecret(Part):
    name: ObjectName


class Pod(Part):
    """Extras of the pod that do not weaken its security."""

    labels: Annotated[dict[LabelKey, LabelValue], Field(default_factory=dict, max_length=16)]
    annotations: Annotated[
        dict[LabelKey, Annotated[str, Field(max_length=1024)]], Field(default_factory=dict, max_length=16)
    ]
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(default_factory=dict, max_length=16)]
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    priority_class_name: ObjectName | None = None
    runtime_class_name: ObjectName | None = None
    image_pull_secrets: Annotated[tuple[PullSecret, ...], Field(max_length=8)] = ()
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
