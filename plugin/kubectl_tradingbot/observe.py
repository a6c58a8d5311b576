"""Reads through kubectl, so that the caller's kubeconfig, context and rights are the ones that count."""

import json
import subprocess  # nosec B404
from collections.abc import Iterator, Mapping
from typing import Any

from kubectl_tradingbot.domain.view import BotView, view_of


class ClusterSaysNo(Exception):
    """kubectl refused; its own sentence is the message."""


def kubectl(*arguments: str, text: str | None = None) -> str:
    """What kubectl prints for *arguments*, with *text* as its input; ClusterSaysNo with its last line otherwise."""
    try:
        # The arguments are a list and never reach a shell; which kubectl is the caller's own choice.
        done = subprocess.run(  # noqa: S603  # nosec B603 B607
            ["kubectl", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            input=text,
            timeout=30,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterSaysNo("kubectl is not on PATH; install it or run through `cluster/tool kubectl`") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterSaysNo("kubectl got no answer within 30 s; is the cluster up?") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"kubectl ended with {done.returncode}"]
        raise ClusterSaysNo(lines[-1])
    return done.stdout


def streamed(*arguments: str) -> Iterator[str]:
    """Each line kubectl prints for *arguments*, as it comes; ClusterSaysNo with its last line when it fails."""
    # As above: a list, no shell, the caller's kubectl.
    command = ["kubectl", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603  # nosec B603
        try:
            yield from (line.rstrip("\n") for line in running.stdout or ())
            _, said = running.communicate()
        finally:
            running.terminate()
    if running.returncode:
        raise ClusterSaysNo((said.strip().splitlines() or [f"kubectl ended with {running.returncode}"])[-1])


def health(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The bot's own /health through the API server's proxy; None when nobody answers."""
    try:
        answer = json.loads(kubectl("get", "--raw", _proxied(metadata, "health")))
    except (ClusterSaysNo, json.JSONDecodeError):
        return None
    return answer if isinstance(answer, dict) else None


def _proxied(metadata: Mapping[str, Any], path: str) -> str:
    return f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}:ops/proxy/{path}"


def bots(namespace: str | None, name: str | None) -> tuple[BotView, ...]:
    """Every bot asked for, with what each says of itself; *namespace* None is the context's, ``*`` is all."""
    return tuple(view_of(each, live(each["metadata"])) for each in resources(namespace, name))


def resources(namespace: str | None, name: str | None) -> list[Mapping[str, Any]]:
    """The TradingBots asked for, as the API server serves them."""
    scope = ["-A"] if namespace == "*" else ["-n", namespace] if namespace else []
    answer = json.loads(kubectl("get", "tradingbots.tradingbot.io", *([name] if name else []), *scope, "-o", "json"))
    return list(answer["items"]) if answer["kind"] == "List" else [answer]


def live(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The bot's own /status through the API server's proxy; None when nobody answers."""
    try:
        answer = json.loads(kubectl("get", "--raw", _proxied(metadata, "status")))
    except (ClusterSaysNo, json.JSONDecodeError):
        return None
    return answer if isinstance(answer, dict) else None
