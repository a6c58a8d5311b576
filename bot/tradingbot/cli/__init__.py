"""``atb``: starts the trader, and speaks to the one that runs in this pod.

Works through ``kubectl exec``: settings, token and state volume are those the pod mounts, the trader is asked over
loopback. Exit codes are a table in ``exits``.
"""

import sys

# structlog draws tracebacks with rich when rich can be imported; in a pod that is 0.13 s and 4 MB for nothing.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]

from tradingbot.cli.program import main  # noqa: E402

__all__ = ["main"]
