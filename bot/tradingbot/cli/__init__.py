"""``atb``: starts the trader, and speaks to the one that runs in this pod.

Works through ``kubectl exec``: settings, token and state volume are those the pod mounts, the trader is asked over
loopback. Exit codes are a table in ``exits``.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from tradingbot.start.garbage import loading

TERMINATED = 128 + signal.SIGTERM

# structlog draws tracebacks with rich when rich can be imported; in a pod that is 0.13 s and 4 MB for nothing.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code; a person never sees a traceback for what they typed."""
    # The first process of a container only gets the signals it asks for: without this, a pod that is deleted while its
    # trader loads would not hear of it, and would go on to claim the epoch and trade until it is killed.
    signal.signal(signal.SIGTERM, _end)
    loading()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A check stands before every change of a running bot: it does not wait for the other commands to be loaded.
    if given == ["check"]:
        sys.exit(importlib.import_module("tradingbot.start.check").check())
    sys.exit(importlib.import_module("tradingbot.cli.program").run(given))


def _end(*_: object) -> NoReturn:
    sys.exit(TERMINATED)
