"""A revision: what a request was rendered to, kept so that it can run again exactly so."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import CONFIG_OF, LABEL_REVISION, NUMBER
from tradingbot_operator.domain.revision import HASH_VERSION, asked, canonical
from tradingbot_operator.domain.site import Site
from tradingbot_operator.domain.spec import BotSpec
from tradingbot_operator.render.metadata import metadata
from tradingbot_operator.render.settings import config_name, settings
from tradingbot_operator.render.workload import pod_template


def content(bot: Bot, spec: BotSpec, site: Site, name: str) -> Manifest:
    """All that is needed to run this revision: the settings, and the pod template that reads them."""
    values = settings(bot, spec, site)
    return {
        "hashVersion": HASH_VERSION,
        "spec": asked(spec),
        "settings": values,
        "template": pod_template(bot, spec, site, (name, config_name(bot, canonical(values)))),
    }


def controller_revision(bot: Bot, name: str, number: int, data: Mapping[str, Any]) -> Manifest:
    record = metadata(bot, f"{bot.name}-{name}")
    record["labels"] |= {LABEL_REVISION: name}
    # The number and the settings' name stand here too, so that a list of metadata tells the whole history.
    record["annotations"] = {NUMBER: str(number), CONFIG_OF: config_name(bot, canonical(data["settings"]))}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": record,
        "revision": number,
        "data": dict(data),
    }
