"""An answer that says no."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """The venue's code and message, with the HTTP status they travel under."""

    code: int
    message: str
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)
