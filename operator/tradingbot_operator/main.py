"""Composition root and command line: settings, clock, randomness and client meet here and nowhere else."""

import argparse
import asyncio
import contextlib
import logging
import os
import random
import secrets
import signal
import string
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import aiohttp
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.api import Api, connect
from tradingbot_operator.cluster.ask import ask
from tradingbot_operator.cluster.lease import LeaseLock
from tradingbot_operator.cluster.memory import Memory
from tradingbot_operator.cluster.prometheus import Prometheus
from tradingbot_operator.cluster.tasks import Tasks
from tradingbot_operator.crd.text import both
from tradingbot_operator.domain.errors import ClusterUnavailable, Refused
from tradingbot_operator.domain.kinds import ALERT_RULE, BOT, CRD, NAMESPACE, POD_MONITOR
from tradingbot_operator.domain.ledger import Fresh
from tradingbot_operator.domain.moment import Moment
from tradingbot_operator.domain.names import COMPONENT, GROUP
from tradingbot_operator.domain.observed import Pod, Report
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.engine.audit import Audit
from tradingbot_operator.engine.engine import Engine, Pass
from tradingbot_operator.engine.health import Health
from tradingbot_operator.engine.keyages import KeyAges
from tradingbot_operator.engine.leader import Leader
from tradingbot_operator.engine.polling import Polling
from tradingbot_operator.engine.queue import Key, Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally
from tradingbot_operator.granting import Granting, grant
from tradingbot_operator.handlers import watch
from tradingbot_operator.handover import Reach
from tradingbot_operator.hurry import hurry
from tradingbot_operator.ledger.doors import Doors
from tradingbot_operator.logs import configure
from tradingbot_operator.ops import Counter, listen, ops
from tradingbot_operator.ops import api as serving
from tradingbot_operator.preflight import preflight_uninstall
from tradingbot_operator.prepare import Means, door_of
from tradingbot_operator.reconcile import reconcile
from tradingbot_operator.reference import pages
from tradingbot_operator.settings import Settings, address
from tradingbot_operator.steer import steer

log = logging.getLogger(__name__)
FIRST_ANSWERS_SECONDS = 10


