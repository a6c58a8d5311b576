"""What was used within the last seconds, never less than any window of the venue can hold of it."""

from dataclasses import dataclass

CELLS = 60
# What was let through at two moments may arrive closer together than it left: the first may have been held up.
HELD_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Spent:
    """*cells* are (number, used), oldest first; a cell is a sixtieth of *seconds* and counts until it is all over."""

    seconds: float
    cells: tuple[tuple[int, int], ...] = ()

    def used(self, now: float) -> int:
        return sum(used for _, used in self._counting(now))

    def with_use(self, amount: int, now: float) -> "Spent":
        here, cells = int(now // self._width), self._counting(now)
        if cells and cells[-1][0] == here:
            cells, amount = cells[:-1], amount + cells[-1][1]
        return Spent(self.seconds, (*cells, (here, amount)) if amount else cells)

    def wait(self, room: int, now: float) -> float:
        """Seconds until so much of what is used has left; 0 when nothing has to."""
        free_at = now
        for cell, used in self._counting(now):
            if room <= 0:
                break
            room, free_at = room - used, self._ends(cell)
        return free_at - now

    def _counting(self, now: float) -> tuple[tuple[int, int], ...]:
        return tuple(each for each in self.cells if self._ends(each[0]) > now)

    def _ends(self, cell: int) -> float:
        return (cell + 1) * self._width + self.seconds + HELD_UP_SECONDS

    @property
    def _width(self) -> float:
        return self.seconds / CELLS
