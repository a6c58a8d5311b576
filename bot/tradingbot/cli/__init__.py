"""``atb``: starts the trader, and speaks to the one that runs in this pod.

Works through ``kubectl exec``: settings, token and state volume are those the pod mounts, the trader is asked over
loopback. Exit codes are a table in ``exits``.
"""

from tradingbot.cli.program import main

__all__ = ["main"]
