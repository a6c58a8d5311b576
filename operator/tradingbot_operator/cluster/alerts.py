"""What tells somebody of a bot: its rule is written, and whether rule and monitor stand is looked at seldom."""

import asyncio
from datetime import UTC, datetime, timedelta

from tradingbot_operator.cluster import reading
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.apply import apply
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.errors import ClusterUnavailable, Outdated
from tradingbot_operator.domain.kinds import ALERT_RULE, POD_MONITOR, Kind
from tradingbot_operator.domain.monitoring import MONITOR, Watched, rule_name

PATIENCE_SECONDS = 1.0
QUIET = timedelta(minutes=1)
NOT_TAKEN = "the API server does not take rules now, and is asked again by the next audit"


class Alerts:
    """*kinds*: those for monitoring that the cluster knows."""

    def __init__(self, api: Api, memory: Memory, kinds: tuple[Kind, ...]) -> None:
        self._api, self._memory = api, memory
        self._knows = {POD_MONITOR, ALERT_RULE} <= set(kinds)
        self.shared = tuple(kind for kind in kinds if kind == POD_MONITOR)
        self._quiet_until = datetime.min.replace(tzinfo=UTC)

    async def watched(self, bot: Bot) -> Watched | None:
        """Whether monitor and rule stand; what stands is asked for again only when something of the bot changed."""
        if not self._knows:
            return None
        known = self._memory.watched(bot.key)
        if known is not None and known.monitor and known.rule:
            return known
        monitor, rule = await asyncio.gather(
            self._glimpse(POD_MONITOR, bot, MONITOR), self._glimpse(ALERT_RULE, bot, rule_name(bot))
        )
        own = rule is not None and reading.controller_uid(rule) == bot.uid
        seen = Watched(monitor is not None, own, self._memory.unalerted(bot.key))
        self._memory.remember_watched(bot.key, seen)
        return seen

    async def _glimpse(self, kind: Kind, bot: Bot, name: str) -> Manifest | None:
        listed = self._memory.listed((kind.kind, bot.namespace, name))
        return listed or await self._api.glimpse(kind, bot.namespace, name)

    async def write(self, bot: Bot, rule: Manifest | None, now: datetime) -> None:
        """The rule stands, or is known not to: a bot waits for it a second at most, and once in an audit."""
        if rule is None or self._memory.unalerted(bot.key) is not None:
            return
        if now < self._quiet_until:
            self._memory.remember_unalerted(bot.key, NOT_TAKEN)
            return
        try:
            applied = await asyncio.wait_for(apply(self._api, self._memory, bot, (), (rule,)), PATIENCE_SECONDS)
        except (TimeoutError, ClusterUnavailable, Outdated) as error:
            # Who checks the rules may be away for all bots alike: they do not wait for it one after the other.
            self._quiet_until = now + QUIET
            said = f"{type(error).__name__} {error}".strip()
            self._memory.remember_unalerted(bot.key, f"{NOT_TAKEN}: {said}")
            return
        if applied.trouble is not None:
            self._memory.remember_unalerted(bot.key, applied.trouble.message)
