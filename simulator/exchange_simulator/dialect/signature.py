"""Who may speak: signature and time window of a signed request."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from exchange_simulator.domain.refusal import Refusal

MAX_WINDOW_MS = 60_000
DEFAULT_WINDOW_MS = 5_000
AHEAD_MS = 1_000


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`scale`: venue time per wall time; `drift_ms`: how far clients' clocks ran on while the venue's stood."""

    scale: float = 1.0
    drift_ms: int = 0


def signed_part(query: str, body: str) -> str:
    """What the signature covers: query and body joined without a separator, each without the signature itself."""
    return unsigned(query) + unsigned(body)


def unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if part and not part.startswith("signature="))


def signature(secret: str, payload: str) -> str:
    """HMAC-SHA256 in hexadecimal."""
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


def is_signed(secret: str, payload: str, given: str) -> bool:
    """True when *given* is the signature of *payload*."""
    return hmac.compare_digest(signature(secret, payload).encode(), given.encode())


def window_refusal(timestamp_ms: int, window_ms: int, now_ms: int, tolerance: Tolerance) -> Refusal | None:
    """Refuse a request ahead of the venue's time or older than its window; both last as long as in wall time."""
    if window_ms > MAX_WINDOW_MS or window_ms <= 0:
        return Refusal(-1131, "recvWindow must be less than 60000.")
    if timestamp_ms > now_ms + AHEAD_MS * tolerance.scale + tolerance.drift_ms:
        return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms * tolerance.scale:
        return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
    return None
