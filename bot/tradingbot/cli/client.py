"""The trader of this pod, over loopback."""

import http.client
import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from tradingbot.cli.exits import Exit, Failed
from tradingbot.settings import Settings
from tradingbot.start.credentials import TokenFile


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    body: Any


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one of the two ports; raises Failed when nobody answers in time."""

    settings: Settings
    timeout_seconds: float = 5.0

    def ops(self, path: str) -> Reply:
        return self._ask("GET", self.settings.listen.ops, path, None)

    def api(self, path: str, body: dict[str, str] | None = None, method: str = "POST") -> Reply:
        """GET, or *method* when there is a *body*; with the token the pod mounts."""
        return self._ask("GET" if body is None else method, self.settings.listen.http, path, body)

    def metrics(self) -> dict[str, float]:
        """The newest value of each metric, by its name; of several series with one name the first."""
        _, text = self._bytes("GET", self.settings.listen.ops, "/metrics", None)
        found: dict[str, float] = {}
        for line in text.decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name and not line.startswith("#"):
                found.setdefault(name.partition("{")[0], float(value))
        return found

    def _ask(self, method: str, address: str, path: str, body: dict[str, str] | None) -> Reply:
        try:
            code, answer = self._bytes(method, address, path, body)
            return Reply(code, json.loads(answer or b"null"))
        except ValueError:
            raise Failed(
                Exit.UNREACHABLE, f"what answers at {address} is no trader: see listen in the settings"
            ) from None

    def _bytes(self, method: str, address: str, path: str, body: dict[str, str] | None) -> tuple[int, bytes]:
        host, _, port = address.rpartition(":")
        connection = http.client.HTTPConnection(reachable(host), int(port), timeout=self.timeout_seconds)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, self._headers(address))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            what = f"no trader answers at {address} ({error or type(error).__name__})"
            raise Failed(Exit.UNREACHABLE, f"{what}: is it running in this pod?") from None
        finally:
            connection.close()

    def _headers(self, address: str) -> dict[str, str]:
        if address != self.settings.listen.http:
            return {}
        tokens = TokenFile(self.settings.paths.secrets / "api/token").tokens()
        if not tokens:
            raise Failed(
                Exit.MISCONFIGURED, f"no token at {self.settings.paths.secrets}/api/token: mount the Secret there"
            )
        return {"Authorization": f"Bearer {tokens[0].get_secret_value()}"}


def reachable(host: str) -> str:
    """Where a server that listens at *host* is reached from this pod."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    if not address.is_unspecified:
        return str(address)
    return "127.0.0.1" if address.version == 4 else "::1"


def accepted(reply: Reply) -> Any:
    """The body of a 2xx answer; raises Failed with the trader's own sentence otherwise."""
    if reply.code < 300:
        return reply.body
    sentence = reply.body.get("error") if isinstance(reply.body, dict) else None
    code = {401: Exit.MISCONFIGURED, 503: Exit.UNREACHABLE}.get(reply.code, Exit.REFUSED)
    raise Failed(code, sentence or f"the trader answered {reply.code}")
