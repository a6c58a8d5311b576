"""How orders a person writes as annotations reach the process: on the running pods, without a new pod."""

from collections.abc import Mapping
from dataclasses import replace

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.coherence import Rejection
from tradingbot_operator.domain.names import HALT, HALT_ID, HALT_ORIGIN, RESUME
from tradingbot_operator.domain.observed import Observed, Pod
from tradingbot_operator.domain.order import Orders, is_named, order_name, pod_origin
from tradingbot_operator.domain.plan import Note
from tradingbot_operator.plan.modes import ended, leaving, leaving_id
from tradingbot_operator.plan.orders import begun, words

FROM_BOT = "tradingbot"
SEVERITY = ("reduce", "halt", "flatten")
UNSEEN = Orders()


def severity(order: str) -> int:
    """How much an order forbids; any text that names no kind is a full halt."""
    kind = order.partition(":")[0].strip()
    return SEVERITY.index(kind if kind in SEVERITY else "halt")


def standing(bot: Bot, observed: Observed) -> str | None:
    """The halt that rules a bot: its own, its namespace's, a task's, or that of a mode that is left."""
    tasks = (words(each) for each in begun(bot, observed))
    written = (bot.annotations.get(HALT), observed.namespace_halt, *tasks, leaving(bot, observed))
    return max((order for order in written if order is not None), key=severity, default=None)


def order_id(bot: Bot, observed: Observed, orders: Orders) -> str | None:
    """Which halt it is that stands, the same for every pod and over restarts of the operator.

    None: it came from a pod, where the processes name it, or its object has not been seen yet.
    """
    order, own = standing(bot, observed), bot.annotations.get(HALT)
    if order is not None and order not in (own, observed.namespace_halt):
        # A task never changes, so that its uid alone tells which order it is.
        named = (order_name(order, each.uid, "") for each in begun(bot, observed) if words(each) == order)
        return next(named, leaving_id(bot, order))
    written = orders.own if own == order else orders.namespace
    if order is None or written is None or written.words != order:
        return None
    if own == order and bot.annotations.get(HALT_ORIGIN) == pod_origin(order):
        return None
    if written.born:
        return order_name(order, written.uid, written.born)
    known = [pod.annotations.get(HALT_ID, "") for pod in observed.pods if _copied(pod)]
    kept = (name for name in (*known, bot.status.get("haltOrder") or "") if is_named(name, order))
    return next(kept, order_name(order, written.uid, written.version))


def notes(bot: Bot, observed: Observed, orders: Orders = UNSEEN) -> tuple[Note, ...]:
    """One note for each pod whose orders differ from its bot's."""
    name = order_id(bot, observed, orders)
    each = ((pod, _difference(pod, _wanted(bot, observed, pod, name))) for pod in observed.pods if not pod.deleting)
    return tuple(Note(pod.name, pod.uid, tuple(sorted(change.items()))) for pod, change in each if change)


def roused(bot: Bot, observed: Observed, orders: Orders) -> Bot:
    """A suspended bot runs while an order to flatten stands, for nobody else may close its positions.

    Its pods are born halted: they claim the epoch as any other, adopt, close what is held, and enter nothing.
    """
    order = standing(bot, observed)
    asleep = not isinstance(bot.spec, Rejection) and bot.spec.suspend and bot.deleted_at is None
    if isinstance(bot.spec, Rejection) or not asleep or order is None or severity(order) < SEVERITY.index("flatten"):
        return bot
    name = order_id(bot, observed, orders)
    born = {HALT: order, HALT_ORIGIN: FROM_BOT} | ({HALT_ID: name} if name else {})
    return replace(bot, spec=bot.spec.model_copy(update={"suspend": False}), born=tuple(sorted(born.items())))


def hurried(observed: Observed, orders: Orders) -> tuple[Note, ...]:
    """What tells the pods of a bot of a halt that was just written on its namespace, if it forbids most.

    Only what its events have brought is needed; anything else is left to the pass of the bot.
    """
    halt, own = orders.namespace, orders.own
    if halt is None or halt.words is None or not halt.born or halt.words != observed.namespace_halt:
        return ()
    if own is None or (own.words is not None and severity(own.words) >= severity(halt.words)):
        return ()
    wanted: dict[str, str | None] = {HALT: halt.words, HALT_ORIGIN: FROM_BOT}
    wanted[HALT_ID] = order_name(halt.words, halt.uid, halt.born)
    each = ((pod, _difference(pod, wanted)) for pod in observed.pods if not pod.deleting)
    return tuple(Note(pod.name, pod.uid, tuple(sorted(change.items()))) for pod, change in each if change)


def _wanted(bot: Bot, observed: Observed, pod: Pod, name: str | None) -> dict[str, str | None]:
    """What a pod is to carry. A halt a person wrote on the pod is removed by no one but a person."""
    halt = standing(bot, observed)
    # A process that is to end, or was to, is not let go on to trade before it does.
    asleep = bool(bot.born) or (not isinstance(bot.spec, Rejection) and bot.spec.suspend)
    resumed = ended(bot, observed) or (pod if asleep else bot).annotations.get(RESUME)
    wanted: dict[str, str | None] = {RESUME: resumed}
    if halt is not None:
        return wanted | {HALT: halt, HALT_ORIGIN: FROM_BOT, HALT_ID: name}
    return wanted | (dict.fromkeys((HALT, HALT_ORIGIN, HALT_ID)) if _copied(pod) else {})


def _copied(pod: Pod) -> bool:
    return pod.annotations.get(HALT_ORIGIN) == FROM_BOT


def _difference(pod: Pod, wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    return {key: value for key, value in wanted.items() if pod.annotations.get(key) != value}


def raised(bot: Bot, observed: Observed) -> str | None:
    """A halt a person wrote on a pod, when nothing halts the bot itself: it is to hold for the next pod too."""
    if standing(bot, observed) is not None:
        return None
    orders = [pod.annotations[HALT] for pod in observed.pods if HALT in pod.annotations and not _copied(pod)]
    return max(orders, key=severity, default=None)
