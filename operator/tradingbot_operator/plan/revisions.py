"""Which revision a request is: one that is recorded, or a new one; and which older ones may go."""

from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.handover import Rollout
from tradingbot_operator.domain.observed import Observed, Revision
from tradingbot_operator.domain.plan import Ran, Run
from tradingbot_operator.domain.revision import keyed_name, revision_name
from tradingbot_operator.domain.rollout import parse_rollout
from tradingbot_operator.domain.spec import BotSpec


def run(bot: Bot, spec: BotSpec, observed: Observed) -> Run:
    """The revision that *spec* asks for, with the keys as they are now."""
    request = revision_name(spec, bot.status.get("collisionCount") or 0)
    alike = [each for each in _newest_first(observed) if (each.request or each.name) == request]
    keys = observed.keys.fingerprint if observed.keys else ""
    recorded = _recorded(alike, keys)
    name = recorded.name if recorded else keyed_name(request, keys) if keys else request
    return Run(
        revision=name,
        number=_number(name, observed),
        replicas=0 if spec.suspend else 1,
        prune=_prune(name, observed, spec.rollout.history_limit, parse_rollout(bot.status)),
        request=request,
        keys=keys or (recorded.keys if recorded else ""),
        source=alike[0].name if alike and recorded is None else None,
    )


def _recorded(alike: list[Revision], keys: str) -> Revision | None:
    """The revision with these keys. One that noted none is taken to have had them: only a change makes a new one.

    Keys that cannot be seen, which only a suspended bot has, change nothing.
    """
    if not keys:
        return alike[0] if alike else None
    exact = next((each for each in alike if each.keys == keys), None)
    return exact or next((each for each in alike if not each.keys), None)


def _newest_first(observed: Observed) -> list[Revision]:
    return sorted(observed.revisions, key=lambda each: each.number, reverse=True)


def _number(name: str, observed: Observed) -> int:
    """The newest revision has the highest number; one that comes back is newest again."""
    if not observed.revisions:
        return 1
    newest = _newest_first(observed)[0]
    return newest.number if newest.name == name else newest.number + 1


def _prune(name: str, observed: Observed, limit: int, rollout: Rollout | None) -> tuple[str, ...]:
    """The oldest revisions beyond the limit, sparing what runs, what is about to, what is held, and what is named."""
    spared = {name} | {each.revision for each in observed.workloads} | {pod.revision for pod in observed.pods}
    spared |= {rollout.source.revision, rollout.target.revision} if rollout else set()
    spared |= {rollout.held.revision} if rollout and rollout.held else set()
    spared |= {observed.row.revision} if observed.row and observed.row.revision else set()
    return tuple(each.name for each in _newest_first(observed)[limit:] if each.name not in spared)


def ran(observed: Observed) -> tuple[Ran, ...]:
    """The images of the revisions that serve for the first time; what is recorded is never changed."""
    images = {pod.revision: pod.image_id for pod in observed.pods if pod.ready and pod.image_id}
    fresh = (each for each in observed.revisions if not each.image_id and each.name in images)
    return tuple(Ran(each.name, each.uid, images[each.name]) for each in fresh)
