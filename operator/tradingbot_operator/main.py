"""Composition root and command line: settings, clock, randomness and client meet here and nowhere else."""

import argparse
import asyncio
import contextlib
import os
import random
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import aiohttp
import kopf
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from tradingbot_operator.cluster.adapter import Cluster
from tradingbot_operator.cluster.api import Api, connect
from tradingbot_operator.cluster.ask import ask
from tradingbot_operator.crd.text import both
from tradingbot_operator.domain.kinds import BOT, CRD, NAMESPACE
from tradingbot_operator.domain.outcome import Outcome
from tradingbot_operator.domain.site import Site, Tokens
from tradingbot_operator.engine.engine import Engine
from tradingbot_operator.engine.polling import Polling
from tradingbot_operator.engine.queue import Key, Queue
from tradingbot_operator.engine.store import Store
from tradingbot_operator.engine.tally import Tally
from tradingbot_operator.handlers import registry, watching
from tradingbot_operator.ops import listen, ops
from tradingbot_operator.reconcile import Moment, reconcile
from tradingbot_operator.settings import Settings, address


def main(arguments: list[str] | None = None) -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(prog="tradingbot-operator", description="Runs trading bots on Kubernetes.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="run|crds|version")
    verbs.add_parser("run", help="reconcile TradingBots until stopped")
    verbs.add_parser("crds", help="print both CustomResourceDefinitions as YAML")
    verbs.add_parser("version", help="print the version")
    verb = parser.parse_args(arguments).verb
    if verb == "crds":
        sys.stdout.write(both())
        return 0
    if verb == "version":
        print(version("tradingbot-operator"))
        return 0
    return _run()


def _run() -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"OPERATOR_{first['loc'][0]}".upper()
        print(f"{name}: '{first['input']}' cannot be used; {first['msg']}", file=sys.stderr)
        return 2
    asyncio.run(serve(settings))
    return 0


async def serve(settings: Settings) -> None:
    """The operator works until it is told to stop."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    api = await connect(os.environ.get("KUBECONFIG"))
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(api.close)
        site = await _survey(settings, api)
        engine = _assemble(api, site)
        polling = Polling(engine, partial(ask, session, port=settings.bot_port), settings.poll_seconds)
        server = ops(lambda: None, lambda: None, engine.tally)
        stack.push_async_callback((await listen(server, *address(settings.listen_ops))).cleanup)
        await _until_stopped(settings, engine, polling, stop)


async def _survey(settings: Settings, api: Api) -> Site:
    """What is true of this cluster, read once."""
    system = await api.find(NAMESPACE, None, "kube-system")
    monitors = await api.find(CRD, None, "podmonitors.monitoring.coreos.com")
    return Site(
        cluster=system["metadata"]["uid"] if system else "",
        bot_image=settings.bot_image,
        operator_namespace=settings.namespace,
        allow_live=settings.allow_live,
        pod_monitors=monitors is not None,
    )


def _assemble(api: Api, site: Site) -> Engine:
    cluster, store = Cluster(api), Store()

    async def one_pass(key: Key) -> Outcome:
        kind, namespace, name = key
        if kind != BOT.kind:
            return Outcome("done")
        tokens = Tokens(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        moment = Moment(datetime.now(UTC), tokens, store.report((namespace, name)))
        return await reconcile((namespace, name), cluster, site, moment)

    tally = Tally(CollectorRegistry(), version("tradingbot-operator"))
    return Engine(Queue(time.monotonic, random.random), store, tally, one_pass)


async def _until_stopped(settings: Settings, engine: Engine, polling: Polling, stop: asyncio.Event) -> None:
    # kopf cancels at its end every task younger than itself, so all of these begin before it.
    tasks = [asyncio.create_task(engine.work()) for _ in range(settings.workers)]
    tasks.append(asyncio.create_task(polling.run()))
    login = kopf.login_with_kubeconfig if os.environ.get("KUBECONFIG") else kopf.login_with_service_account
    try:
        await kopf.operator(
            registry=registry(engine, login),
            settings=watching(),
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            standalone=True,
            stop_flag=stop,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    raise SystemExit(main())
