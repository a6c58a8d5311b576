"""One trader a pod."""

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from tradingbot.domain.errors import Misconfigured


def claim_pod(data: Path) -> int:
    """A descriptor that keeps every other trader of this pod away until the process ends, however it ends.

    Raises Misconfigured when one runs already. The lock lies in the pod's own /tmp, not on the state volume: two
    colours of a bot with an embedded ledger share that volume, and both must run.
    """
    name = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"tradingbot-{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise Misconfigured(
            f"paths.data {data} already has a trader in this pod (process {holder}): end that one first"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
