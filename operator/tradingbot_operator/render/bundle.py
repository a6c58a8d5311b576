"""Everything that is to exist for a bot, in the order in which it is applied. What is absent is simply not in it."""

from dataclasses import dataclass

from tradingbot_operator.domain.bot import Bot, Manifest, Rejection
from tradingbot_operator.domain.names import BLUE
from tradingbot_operator.domain.observed import Observed
from tradingbot_operator.domain.plan import Run
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.render.network import network_policies, ops_service, pod_monitor, service
from tradingbot_operator.render.revision import content, controller_revision
from tradingbot_operator.render.secret import token_secret
from tradingbot_operator.render.settings import config_map
from tradingbot_operator.render.storage import state_claim
from tradingbot_operator.render.workload import deployment


@dataclass(frozen=True, slots=True)
class Bundle:
    """*kept* is created where absent and never written again; *applied* is held to what stands here."""

    kept: tuple[Manifest, ...] = ()
    applied: tuple[Manifest, ...] = ()


EMPTY = Bundle()


def render(bot: Bot, run: Run, observed: Observed, site: Site, tokens: Tokens) -> Bundle:
    """A bot at work. A recorded revision is taken as it was recorded: a newer operator changes no running pod."""
    if isinstance(bot.spec, Rejection):
        return EMPTY
    recorded = observed.revision(run.revision)
    data = recorded.data if recorded and recorded.data else content(bot, bot.spec, site, run.revision)
    monitor = site.pod_monitors and bot.spec.monitoring.pod_monitor == "Auto"
    return Bundle(
        kept=(token_secret(bot, tokens),),
        applied=(
            config_map(bot, data["settings"]),
            *((state_claim(bot, bot.spec),) if bot.spec.keeps_state else ()),
            service(bot, BLUE),
            ops_service(bot),
            *network_policies(bot, site),
            *((pod_monitor(bot),) if monitor else ()),
            controller_revision(bot, run.revision, run.number, data),
            deployment(bot, data["template"], run.replicas),
        ),
    )
