"""Everything that is to exist for a bot, in the order in which it is applied. What is absent is simply not in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.handover import Post
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.alerts import prometheus_rule
from tradingbot_operator.render.network import network_policies, ops_service, pod_monitor, service
from tradingbot_operator.render.revision import content, controller_revision, keyed
from tradingbot_operator.render.secret import token_secret
from tradingbot_operator.render.settings import config_map
from tradingbot_operator.render.storage import claims
from tradingbot_operator.render.workload import deployment


@dataclass(frozen=True, slots=True)
class Bundle:
    """*kept* is created where absent and never written again; *held* is made to be what stands here.

    *alert* is held too, but nothing waits for it: a bot trades without it.
    """

    kept: tuple[Manifest, ...]
    held: tuple[Manifest, ...]
    alert: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What rendering needs from outside. *recorded* revisions are taken as recorded, never rendered again."""

    site: Site
    tokens: Tokens
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """What each colour runs, and which one the Service leads to."""

    posts: tuple[Post, ...]
    selector: str = BLUE


def render(bot: Bot, spec: BotSpec, run: Run | None, layout: Layout, given: Given) -> Bundle:
    """A bot at work: a pod's needs before the pod. *run* is the revision the spec asks for, if it can be made."""
    data = dict(given.recorded)
    if run is not None and run.revision not in data:
        data[run.revision] = keyed(content(bot, spec, given.site, run.revision), run)
    posts = [each for each in layout.posts if each.revision in data]
    monitor = given.site.pod_monitors and spec.monitoring.pod_monitor == "Auto"
    read = dict.fromkeys([each.revision for each in posts] + ([run.revision] if run else []))
    configs = {each["metadata"]["name"]: each for each in (config_map(bot, data[name]["settings"]) for name in read)}
    held = (
        *configs.values(),
        *claims(bot, spec, tuple(each.colour for each in layout.posts)),
        service(bot, layout.selector),
        # Of one colour the other Service tells as much.
        *((ops_service(bot),) if len(layout.posts) > 1 else ()),
        *network_policies(bot, given.site),
        *((pod_monitor(bot),) if monitor else ()),
        *((controller_revision(bot, run, data[run.revision]),) if run else ()),
        *(deployment(bot, data[each.revision]["template"], each.replicas, each.colour) for each in posts),
    )
    alert = prometheus_rule(bot, spec) if given.site.alert_rules else None
    return Bundle((token_secret(bot, given.tokens),), held, alert)


def intent(bot: Bot, run: Run | None, layout: Layout, site: Site) -> str:
    """One word for all that rendering would make: while it is the same, nothing needs to be written again."""
    return digest([bot.uid, bot.generation, asdict(run) if run else None, asdict(layout), asdict(site)], 20)
