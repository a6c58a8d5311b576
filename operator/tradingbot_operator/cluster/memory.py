"""What was last written for each bot, so that nothing is written twice. Whatever is doubtful is forgotten."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradingbot_operator.domain.keyage import KeyAge
from tradingbot_operator.domain.kinds import BOT
from tradingbot_operator.domain.monitoring import Watched
from tradingbot_operator.domain.names import HALT
from tradingbot_operator.domain.observed import Revision, TokenSecret
from tradingbot_operator.domain.order import Orders, Written, seen
from tradingbot_operator.domain.spec import BotSpec

Name = tuple[str, str]
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """One object as it was when last seen or written."""

    uid: str
    version: str
    bot: Name


def place(body: Mapping[str, Any], kind: str) -> Place:
    return kind, body["metadata"]["namespace"], body["metadata"]["name"]


def trace(body: Mapping[str, Any], bot: Name) -> Trace:
    """The generation tells a change of what is asked; kinds without one have only their resource version."""
    meta = body["metadata"]
    return Trace(meta["uid"], str(meta.get("generation") or meta["resourceVersion"]), bot)


class Memory:
    """Settled bots need no write; a bot is settled only while nothing of it was seen to change."""

    def __init__(self) -> None:
        self._settled: dict[Name, str] = {}
        self._written: dict[Place, Trace] = {}
        self._noticed: dict[Place, Trace] = {}
        self._history: dict[Name, tuple[Revision, ...]] = {}
        self._tokens: dict[Name, TokenSecret] = {}
        self._orders: dict[Name, Written] = {}
        self._shut: dict[Name, tuple[int, float]] = {}
        self._operator_tokens: dict[Name, str] = {}
        self._told: dict[str, str] = {}
        self._written_as: dict[Place, str] = {}
        self._listed: dict[Place, tuple[str, bytes]] = {}
        self._began: dict[Name, datetime] = {}
        self._specs: dict[Name, BotSpec] = {}
        self._keys: dict[Name, KeyAge] = {}
        self._watched: dict[Name, Watched] = {}
        self._unalerted: dict[Name, str] = {}

    def is_settled(self, bot: Name, intent: str) -> bool:
        """Whether all that *intent* stands for was written, and nothing of it has changed since."""
        return self._settled.get(bot) == intent

    def wrote(self, where: Place, left: Trace, content: str | None = None) -> None:
        """The object is as *left*; *content* stands for all that was asked of it."""
        self._written[where] = left
        if content is None:
            self._written_as.pop(where, None)
        else:
            self._written_as[where] = content

    def stands(self, where: Place, content: str) -> bool:
        """Whether just that was asked of the object last, and nothing was seen to change since."""
        return self._written_as.get(where) == content

    def settle(self, bot: Name, intent: str) -> None:
        """All that *intent* stands for has been written; unless a newer change was noticed meanwhile, it stands."""
        mine = {where: left for where, left in self._written.items() if left.bot == bot and where in self._noticed}
        if all(not _is_newer(self._noticed[where], left) for where, left in mine.items()):
            self._settled[bot] = intent

    def unsettle(self, bot: Name) -> None:
        """The next pass over *bot* writes everything again."""
        self._settled.pop(bot, None)
        self._watched.pop(bot, None)
        for where in [where for where in self._written_as if self._written[where].bot == bot]:
            del self._written_as[where]

    def doubt(self, bot: Name) -> None:
        """The same, and the next pass asks for the bot's history and its tokens too."""
        self.unsettle(bot)
        self.forget_history(bot)
        self.forget_tokens(bot)

    def forget(self, bot: Name) -> None:
        """The bot is gone."""
        self.doubt(bot)
        self._shut.pop(bot, None)
        self._began.pop(bot, None)
        self._specs.pop(bot, None)
        self._orders.pop(bot, None)
        self._keys.pop(bot, None)
        self._unalerted.pop(bot, None)
        for where in [where for where, left in self._written.items() if left.bot == bot]:
            del self._written[where]
            self._noticed.pop(where, None)

    def saw_order(self, body: Mapping[str, Any]) -> None:
        """What a bot or a namespace says of a halt was seen, by an event or by asking."""
        meta = body["metadata"]
        where = meta.get("namespace") or meta["name"], meta["name"] if meta.get("namespace") else ""
        words = (meta.get("annotations") or {}).get(HALT)
        now = Written(meta["uid"], str(meta.get("resourceVersion", "")), words)
        self._orders[where] = seen(self._orders.get(where), now)
        listed = self._listed.get((BOT.kind, *where))
        if listed is not None and listed[0] != now.version:
            del self._listed[BOT.kind, *where]

    def orders(self, bot: Name) -> Orders:
        return Orders(self._orders.get(bot), self._orders.get((bot[0], "")))

    def noticed(self, where: Place, now: Trace | None) -> Name | None:
        """The bot whose object is not as it was left, now that *now* was seen there (None: nothing is there)."""
        if now is not None:
            self._noticed[where] = now
        left = self._written.get(where)
        if left is None or (now is not None and (now.uid, now.version) == (left.uid, left.version)):
            return None
        if now is not None and not _is_newer(now, left):
            return None
        self.unsettle(left.bot)
        return left.bot

    def compare(self, kind: str, live: Mapping[Place, Trace]) -> frozenset[Name]:
        """The bots whose objects of *kind* are not as they were left, now that all that exist were listed."""
        places = [where for where in self._written if where[0] == kind]
        changed = {where: self._written[where] for where in places if _differs(self._written[where], live.get(where))}
        for left in changed.values():
            self.doubt(left.bot)
        return frozenset(left.bot for left in changed.values())

    def remember_listed(self, where: Place, body: Mapping[str, Any]) -> None:
        """The object is known as it was at the start, until it is first asked for."""
        meta = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        # Thousands wait for their bot's first pass.
        packed = zlib.compress(json.dumps({**body, "metadata": meta}).encode(), 1)
        self._listed[where] = str(meta.get("resourceVersion", "")), packed

    def listed(self, where: Place) -> dict[str, Any] | None:
        """The object as it was at the start; None when that is not known, or when it was seen to change since."""
        listed = self._listed.get(where)
        if listed is None:
            return None
        body: dict[str, Any] = json.loads(zlib.decompress(listed[1]))
        now = self._noticed.get(where)
        return None if now is not None and _is_newer(now, trace(body, ("", ""))) else body

    def take_listed(self, where: Place) -> dict[str, Any] | None:
        """The same, once: whoever asks again must look."""
        body = self.listed(where)
        self._listed.pop(where, None)
        return body

    def forget_listed(self) -> None:
        """What was seen at the start is too old to be believed."""
        self._listed.clear()

    def history(self, bot: Name) -> tuple[Revision, ...] | None:
        """The bot's revisions, if they are known."""
        return self._history.get(bot)

    def remember(self, bot: Name, revisions: Iterable[Revision]) -> None:
        self._history[bot] = tuple(revisions)

    def recorded(self, bot: Name, revision: Revision) -> None:
        """This process wrote that revision: a history that is known holds it as it was left."""
        if bot in self._history:
            others = (each for each in self._history[bot] if each.name != revision.name)
            self._history[bot] = (*others, revision)

    def forget_history(self, bot: Name) -> None:
        self._history.pop(bot, None)

    def tokens(self, bot: Name) -> TokenSecret | None:
        """The bot's token Secret, if it is known."""
        return self._tokens.get(bot)

    def remember_tokens(self, bot: Name, tokens: TokenSecret) -> None:
        self._tokens[bot] = tokens

    def forget_tokens(self, bot: Name) -> None:
        self._tokens.pop(bot, None)
        self._operator_tokens.pop(bot, None)

    def operator_token(self, bot: Name) -> str | None:
        """What opens the fence of the bot's embedded ledger, if it is known."""
        return self._operator_tokens.get(bot)

    def remember_operator_token(self, bot: Name, token: str) -> None:
        self._operator_tokens[bot] = token

    def shut(self, bot: Name) -> tuple[int, float] | None:
        """The epoch whose holder this process shut out, and when its last request is dead."""
        return self._shut.get(bot)

    def remember_shut(self, bot: Name, epoch: int, over: float) -> None:
        self._shut[bot] = (epoch, over)

    def began(self, bot: Name, now: datetime) -> datetime:
        """When this process first saw the bot start."""
        return self._began.setdefault(bot, now)

    def spec(self, bot: Name) -> BotSpec | None:
        """What the bot's hand-over was begun with, while it is under way."""
        return self._specs.get(bot)

    def remember_spec(self, bot: Name, spec: BotSpec) -> None:
        self._specs[bot] = spec

    def forget_spec(self, bot: Name) -> None:
        self._specs.pop(bot, None)

    def key_ages(self, now: datetime) -> Mapping[Name, tuple[Decimal, Decimal]]:
        """How many days old the keys of each bot are that has any, and may become."""
        return {bot: (each.days(now), each.limit_days) for bot, each in self._keys.items()}

    def remember_keys(self, bot: Name, age: KeyAge) -> None:
        self._keys[bot] = age

    def forget_keys(self, bot: Name) -> None:
        self._keys.pop(bot, None)

    def watched(self, bot: Name) -> Watched | None:
        """Whether the bot's monitor and rule stand, as far as it is known."""
        return self._watched.get(bot)

    def remember_watched(self, bot: Name, seen: Watched) -> None:
        self._watched[bot] = seen

    def unalerted(self, bot: Name) -> str | None:
        """Why the bot's rule was not written when it was tried."""
        return self._unalerted.get(bot)

    def remember_unalerted(self, bot: Name, why: str) -> None:
        self._unalerted[bot] = why

    def try_alerts(self) -> frozenset[Name]:
        """The bots whose rule was not written; from now on it may be tried again."""
        bots = frozenset(self._unalerted)
        self._unalerted.clear()
        for bot in bots:
            self.unsettle(bot)
        return bots

    def told(self, task: str, phase: str) -> bool:
        """Whether this process wrote that into the task of that uid."""
        return self._told.get(task) == phase

    def remember_told(self, task: str, phase: str) -> None:
        self._told[task] = phase

    def places(self, kind: str) -> tuple[Place, ...]:
        return tuple(where for where in self._written if where[0] == kind)


def _is_newer(seen: Trace, left: Trace) -> bool:
    """An event may be older than the answer to our own write; generations count up, so they tell."""
    return seen.uid != left.uid or int(seen.version) > int(left.version)


def _differs(left: Trace, live: Trace | None) -> bool:
    return live is None or (live.uid, live.version) != (left.uid, left.version)
