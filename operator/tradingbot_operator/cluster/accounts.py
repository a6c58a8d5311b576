"""Which bot trades what with which key; fingerprints of keys stay in memory, for equal ones must not show anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.revision import digest

Name = tuple[str, str]
UNSURE = "another bot"


@dataclass(frozen=True, slots=True)
class Holding:
    """An account, by what its key hashes to, and the markets a bot trades on it."""

    account: str
    symbols: frozenset[str]

    def meets(self, other: "Holding") -> bool:
        return self.account == other.account and bool(self.symbols & other.symbols)


class Accounts:
    """Who came first keeps an account's market for as long as it is there and not suspended."""

    def __init__(self) -> None:
        self._held: dict[Name, Holding] = {}
        self._put_off: set[Name] = set()

    def forget(self, bot: Name) -> None:
        self._held.pop(bot, None)
        self._put_off.discard(bot)

    def rival(self, bot: Bot, data: Mapping[str, str], runs: bool) -> str:
        """The bot that trades one of the markets with the same key, or empty; then they are this bot's.

        One that *runs* already keeps what it has. One that was refused before waits a turn after the operator has
        started, so that the other one is heard first.
        """
        if isinstance(bot.spec, Rejection) or bot.spec.suspend or bot.spec.exchange.shared:
            self.forget(bot.key)
            return ""
        venue = bot.spec.exchange
        account = digest({"venue": venue.name, "endpoint": venue.endpoint, "key": data.get("apiKey", "")}, 20)
        wanted = Holding(account, frozenset(venue.symbols))
        others = (name for name, held in self._held.items() if name != bot.key and held.meets(wanted))
        first = next(others, None)
        if first is not None and not (runs and self._held.get(bot.key) in (None, wanted)):
            return "/".join(first)
        if not runs and was_refused(bot) and bot.key not in self._put_off:
            self._put_off.add(bot.key)
            return UNSURE
        self._held[bot.key] = wanted
        return ""


def was_refused(bot: Bot) -> bool:
    return any(each.get("reason") == "DuplicateAccount" for each in bot.status.get("conditions") or ())
