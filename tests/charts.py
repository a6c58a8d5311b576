"""The charts as Helm renders them, parsed once: what the chart tests look at."""

import functools
import os
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHARTS = ROOT / "charts"
PAPER = ("--set", "exchange.name=binance,exchange.symbols={BTC/USDT},strategy.name=sma_cross")

Manifest = dict[str, Any]


@functools.cache
def binary() -> str:
    """The path of Helm 4."""
    if chosen := os.environ.get("HELM"):
        return chosen
    command = [ROOT / "cluster" / "tool", "--path", "helm"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What Helm answers to *arguments*, whatever its exit code."""
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, check=False)


@functools.cache
def rendered(chart: str, *flags: str, release: str = "", namespace: str = "tradingbot-system") -> str:
    """The manifests of *chart*, hooks included, as Helm writes them."""
    done = run("template", release or chart, str(CHARTS / chart), "--namespace", namespace, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(chart: str, *flags: str, release: str = "", namespace: str = "tradingbot-system") -> list[Manifest]:
    """The objects of *chart*, hooks included."""
    text = rendered(chart, *flags, release=release, namespace=namespace)
    return [found for found in yaml.safe_load_all(text) if found]


def refusal(chart: str, *flags: str, release: str = "") -> str:
    """What Helm says when it refuses *flags*, on one line; a chart that renders is a failure."""
    done = run("template", release or chart, str(CHARTS / chart), "--namespace", "trading", *flags)
    assert done.returncode != 0, "the chart was rendered"
    return " ".join(done.stderr.split())


def notes(chart: str, *flags: str, release: str) -> str:
    """What Helm prints after an installation."""
    done = run("install", release, str(CHARTS / chart), "--namespace", "trading", "--dry-run=client", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\nNOTES:\n", 1)[1]


def one(found: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only object of *kind* (and *name*)."""
    matching = [item for item in found if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    assert len(matching) == 1, [item["metadata"]["name"] for item in found if item["kind"] == kind]
    return matching[0]


def pods(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each pod spec among *found*, with the kind and name of what makes the pod."""
    for item in found:
        name = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "Pod":
            yield name, item["spec"]
        elif "template" in item.get("spec", {}):
            yield name, item["spec"]["template"]["spec"]
