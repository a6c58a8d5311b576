"""What the cluster tells of Jobs. One that says neither Complete nor Failed has not ended."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.reading import controller_uid
from tradingbot_operator.domain.bot import Bot
from tradingbot_operator.domain.kinds import JOB, POD
from tradingbot_operator.domain.names import LABEL_BOT, LABEL_PROBE
from tradingbot_operator.domain.probe import JobState, Probe, Ran

LONGEST_WORDS = 500


def state(body: Mapping[str, Any]) -> JobState:
    true = {each["type"] for each in (body.get("status") or {}).get("conditions") or () if each["status"] == "True"}
    if "Complete" in true or "SuccessCriteriaMet" in true:
        return JobState.DONE
    return JobState.FAILED if "Failed" in true or "FailureTarget" in true else JobState.RUNS


async def last_words(api: Api, namespace: str, job: str) -> str:
    """Of the container that failed last; of one that ended well only when there is no other."""
    ended = await _ended(api, namespace, job)
    newest = sorted(ended, key=lambda each: (each.get("exitCode") != 0, str(each.get("finishedAt"))))[-1:]
    return " ".join(" ".join(str(each.get("message") or "") for each in newest).split())[-LONGEST_WORDS:]


async def _ended(api: Api, namespace: str, job: str) -> list[Mapping[str, Any]]:
    pods = await api.list(POD, namespace, f"batch.kubernetes.io/job-name={job}")
    statuses = [each for pod in pods for each in (pod.get("status") or {}).get("containerStatuses") or ()]
    return [ended for each in statuses if (ended := (each.get("state") or {}).get("terminated"))]


async def ran(api: Api, namespace: str, job: str) -> Ran:
    """How far that Job is; of one that ended well, what its container left as its last word."""
    body = await api.find(JOB, namespace, job)
    if body is None:
        return Ran(JobState.GONE)
    found = state(body)
    if found is JobState.FAILED:
        return Ran(found, await last_words(api, namespace, job))
    if found is JobState.DONE:
        well = [each for each in await _ended(api, namespace, job) if each.get("exitCode") == 0]
        return Ran(found, "".join(str(each.get("message") or "") for each in well[-1:]))
    return Ran(found)


async def probes(api: Api, bot: Bot) -> tuple[Probe, ...]:
    """Every Job of the bot's that asks a colour, as it stands now."""
    listed = await api.list(JOB, bot.namespace, f"{LABEL_BOT}={bot.name},{LABEL_PROBE}")
    own = [each for each in listed if controller_uid(each) == bot.uid and "deletionTimestamp" not in each["metadata"]]
    return tuple(await asyncio.gather(*(_probe(api, each) for each in own)))


async def _probe(api: Api, body: Mapping[str, Any]) -> Probe:
    meta, found = body["metadata"], state(body)
    words = await last_words(api, meta["namespace"], meta["name"]) if found is JobState.FAILED else ""
    return Probe(meta["labels"][LABEL_PROBE], meta["name"], meta["uid"], found, words)


async def remove(api: Api, bot: Bot, probe: Probe) -> None:
    """The Job and its pods are going."""
    await api.delete(JOB, bot.namespace, probe.name, probe.uid)
