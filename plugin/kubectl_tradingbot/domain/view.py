"""One bot as the cluster and the bot itself describe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BotView:
    """The resource's own words; *live* is what the bot says of itself, None when it does not answer."""

    name: str
    namespace: str
    mode: str
    colour: str
    revision: str
    conditions: Mapping[str, Mapping[str, str]]
    generation: int
    observed_generation: int
    live: Mapping[str, Any] | None = None

    def is_true(self, condition: str) -> bool:
        return self.conditions.get(condition, {}).get("status") == "True"

    @property
    def has_traded(self) -> bool:
        """True once the bot itself reports an order that has filled."""
        orders = (self.live or {}).get("last_orders") or []
        return any(order.get("status") in {"filled", "partial"} for order in orders)


def view_of(resource: Mapping[str, Any], live: Mapping[str, Any] | None) -> BotView:
    """The view of a TradingBot *resource* as the API server serves it."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    active = status.get("active") or {}
    return BotView(
        name=metadata["name"],
        namespace=metadata["namespace"],
        mode=resource["spec"].get("mode", "paper"),
        colour=active.get("colour") or "-",
        revision=active.get("revision") or "-",
        conditions={condition["type"]: condition for condition in status.get("conditions") or []},
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", -1),
        live=live,
    )


def standing(view: BotView) -> str:
    """One word, and the reason when it is not well."""
    if view.is_true("Halted"):
        return f"halted: {view.conditions['Halted'].get('message', '')}"
    if view.is_true("Stalled"):
        return f"stalled: {view.conditions['Stalled'].get('message', '')}"
    if view.is_true("Ready"):
        return str((view.live or {}).get("state") or "ready")
    ready = view.conditions.get("Ready")
    return f"not ready: {ready.get('message') or ready.get('reason')}" if ready else "not seen by the operator yet"
