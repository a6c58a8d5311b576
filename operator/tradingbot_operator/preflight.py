"""Before the operator is uninstalled: without it nobody would take the finalizers of its bots off."""

import contextlib
import os
import sys

from tradingbot_operator.cluster.api import Absent, Api, connect
from tradingbot_operator.domain.bot import Manifest
from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.settings import Settings


async def preflight_uninstall(settings: Settings) -> int:
    """1 while TradingBots exist: without the operator nobody would take their finalizer off."""
    async with contextlib.aclosing(await connect(os.environ.get("KUBECONFIG"))) as api:
        namespaces = settings.namespaces or (None,)
        bots = [each["metadata"] for namespace in namespaces for each in await _bots(api, namespace)]
    if not bots:
        return 0
    names = ", ".join(f"{each['namespace']}/{each['name']}" for each in bots)
    cure = "delete them first; `helm rollback tradingbot-operator` takes back the mark that Helm has set on the release"
    print(f"TradingBots exist that only the operator can let go: {names}; {cure}", file=sys.stderr)
    return 1


async def _bots(api: Api, namespace: str | None) -> tuple[Manifest, ...]:
    """No definition, no bots: its deletion ended only when the last of them was gone."""
    try:
        return await api.list_metadata(BOT, namespace)
    except Absent:
        return ()
