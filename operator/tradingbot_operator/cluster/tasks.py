"""Reads and writes of BotTasks."""

from collections.abc import Mapping
from typing import Any

from tradingbot_operator.cluster import jobs
from tradingbot_operator.cluster.api import Api
from tradingbot_operator.cluster.reading import controller_uid
from tradingbot_operator.domain.bot import Bot, Manifest, parse
from tradingbot_operator.domain.kinds import BOT, CLAIM, REVISION, TASK
from tradingbot_operator.domain.names import STATUS_MANAGER
from tradingbot_operator.domain.probe import Ran
from tradingbot_operator.domain.task import Task, parse_task


class Tasks:
    """The tasks as the API server has them."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, key: tuple[str, str]) -> Task | None:
        body = await self._api.find(TASK, *key)
        return parse_task(body) if body else None

    async def has_bot(self, task: Task) -> bool:
        """Whether the bot the task names exists right now."""
        name = task.spec.bot if task.spec else ""
        return bool(name) and await self._api.glimpse(BOT, task.namespace, name) is not None

    async def template(self, task: Task) -> tuple[Bot, Mapping[str, Any]] | None:
        """The bot of the task and the pod that runs of it, or ran last, as it was recorded."""
        body = await self._api.find(BOT, task.namespace, task.spec.bot if task.spec else "")
        revision = ((body or {}).get("status") or {}).get("active", {}).get("revision")
        if body is None or not revision:
            return None
        bot = parse(body)
        record = await self._api.find(REVISION, task.namespace, f"{bot.name}-{revision}")
        if record is None or controller_uid(record) != bot.uid:
            return None
        return bot, record["data"]["template"]

    async def claim(self, task: Task) -> Mapping[str, str] | None:
        """The labels of the claim the task names; None where it names none, or there is none."""
        target = task.spec.target if task.spec else None
        body = await self._api.glimpse(CLAIM, task.namespace, target) if target else None
        return (body["metadata"].get("labels") or {}) if body else None

    async def ran(self, task: Task, job: str) -> Ran:
        """How far the Job of the task is."""
        return await jobs.ran(self._api, task.namespace, job)

    async def begin(self, job: Manifest) -> None:
        """The Job is there."""
        await self._api.create(job)

    async def write_status(self, task: Task, status: Mapping[str, Any]) -> None:
        patch = {"metadata": {"resourceVersion": task.resource_version}, "status": dict(status)}
        await self._api.merge(TASK.path(task.namespace, task.name) + "/status", patch, STATUS_MANAGER)

    async def delete(self, task: Task) -> None:
        await self._api.delete(TASK, task.namespace, task.name, task.uid)
