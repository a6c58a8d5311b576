"""What of the exchanges' limits is used behind this cluster's address, by the rate gate's own word."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kubectl_tradingbot.observe import ClusterSaysNo, kubectl

SYSTEM = "tradingbot-system"
SUFFIX = "-rate-gate"
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="where the operator was installed")]


def rate(namespace: Namespace = SYSTEM) -> None:
    """Show what of each limit is used, and which provider told this address to wait."""
    for provider in status(namespace)["providers"]:
        for line in lines(provider):
            typer.echo(line)


def status(namespace: str) -> Mapping[str, Any]:
    """What the gate answers; raises ClusterSaysNo where none is installed."""
    services = json.loads(kubectl("get", "services", "-n", namespace, "-o", "json"))["items"]
    name = next((each["metadata"]["name"] for each in services if each["metadata"]["name"].endswith(SUFFIX)), None)
    if name is None:
        raise ClusterSaysNo(
            f"namespace {namespace} has no rate gate: install the operator with rateGate.enabled, or name its namespace"
        )
    told: Mapping[str, Any] = json.loads(
        kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/services/{name}:gate/proxy/status")
    )
    return told


def lines(provider: Mapping[str, Any]) -> list[str]:
    """One for each limit, and one more while entries wait or nobody may ask."""
    name = provider["name"]
    found = [f"{name}  {limit['name']}  {limit['used']} of {limit['limit']}" for limit in provider["limits"]]
    if provider["blocked_seconds"]:
        found.append(f"{name}  nobody asks for {provider['blocked_seconds']:.0f} s: {provider['why']}")
    elif provider["exhausted"]:
        found.append(f"{name}  entries wait")
    return found
