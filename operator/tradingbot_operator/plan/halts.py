"""How orders a person writes as annotations reach the process: on the running pods, without a new pod."""

from collections.abc import Mapping

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.names import HALT, HALT_ORIGIN, RESUME
from tradingbot_operator.domain.observed import Observed, Pod
from tradingbot_operator.domain.plan import Note

FROM_BOT = "tradingbot"


def carried(annotations: Mapping[str, str]) -> dict[str, str]:
    """What a pod must carry for the annotations of its bot."""
    orders = {key: annotations[key] for key in (HALT, RESUME) if key in annotations}
    return orders | ({HALT_ORIGIN: FROM_BOT} if HALT in orders else {})


def notes(bot: Bot, observed: Observed) -> tuple[Note, ...]:
    """One note for each pod whose copied orders differ from its bot's."""
    wanted = carried(bot.annotations)
    return tuple(
        Note(pod.name, pod.uid, tuple(sorted(wanted.items())))
        for pod in observed.pods
        if not pod.deleting and _copied(pod, wanted) != wanted
    )


def _copied(pod: Pod, wanted: Mapping[str, str]) -> dict[str, str]:
    """What the operator wrote there before: a halt of a person's on a pod is not the operator's to remove."""
    own = pod.annotations.get(HALT_ORIGIN) == FROM_BOT
    keys = (HALT, RESUME, HALT_ORIGIN) if own or HALT in wanted else (RESUME,)
    return {key: pod.annotations[key] for key in keys if key in pod.annotations}


def raised(bot: Bot, observed: Observed) -> str | None:
    """A halt a person wrote on a pod, when the bot itself has none."""
    if HALT in bot.annotations:
        return None
    orders = (
        pod.annotations[HALT]
        for pod in observed.pods
        if HALT in pod.annotations and pod.annotations.get(HALT_ORIGIN) != FROM_BOT
    )
    return next(orders, None)
