"""A fleet of a hundred bots stopped by one write: the real operator and API server, stand-ins for the pods."""

import time
from collections.abc import Callable

import pytest

import make_operator as make
import operators
from operators import MERGE, create_bot, deployment, eventually

Note = Callable[[str, str], None]
COUNT = 100
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Five on a machine of its own; other suites share this one. When a pass did its other work first, it took 21 to 26.
BOUND_SECONDS = 15


def test_one_annotation_on_the_namespace_reaches_a_hundred_pods_in_time(
    tmp_path_factory: pytest.TempPathFactory, evidence: Note
) -> None:
    """A halt is carried before anything else is done for a bot, so that a fleet in one queue stops at once."""
    folder = tmp_path_factory.mktemp("fleet")
    with (
        operators.prepared(folder) as server,
        operators.operator(server, folder) as operator,
        operators.stand_in_bot("0.0.0.0"),
    ):
        operator.start()
        names = [f"bot{number}" for number in range(COUNT)]
        for name in names:
            create_bot(server, name, make.MINIMAL)
        for number, name in enumerate(names):
            eventually(lambda name=name: deployment(server, name), operator.log, 60)
            operators.stand_in_pod(server, name, f"127.0.9.{number + 1}")
        halted = "/api/v1/namespaces/trading/pods"

        def halts() -> int:
            time.sleep(0.3)  # a look at a hundred pods costs the API server what it should spend on the halt
            listed = server.request("GET", halted, Accept=METADATA)[1]["items"]
            notes = (item["metadata"].get("annotations") or {} for item in listed)
            return sum(note.get("tradingbot.io/halt") == "emergency" for note in notes)

        order = {"metadata": {"annotations": {"tradingbot.io/halt": "emergency"}}}
        since = time.monotonic()
        assert server.request("PATCH", "/api/v1/namespaces/trading", order, MERGE)[0] == 200
        eventually(lambda: halts() == COUNT, lambda: f"{halts()} of {COUNT} {operator.log()}", 30)
        took = time.monotonic() - since
        evidence(
            "kubectl annotate ns trading tradingbot.io/halt=emergency", f"{COUNT} pods carry it after {took:.2f} s"
        )
        assert took < BOUND_SECONDS
