"""What the verbs write and ask, each through kubectl."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_tradingbot.domain.history import infrastructure
from kubectl_tradingbot.observe import ClusterSaysNo, kubectl, live, resources

BOTS, TASKS = "tradingbots.tradingbot.io", "bottasks.tradingbot.io"
Items = Sequence[Mapping[str, Any]]
HALT, RESUME = "tradingbot.io/halt", "tradingbot.io/resume"
ROTATED_AT = "tradingbot.io/rotated-at"
# What an exchange lets nobody sell; a rest worth less, in the quote coin, is no position.
DUST = 10.0


@dataclass(frozen=True, slots=True)
class Bot:
    """One TradingBot as the cluster shows it and as it shows itself."""

    resource: Mapping[str, Any]
    live: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.resource["metadata"]["namespace"])

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.resource.get("status") or {}
        return found

    @property
    def halts(self) -> Sequence[Mapping[str, Any]]:
        """The process' own word, or the last one reported when it is silent."""
        found: Sequence[Mapping[str, Any]] = (self.live or self.status).get("halts") or []
        return found

    def condition(self, kind: str) -> Mapping[str, Any]:
        found = (each for each in self.status.get("conditions") or [] if each["type"] == kind)
        return next(found, {})

    @property
    def is_suspended(self) -> bool:
        """Nothing of it runs, because that was asked for."""
        ready = self.condition("Ready")
        return ready.get("reason") == "Suspended" and ready.get("status") == "True"

    @property
    def is_ready(self) -> bool:
        """Its process serves."""
        ready = self.condition("Ready")
        return ready.get("reason") != "Suspended" and ready.get("status") == "True"

    @property
    def held(self) -> list[str]:
        """What is held, dust left out; empty when nobody answers."""
        positions = (self.live or {}).get("positions") or []
        return [str(each["symbol"]) for each in positions if _worth(each) >= DUST]

    @property
    def is_flat(self) -> bool:
        """The trader itself says that nothing but dust is held and no order is open; one that starts does not know."""
        trader = self.live if self.live and self.live.get("state") not in ("starting", "standby") else None
        return trader is not None and not self.held and trader.get("open_orders") == 0


def _worth(position: Mapping[str, Any]) -> float:
    return float(position.get("quantity") or 0) * float(position.get("mark") or 0)


def found(namespace: str | None, name: str | None) -> list[Bot]:
    """The bots asked for, each asked itself."""
    return [Bot(each, live(each["metadata"])) for each in resources(namespace, name)]


def listed(namespace: str | None, name: str | None) -> list[Bot]:
    """The bots asked for as the cluster shows them, in one request; none of them is asked."""
    return [Bot(each, None) for each in resources(namespace, name)]


def one(namespace: str | None, name: str) -> Bot:
    return found(namespace, name)[0]


def annotate(bot: Bot, *notes: str) -> None:
    """*notes* are ``key=value``, or ``key-`` to take it away."""
    kubectl("annotate", BOTS, bot.name, "-n", bot.namespace, "--overwrite", *notes)


def order_namespace(namespace: str, order: str) -> None:
    """One write that reaches every bot of the namespace."""
    kubectl("annotate", "namespace", namespace, "--overwrite", f"{HALT}={order}")


def suspend(bot: Bot, suspended: bool) -> None:
    patch = json.dumps({"spec": {"suspend": suspended}})
    kubectl("patch", BOTS, bot.name, "-n", bot.namespace, "--type", "merge", "-p", patch)


def in_pod(bot: Bot, *command: str) -> str:
    """What *command* prints in the pod of the colour that trades."""
    colour = (bot.status.get("active") or {}).get("colour") or "blue"
    where = ("-n", bot.namespace, f"deploy/{bot.name}-{colour}", "-c", "bot")
    return kubectl("exec", *where, "--", *command).strip()


def pods(bot: Bot) -> Items:
    """The pods of both colours."""
    which = ("-n", bot.namespace, "-l", f"tradingbot.io/bot={bot.name}")
    found: Items = json.loads(kubectl("get", "pods", "-o", "json", *which))["items"]
    return found


def events_in(namespace: str) -> Items:
    return _events("-n", namespace)


def metrics(bot: Bot) -> str:
    """What the trader shows Prometheus."""
    return kubectl("get", "--raw", f"/api/v1/namespaces/{bot.namespace}/services/{bot.name}:ops/proxy/metrics")


def failing_checks(bot: Bot) -> list[str]:
    """What keeps a bot from trading well, by the checks it makes itself; each as name and finding."""
    try:
        text = metrics(bot)
    except ClusterSaysNo as error:
        return [f"process: {error}"]
    wanted = {"api_connected": "exchange: the venue does not answer", "tradingbot_database_up": "database: away"}
    values = {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if "{" in line}
    return [told for metric, told in wanted.items() if values.get(metric) != 1.0]


def wait(true: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Whether it became true in time, with a *pause* between two looks."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def records(bot: Bot) -> tuple[Items, Items, Items]:
    """The revisions of *bot*, the events about it, and those about what it stands on."""
    revisions = json.loads(
        kubectl(
            *("get", "controllerrevisions.apps", "-n", bot.namespace, "-o", "json"),
            *("-l", f"tradingbot.io/bot={bot.name}"),
        )
    )
    events = events_in(bot.namespace)
    own = [each for each in events if (_about(each)["kind"], _about(each)["name"]) == ("TradingBot", bot.name)]
    return revisions["items"], own, infrastructure(bot.name, [*events, *_of_nodes()])


def _about(event: Mapping[str, Any]) -> Mapping[str, Any]:
    about: Mapping[str, Any] = event["involvedObject"]
    return about


def _of_nodes() -> Items:
    """What is told of nodes; nothing for a person who may not see beyond the namespace of the bot."""
    try:
        return _events("-n", "default", "--field-selector", "involvedObject.kind=Node")
    except ClusterSaysNo:
        return []


def _events(*which: str) -> Items:
    found: Items = json.loads(kubectl("get", "events", "-o", "json", *which))["items"]
    return found


def order_task(bot: Bot, name: str, spec: Mapping[str, Any]) -> None:
    """A BotTask of that *name* asks *spec* of *bot*; it goes by itself some time after its end."""
    body = {
        "apiVersion": "tradingbot.io/v1alpha1",
        "kind": "BotTask",
        "metadata": {"name": name, "namespace": bot.namespace},
        "spec": {"bot": bot.name, **spec},
    }
    kubectl("create", "-f", "-", text=json.dumps(body))


def task_status(bot: Bot, name: str) -> Mapping[str, Any]:
    body = json.loads(kubectl("get", TASKS, name, "-n", bot.namespace, "-o", "json"))
    status: Mapping[str, Any] = body.get("status") or {}
    return status


def is_finished(bot: Bot, name: str) -> bool:
    return "finishedAt" in task_status(bot, name)


def task_message(bot: Bot, name: str) -> str | None:
    """What the task waits for, as far as it says."""
    return next((str(each["message"]) for each in task_status(bot, name).get("conditions") or ()), None)


def write_keys(bot: Bot, name: str, keys: Mapping[str, str], at: str) -> None:
    """Secret *name* holds exactly *keys*, since *at*; they go through standard input and are shown nowhere."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": bot.namespace,
            "labels": {"tradingbot.io/bot": bot.name},
            "annotations": {ROTATED_AT: at},
        },
        "stringData": dict(keys),
    }
    try:
        kubectl("create", "-f", "-", text=json.dumps(body))
    except ClusterSaysNo as error:
        if "already exists" not in str(error):
            raise
        kubectl("replace", "-f", "-", text=json.dumps(body))
