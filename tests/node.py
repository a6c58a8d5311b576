"""The real node for tests: kubectl, Helm, the simulator's books and a bot's ledger, by the commands a person uses."""

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

ROOT = pathlib.Path(__file__).parent.parent
T = TypeVar("T")


def command(*arguments: str, text: str | None = None, timeout: int = 180) -> str:
    """What the command prints; a failure shows both its streams."""
    done = subprocess.run(
        arguments, input=text, capture_output=True, text=True, timeout=timeout, cwd=ROOT, env=environment()
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def environment() -> dict[str, str]:
    """The caller's environment with our own kubectl and helm first on PATH."""
    tools = {str(pathlib.Path(tool).parent) for tool in (_tool("kubectl"), _tool("helm"))}
    kubeconfig = subprocess.run(
        ["cluster/status", "--kubeconfig"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    return {
        **os.environ,
        "KUBECONFIG": kubeconfig,
        "PATH": ":".join([*tools, str(ROOT / ".venv/bin"), os.environ["PATH"]]),
    }


_tools: dict[str, str] = {}


def _tool(name: str) -> str:
    if name not in _tools:
        done = subprocess.run(["cluster/tool", "--path", name], capture_output=True, text=True, cwd=ROOT, check=True)
        _tools[name] = done.stdout.strip()
    return _tools[name]


def network() -> list[str]:
    """The command that runs what follows it in the network of our own node; nothing for a cluster of the caller's."""
    if os.environ.get("CLUSTER") == "current":
        return []
    holder = command("bash", "-c", ". cluster/lib.sh; holder").strip()
    return ["nsenter", "-t", holder, "-n", "--"]


def kubectl(*arguments: str, text: str | None = None, timeout: int = 180) -> str:
    return command("kubectl", *arguments, text=text, timeout=timeout)


def helm(*arguments: str, timeout: int = 300) -> str:
    return command("helm", *arguments, timeout=timeout)


def resource(kind: str, name: str, namespace: str) -> dict[str, Any]:
    return json.loads(kubectl("-n", namespace, "get", kind, name, "-o", "json"))


def eventually(look: Callable[[], T], within: float = 60, every: float = 0.5) -> T:
    """The first truthy answer of *look*; an AssertionError with the last answer after *within* seconds."""
    end, answer, error = time.monotonic() + within, None, None
    while time.monotonic() < end:
        try:
            answer, error = look(), None
        except AssertionError as again:
            error = again
        if answer and error is None:
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {within} s; the last answer was {error or answer!r}")


def proxied(namespace: str, service: str, path: str) -> Any:
    """JSON of a Service through the API server's proxy; *service* is name:port."""
    return json.loads(kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}"))


def simulator(path: str) -> Any:
    return proxied("exchange-simulator", "exchange-simulator:8080", path)


def ask_simulator(path: str, body: dict[str, Any]) -> Any:
    """POST to the simulator's control API."""
    raw = f"/api/v1/namespaces/exchange-simulator/services/exchange-simulator:8080/proxy{path}"
    return json.loads(kubectl("create", "--raw", raw, "-f", "-", text=json.dumps(body)))


def open_account(key: str) -> bool:
    """The simulator has an account *key*: True when it is a new one, False when it holds what an earlier run left."""
    try:
        simulator(f"/control/accounts/{key}")
    except AssertionError:
        ask_simulator("/control/accounts", {"api_key": key, "secret": "e2e-only", "balances": {"USDT": "10000"}})
        return True
    return False


def pod_of(bot: str, namespace: str) -> str:
    """The name of the one running pod of *bot*; with both colours up, of the one that trades."""
    pods = json.loads(kubectl("-n", namespace, "get", "pods", "-l", f"tradingbot.io/bot={bot}", "-o", "json"))["items"]
    running = [
        pod["metadata"]
        for pod in pods
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    if len(running) > 1:
        trading = resource("tradingbot", bot, namespace)["status"]["active"]["colour"]
        running = [each for each in running if each["labels"]["tradingbot.io/colour"] == trading]
    names = [each["name"] for each in running]
    assert len(names) == 1, f"{bot} has the running pods {names}"
    return names[0]


def in_pod(bot: str, namespace: str, *arguments: str) -> str:
    return kubectl("-n", namespace, "exec", pod_of(bot, namespace), "-c", "bot", "--", *arguments)


def status_of(bot: str, namespace: str) -> dict[str, Any]:
    return proxied(namespace, f"{bot}:ops", "/status")


def condition(bot: str, namespace: str, name: str) -> dict[str, Any] | None:
    found = resource("tradingbot", bot, namespace).get("status", {}).get("conditions", [])
    return next((one for one in found if one["type"] == name), None)
