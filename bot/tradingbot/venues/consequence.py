"""What the venue's answers mean for the caller: refused, unknown, or try again. The one place where that is judged."""

from collections.abc import Mapping
from typing import Any

from tradingbot.domain.order import Refused, Unknown

# Binance says of these that the order may have been executed.
UNKNOWN_CODES = frozenset({-1000, -1001, -1006, -1007})
# The id is in use: perhaps by this very order, sent before.
DUPLICATE = "Duplicate order sent."
NOT_FOUND = frozenset({-2013, -2011})
WRONG_TIME = -1021
TOO_MANY = frozenset({418, 429})
LONGEST_WAIT = 3600.0


class Answered(Exception):
    """The venue answered with an error; its body is kept as it came."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body if isinstance(body, dict) else {}
        self.headers = headers
        self.code = _number(self.body.get("code"))
        self.message = str(self.body.get("msg") or self.body.get("message") or self.body.get("error") or "")
        super().__init__(f"{status} {self.code} {self.message}")


def _number(word: Any) -> int:
    """A code that is a number; venues that answer with words have none."""
    return int(word) if str(word).lstrip("-").isdigit() else 0


def outcome_of(answer: Answered) -> Refused | Unknown:
    """What became of a write that was answered with an error."""
    data = answer.body.get("data")
    if isinstance(data, dict):
        return _replaced(data)
    if answer.status >= 500 or answer.code in UNKNOWN_CODES or answer.message == DUPLICATE:
        return Unknown(f"{answer.status} {answer.code} {answer.message}".strip())
    return Refused(str(answer.code or answer.status), answer.message)


def _replaced(data: Mapping[str, Any]) -> Refused | Unknown:
    """A cancelReplace of which one half or none was done."""
    cancelled = data.get("cancelResult") == "SUCCESS"
    failed = data.get("newOrderResponse") if cancelled else data.get("cancelResponse")
    code, message = (int(failed.get("code", 0)), str(failed.get("msg", ""))) if isinstance(failed, dict) else (0, "")
    if code in UNKNOWN_CODES or message == DUPLICATE:
        return Unknown(f"{code} {message}")
    return Refused(str(code), message, cancelled_first=cancelled)


def is_unknown_order(answer: Answered) -> bool:
    return answer.code in NOT_FOUND


def retry_after(headers: Mapping[str, str]) -> float | None:
    """How many seconds the venue wants to be left alone; None where it does not say."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(float(text), LONGEST_WAIT) if text.isdigit() else None
