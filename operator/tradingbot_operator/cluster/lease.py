"""The Lease that elects the leader. It elects; it fences nothing (protocol: the fence stands in the ledger)."""

from dataclasses import dataclass

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.domain.bot import Manifest
from tradingbot_operator.domain.kinds import LEASE


@dataclass(frozen=True, slots=True)
class Held:
    """The Lease as last read: who holds it, and the version that changes with every renewal."""

    holder: str
    version: str
    transitions: int


class LeaseLock:
    """One Lease by name."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api, self._namespace, self._name = api, namespace, name

    async def read(self) -> Held | None:
        """The Lease, or None if there certainly is none."""
        body = await self._api.find(LEASE, self._namespace, self._name)
        if body is None:
            return None
        spec = body.get("spec") or {}
        return Held(
            spec.get("holderIdentity") or "", body["metadata"]["resourceVersion"], spec.get("leaseTransitions", 0)
        )

    async def write(self, holder: str, now: str, seconds: int, before: Held | None) -> Held:
        """*holder* holds it; raises Outdated if someone wrote since *before* was read."""
        changed = before is None or before.holder != holder
        transitions = (before.transitions if before else 0) + (1 if before and changed else 0)
        manifest: Manifest = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": seconds,
                "leaseTransitions": transitions,
                "renewTime": now,
            },
        }
        if before is None:
            body = await self._api.create(manifest)
        else:
            manifest["metadata"]["resourceVersion"] = before.version
            body = await self._api.request("PUT", LEASE.path(self._namespace, self._name), manifest)
        return Held(holder, body["metadata"]["resourceVersion"], transitions)