def main(arguments: list[str] | None = None) -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(prog=COMPONENT, description="Runs trading bots on Kubernetes.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("run", help="reconcile TradingBots until stopped")
    verbs.add_parser("crds", help="print both CustomResourceDefinitions as YAML")
    verbs.add_parser("version", help="print the version")
    verbs.add_parser("preflight-uninstall", help="fail while TradingBots exist that only the operator can let go")
    page = verbs.add_parser("reference", help="print a page of the reference as Markdown")
    page.add_argument("page", choices=sorted(pages.PAGES), metavar="PAGE")
    asked = parser.parse_args(arguments)
    if asked.verb == "run":
        return _with_settings(_serve_fast)
    if asked.verb == "preflight-uninstall":
        return _with_settings(lambda settings: asyncio.run(preflight_uninstall(settings)))
    sys.stdout.write(_text(asked))
    return 0


def _text(asked: argparse.Namespace) -> str:
    if asked.verb == "crds":
        return both()
    return pages.PAGES[asked.page]() if asked.verb == "reference" else version(COMPONENT) + "\n"


def _serve_fast(settings: Settings) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


def _with_settings(run: Callable[[Settings], int]) -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"OPERATOR_{first['loc'][0]}".upper()
        print(f"{name}: '{first['input']}' cannot be used; {first['msg']}", file=sys.stderr)
        return 2
    configure(settings.log_level)
    try:
        return run(settings)
    except (ClusterUnavailable, Refused) as error:
        print(error, file=sys.stderr)
        return 1


@dataclass(frozen=True, slots=True)
class Program:
    """The parts of a running operator."""

    settings: Settings
    api: Api
    engine: Engine
    health: Health
    leader: Leader
    counter: Counter


async def serve(settings: Settings) -> int:
    """The operator works until it is told to stop, or until one of its parts ends."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        api = await connect(os.environ.get("KUBECONFIG"))
        stack.push_async_callback(api.aclose)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        program = _assemble(settings, api)
        beat = asyncio.create_task(program.health.beat())
        stack.callback(beat.cancel)
        for app, where in _servers(program):
            stack.push_async_callback((await listen(app, *address(where))).cleanup)
        if not await _lead(program, stop):
            return 0
        stack.push_async_callback(program.leader.release)
        return await _work(program, session)


def _holder(pod: str) -> str:
    """This start's name in the Lease; outside of a pod nothing tells that the start before has ended."""
    return f"{pod}{'-' if pod == COMPONENT else '_'}{secrets.token_hex(4)}"


def _assemble(settings: Settings, api: Api) -> Program:
    queue = Queue(time.monotonic, random.random)
    tally = Tally(CollectorRegistry(), version(COMPONENT))
    engine = Engine(queue, Store(), Memory(), tally)
    health = Health(time.monotonic, queue.oldest_seconds, lambda: api.answered_at)
    lock = LeaseLock(api, settings.namespace, COMPONENT)
    leader = Leader(lock, _holder(settings.pod_name), time.monotonic, _wall)
    api.told = tally.asked
    tally.watch("queue_depth", queue.depth)
    tally.watch("queue_oldest_seconds", queue.oldest_seconds)
    tally.watch("loop_lag_seconds", lambda: health.lag)
    tally.watch("bots", engine.store.count)
    tally.watch("bots_trading", engine.store.count_trading)
    tally.registry.register(KeyAges(lambda: engine.memory.key_ages(datetime.now(UTC))))
    return Program(settings, api, engine, health, leader, Counter())


def _servers(program: Program) -> tuple[tuple[web.Application, str], ...]:
    return (
        (ops(program.health.alive, program.health.ready, program.engine.tally), program.settings.listen_ops),
        (serving(program.engine.store, program.counter), program.settings.listen_http),
    )


async def _lead(program: Program, stop: asyncio.Event) -> bool:
    """Whether this process became the leader before it was told to stop."""
    acquired = asyncio.create_task(program.leader.acquire())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({acquired, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if acquired.done():
        return True
    acquired.cancel()
    return False


async def _stay_leader(program: Program) -> None:
    await program.leader.hold()
    log.error("the Lease is lost; this process ends at once, so that two never write")
    logging.shutdown()
    os._exit(1)


async def _work(program: Program, session: aiohttp.ClientSession) -> int:
    settings, engine = program.settings, program.engine
    # kopf cancels at its end every task younger than itself, so all of these begin before it.
    tasks = [asyncio.create_task(_stay_leader(program))]
    site = await _survey(settings, program.api)
    polling = Polling(engine, partial(ask, session, port=settings.bot_port), settings.poll_seconds)
    audit = Audit(program.api, engine, settings.namespaces or (None,), site.monitoring)
    await audit.warm()
    # A bot that trades must not be reported silent only because the operator has just begun to ask.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(polling.round(time.monotonic()), FIRST_ANSWERS_SECONDS)
    granting = _granting(program, site, session)
    program.counter.grant = partial(grant, means=granting)
    one_pass = _pass(site, granting)
    tasks += [asyncio.create_task(engine.work(one_pass)) for _ in range(settings.workers)]
    tasks += [
        asyncio.create_task(engine.hurry(partial(hurry, store=engine.store, memory=engine.memory, api=program.api)))
    ]
    tasks += [asyncio.create_task(polling.run())]
    tasks += [asyncio.create_task(audit.run(settings.audit_seconds, random.random))]
    tasks += [asyncio.create_task(watch(engine, settings.namespaces))]
    program.health.leading = True
    engine.tally.leads(True)
    log.info("leading")
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    failures = [error for task in done if not task.cancelled() and (error := task.exception())]
    for failure in failures:
        log.error("a part of the operator failed", exc_info=failure)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return 1 if failures else 0


async def _survey(settings: Settings, api: Api) -> Site:
    """What is true of this cluster, read once."""
    if await api.glimpse(CRD, None, f"{BOT.plural}.{GROUP}") is None:
        raise Refused(f"CustomResourceDefinition {BOT.plural}.{GROUP} is missing; install the chart tradingbot-crds")
    system = await api.glimpse(NAMESPACE, None, "kube-system")
    kinds = [f"{kind.plural}.{kind.api_version.partition('/')[0]}" for kind in (POD_MONITOR, ALERT_RULE)]
    monitors, rules = [await api.glimpse(CRD, None, name) for name in kinds]
    return Site(
        cluster=system["metadata"]["uid"] if system else "",
        bot_image=settings.bot_image,
        operator_namespace=settings.namespace,
        allow_live=settings.allow_live,
        pod_monitors=monitors is not None,
        alert_rules=rules is not None,
        operator_url=settings.url,
        rate_gate_url=settings.rate_gate_url,
    )


def _granting(program: Program, site: Site, session: aiohttp.ClientSession) -> Granting:
    """What passes and exit grants share: the cluster, the doors of the ledgers, and what the watches brought."""
    store = program.engine.store
    cluster = Cluster(program.api, program.engine.memory, site.monitoring)
    means = Means(cluster, Doors(), session, site, _fresh, program.settings.bot_http_port)

    async def heard(pod: Pod) -> Report | None:
        """What the process says now; the store knows it too, so that no later pass believes what was before."""
        said = await ask(session, pod.ip or "", program.settings.bot_port)
        store.heard(pod.uid, said)
        return said

    reach = Reach(partial(door_of, means=means), heard, time.monotonic, means, Prometheus(session))
    return Granting(cluster, reach, store.observed, lambda: datetime.now(UTC))


def _pass(site: Site, means: Granting) -> Pass:
    tasks = Tasks(means.cluster.api)

    async def one_pass(key: Key) -> Outcome:
        kind, namespace, name = key
        fresh = Tokens(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        moment = Moment(means.now(), site, fresh, means.observed((namespace, name)))
        if kind == BOT.kind:
            return await reconcile((namespace, name), means.cluster, moment, means.reach)
        return await steer((namespace, name), tasks, moment)

    return one_pass


def _fresh() -> Fresh:
    """A ledger id and passwords of this moment."""
    alphabet = string.digits + string.ascii_lowercase
    ledger_id = "".join(secrets.choice(alphabet) for _ in range(6))
    return Fresh(ledger_id, (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(24)))


def _wall() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


if __name__ == "__main__":
    raise SystemExit(main())
