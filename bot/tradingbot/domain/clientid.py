"""The client order id that names ledger, epoch and sequence: 18 characters valid on every venue we know."""

from collections.abc import Iterable
from dataclasses import dataclass

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LEDGER, EPOCH, SEQUENCE = 6, 4, 7


@dataclass(frozen=True, slots=True)
class ClientId:
    ledger_id: str
    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"t{self.ledger_id}{base36(self.epoch, EPOCH)}{base36(self.sequence, SEQUENCE)}"


def base36(number: int, width: int) -> str:
    """*number* in lower-case base36, padded to *width*; raises OverflowError when it does not fit."""
    if not 0 <= number < 36**width:
        raise OverflowError(f"{number} does not fit into {width} base36 digits")
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 36)
        digits = DIGITS[rest] + digits
    return digits


def parse_client_id(text: str) -> ClientId | None:
    """The parts of one of our ids, or None when the id is foreign."""
    if len(text) != 1 + LEDGER + EPOCH + SEQUENCE or text[0] != "t" or any(c not in DIGITS for c in text):
        return None
    ledger, rest = text[1 : 1 + LEDGER], text[1 + LEDGER :]
    return ClientId(ledger, int(rest[:EPOCH], 36), int(rest[EPOCH:], 36))


def newest_from(names: Iterable[str], ledger_id: str, epoch: int) -> tuple[ClientId, ...]:
    """Those of *names* that tell of a write of this ledger under *epoch* or a later one."""
    found = (parse_client_id(name) for name in names)
    return tuple(each for each in found if each and each.ledger_id == ledger_id and each.epoch >= epoch)
