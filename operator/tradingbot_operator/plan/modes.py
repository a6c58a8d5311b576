"""A bot that changes its mode: what it leaves, and when it may. Where orders stand at a market nothing is left open."""

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.observed import Observed, Report
from tradingbot_operator.domain.order import is_of_mode, mode_name
from tradingbot_operator.domain.plan import Keep
from tradingbot_operator.domain.spec import BotSpec, DatabaseMode, Mode

AT_A_MARKET = ("live", "sandbox")
IN_ONE_FILE = ("paper", "sandbox")
LOOK_SECONDS = 1.0


def traded(bot: Bot, spec: BotSpec, observed: Observed) -> str:
    """The book of what trades, or traded last; that of the spec while nobody knows."""
    known = told(bot, observed)
    if known is not None:
        return known
    # A process of before books were told says its mode only.
    said = observed.report.mode if observed.report and observed.report.epoch is not None else None
    mode = said or (bot.status.get("active") or {}).get("mode")
    return spec.book if mode in (None, spec.mode.value) else str(mode)


def told(bot: Bot, observed: Observed) -> str | None:
    """The book that the process with the epoch names, or named last."""
    said = observed.report.book if observed.report and observed.report.epoch is not None else None
    return said or (bot.status.get("active") or {}).get("book")


def changes(bot: Bot, spec: BotSpec, observed: Observed) -> bool:
    """Whether the spec asks for another book than what trades is kept in."""
    return traded(bot, spec, observed) != spec.book


def left(bot: Bot, spec: BotSpec, observed: Observed) -> str | None:
    """The book of a market that the spec leaves."""
    before = traded(bot, spec, observed)
    return before if before in AT_A_MARKET and before != spec.book else None


def standing_open(report: Report | None) -> str | None:
    """What is open in the book, in words; None when nothing is. Unknown is not nothing."""
    counted = report and (report.positions, report.open_orders, report.unresolved)
    if report is None or report.epoch is None or not counted or None in counted:
        return "what is open there is not known"
    counts = zip(("positions", "open orders", "writes of unknown outcome"), counted, strict=True)
    return ", ".join(f"{what}: {number}" for what, number in counts if number) or None


def unfinished(bot: Bot, spec: BotSpec, observed: Observed) -> Keep | None:
    """Why the mode cannot change now; what trades goes on, and enters nothing more."""
    before = traded(bot, spec, observed)
    field = "spec.exchange.sandbox" if {before, spec.book} == set(IN_ONE_FILE) else "spec.mode"
    if field != "spec.mode" and spec.database.mode is DatabaseMode.EMBEDDED:
        cure = "set it back, set database.mode to postgres while suspended, or make another TradingBot"
        return Keep("BookInFile", f"{field}: the ledger's file keeps the book of {before} and no other; {cure}")
    still = standing_open(observed.report) if left(bot, spec, observed) else None
    if still is None:
        return None
    ways = "it changes once all is closed; to close it now set spec.onModeChange to Flatten"
    if spec.suspend:
        ways = "nobody runs who could close it: write the mode back, or set spec.suspend to false"
    text = f"'{spec.mode.value}' leaves book {before} ({still}); stops stay at the venue and nothing is entered"
    return Keep("PositionsOpen", f"{field}: {text}; {ways}", LOOK_SECONDS)


def leaving(bot: Bot, observed: Observed) -> str | None:
    """The order that stands while a market's book is left; it ends when another book is traded in."""
    spec = bot.spec
    if isinstance(spec, Rejection) or bot.deleted_at is not None or spec.suspend:
        return None
    before = left(bot, spec, observed)
    kind = "flatten" if spec.on_mode_change == "Flatten" else "reduce"
    return f"{kind}: book {before} is left for {spec.book} (spec.mode)" if before else None


def leaving_id(bot: Bot, words: str) -> str:
    """One name for as long as the same revision trades, and another one the next time."""
    return mode_name(words, str((bot.status.get("active") or {}).get("since")))


def ended(bot: Bot, observed: Observed) -> str | None:
    """What resumes a halt of a change of mode that is over, or was called off."""
    spec = bot.spec
    if isinstance(spec, Rejection) or spec.suspend or leaving(bot, observed) is not None:
        return None
    reports = (*observed.reports.values(), *((observed.report,) if observed.report else ()))
    names = sorted(halt.id for report in reports for halt in report.halts if is_of_mode(halt.id))
    return f"{names[0]} spec.mode is {spec.mode.value}" if names else None


def was_live(bot: Bot, config: str) -> bool:
    """Whether this bot has traded money with that configuration before."""
    spells = bot.status.get("practice") or ()
    return any((each.get("mode"), each.get("config")) == (Mode.LIVE.value, config) for each in spells)
