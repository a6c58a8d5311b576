"""A revision: what a request was rendered to, kept so that it can run again exactly so."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.domain.bot import Bot, Manifest
from tradingbot_operator.domain.names import BOOK, CONFIG_OF, KEYS, LABEL_REVISION, NUMBER, REQUEST, REVISION_VARIABLE
from tradingbot_operator.domain.plan import Run
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


def keyed(data: Mapping[str, Any], run: Run) -> Manifest:
    """The same revision under the name of *run* and with its keys: nothing else of the pod changes with them."""
    template = data["template"]
    meta, pod = template["metadata"], template["spec"]
    container = pod["containers"][0]
    env = [{**each, "value": run.revision} if each["name"] == REVISION_VARIABLE else each for each in container["env"]]
    return {
        **data,
        "template": {
            "metadata": {
                "labels": {**meta["labels"], LABEL_REVISION: run.revision},
                "annotations": {**meta["annotations"], **({KEYS: run.keys} if run.keys else {})},
            },
            "spec": {**pod, "containers": [{**container, "env": env}]},
        },
    }


def controller_revision(bot: Bot, run: Run, data: Mapping[str, Any]) -> Manifest:
    record = metadata(bot, f"{bot.name}-{run.revision}")
    record["labels"] |= {LABEL_REVISION: run.revision}
    # What stands here too, stands so that a list of metadata tells the whole history.
    record["annotations"] = {NUMBER: str(run.number), CONFIG_OF: config_name(bot, canonical(data["settings"]))}
    record["annotations"] |= {BOOK: _book(data["settings"])}
    if run.keys:
        record["annotations"] |= {REQUEST: run.request, KEYS: run.keys}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": record,
        "revision": run.number,
        "data": dict(data),
    }


def _book(values: Mapping[str, Any]) -> str:
    return "sandbox" if values["exchange"].get("sandbox") else str(values["mode"])
