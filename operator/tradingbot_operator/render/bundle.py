"""Everything that is to exist for a bot, in the order in which it is applied. What is absent is simply not in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.revision import digest
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.network import network_policies, ops_service, pod_monitor, service
from tradingbot_operator.render.revision import content, controller_revision, keyed
from tradingbot_operator.render.secret import token_secret
from tradingbot_operator.render.settings import config_map
from tradingbot_operator.render.storage import claims
from tradingbot_operator.render.workload import deployment


@dataclass(frozen=True, slots=True)
class Bundle:
    """*kept* is created where absent and never written again; *held* is made to be what stands here."""

    kept: tuple[Manifest, ...]
    held: tuple[Manifest, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What rendering needs from outside. A *recorded* revision is taken as it was recorded, never rendered again."""

    site: Site
    tokens: Tokens
    recorded: Mapping[str, Any] | None = None


def render(bot: Bot, spec: BotSpec, run: Run, given: Given) -> Bundle:
    """A bot at work: a pod's needs before the pod."""
    data = given.recorded if given.recorded is not None else keyed(content(bot, spec, given.site, run.revision), run)
    monitor = given.site.pod_monitors and spec.monitoring.pod_monitor == "Auto"
    held = (
        config_map(bot, data["settings"]),
        *claims(bot, spec),
        service(bot, BLUE),
        ops_service(bot),
        *network_policies(bot, given.site),
        *((pod_monitor(bot),) if monitor else ()),
        controller_revision(bot, run, data),
        deployment(bot, data["template"], run.replicas),
    )
    return Bundle((token_secret(bot, given.tokens),), held)


def intent(bot: Bot, run: Run, site: Site) -> str:
    """One word for all that rendering would make: while it is the same, nothing needs to be written again."""
    return digest([bot.uid, bot.generation, asdict(run), asdict(site)], 20)
