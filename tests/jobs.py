"""What a kubelet and the Job's controller do of a Job that asks a pod: its containers are real processes."""

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import operators
from apiserver import ApiServer
from operators import BOT_PORT

Json = dict[str, Any]
TIME = "2026-11-21T14:00:00Z"


@dataclass
class Jobs:
    """Each Job that asks is run once, with its own command; *ended* holds the exit codes by its name."""

    server: ApiServer
    namespace: str
    running: dict[str, list[subprocess.Popen[bytes]]] = field(default_factory=dict)
    ended: dict[str, list[int]] = field(default_factory=dict)

    def look(self) -> None:
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        code, body = self.server.request("GET", f"{path}?labelSelector=tradingbot.io/probe")
        for job in body["items"] if code == 200 else []:
            name = job["metadata"]["name"]
            if name not in self.running and name not in self.ended:
                containers = job["spec"]["template"]["spec"]["containers"]
                self.running[name] = [self._started(each) for each in containers]
            codes = [process.poll() for process in self.running.get(name, ())]
            if codes and None not in codes:
                del self.running[name]
                self.ended[name] = [code for code in codes if code is not None]
                self._say(f"{path}/{name}/status", all(code == 0 for code in codes))

    def close(self) -> None:
        for process in [each for every in self.running.values() for each in every]:
            process.kill()
            process.wait()

    def _started(self, container: Json) -> subprocess.Popen[bytes]:
        program, *rest = container["command"]
        # The pods' ops port is another one here, where several servers share a machine.
        words = [word.replace(":9090/", f":{BOT_PORT}/") for word in [*rest, *container.get("args", [])]]
        if "--within" in words:
            # No answer within half a minute is a verdict on a node, not on a machine that runs a whole suite.
            words[words.index("--within") + 1] = "120"
        environment = {each["name"]: each["value"] for each in container.get("env", [])}
        command = [sys.executable if program == "python3" else program, *words]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _say(self, path: str, well: bool) -> None:
        kinds = ("SuccessCriteriaMet", "Complete") if well else ("FailureTarget", "Failed")
        ended = {"succeeded": 1, "completionTime": TIME} if well else {"failed": 1}
        conditions = [{"type": kind, "status": "True", "reason": "Test", "lastTransitionTime": TIME} for kind in kinds]
        status = {"startTime": TIME, "conditions": conditions, **ended}
        code, answer = self.server.request("PATCH", path, {"status": status}, operators.MERGE)
        assert code in {200, 404}, answer
