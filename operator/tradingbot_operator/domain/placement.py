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
    """Cores."""
    memory: Quantity | None = None
    """Memory."""


class Resources(Part):
    requests: Amounts = Amounts()
    """What is set aside."""
    limits: Amounts = Amounts()
    """What may be used."""


class Storage(Part):
    """The claim a bot's state lives on; used in live and sandbox only."""

    size: SizeText = "20Gi"
    """Size of the claim; it never shrinks."""
    class_name: ObjectName | None = None
    """Storage class."""


class Toleration(Part):
    key: LabelKey | None = None
    """Taint."""
    operator: Literal["Exists", "Equal"] | None = None
    """How it is compared."""
    value: LabelValue | None = None
    """Its value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Its effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=86400)] | None = None
    """For how long."""


class PullSecret(Part):
    name: ObjectName
    """Secret with the keys of a registry."""


class Pod(Part):
    """Extras of the pod that do not weaken its security."""

    labels: Annotated[dict[LabelKey, LabelValue], Field(default_factory=dict, max_length=16)]
    """More labels."""
    annotations: Annotated[
        dict[LabelKey, Annotated[str, Field(max_length=1024)]], Field(default_factory=dict, max_length=16)
    ]
    """More annotations."""
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(default_factory=dict, max_length=16)]
    """Nodes it may run on."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    """Taints it bears."""
    priority_class_name: ObjectName | None = None
    """Priority."""
    runtime_class_name: ObjectName | None = None
    """Runtime."""
    image_pull_secrets: Annotated[tuple[PullSecret, ...], Field(max_length=8)] = ()
    """Keys of registries."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When the image is pulled."""
