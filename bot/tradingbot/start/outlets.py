"""Where log lines go. A pipe nobody empties, and a disk that is full or hangs, cost lines and nothing else."""

import contextlib
import errno
import fcntl
import logging
import os
import queue
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from tradingbot.domain.logline import ERRORS, Line

APP, APP_BYTES = "app.log", 10 * 1024 * 1024
ERROR_LOG, ERROR_BYTES = "error_logs/errors.log", 2 * 1024 * 1024
ROOM = 4096
CLOSE_SECONDS = 2.0
log = logging.getLogger(__name__)


class Outlet(Protocol):
    name: str

    @property
    def lost(self) -> int:
        """How many lines did not come through."""
        ...

    def take(self, line: Line) -> None:
        """Returns without waiting for whatever the line goes to."""
        ...

    def close(self) -> None:
        """What was taken is written, as far as that is possible in two seconds."""
        ...


class Straight:
    """A stream in memory, or of a command that ends soon."""

    name = "stream"
    lost = 0

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def take(self, line: Line) -> None:
        self._stream.write(line.text + "\n")

    def close(self) -> None:
        self._stream.flush()


class Behind:
    """Lines are written by a thread of their own; when as many wait as there is *room* for, those that come are lost.

    *write* may take its time and may raise OSError: the first failure is told, and the first line that comes through
    again. *at_once* writes a line where that surely needs no waiting, and says whether it did.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Line], None],
        at_once: Callable[[Line], bool] = lambda _: False,
        room: int = ROOM,
    ) -> None:
        self.name = name
        self._write, self._at_once = write, at_once
        self._waiting: queue.Queue[Line | None] = queue.Queue(room)
        self._no_room = self._refused = 0
        self._fails = False
        self._thread = threading.Thread(target=self._run, name=f"log {name}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        return self._no_room + self._refused

    def take(self, line: Line) -> None:
        # No line overtakes one that waits or is being written.
        if self._waiting.unfinished_tasks == 0 and self._at_once(line):
            return
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._no_room += 1

    def close(self) -> None:
        end = time.monotonic() + CLOSE_SECONDS
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._write(line)
            except OSError as error:
                self._refused += 1
                self._changed(fails=True, why=str(error))
            else:
                self._changed(fails=False, why="")
            self._waiting.task_done()

    def _changed(self, fails: bool, why: str) -> None:
        """Said once for each change: a line about each lost line would be lost too, and so on."""
        if fails is self._fails:
            return
        self._fails = fails
        if fails:
            log.warning("Log lines are lost: %s takes none: %s", self.name, why)
        else:
            log.warning("Log lines are written again: %s; %s were lost", self.name, self.lost)


class Rotating:
    """A file that is put aside as ``<name>.1`` when it is full, in place of the one put aside before.

    Processes may share it: each line is one append, and whoever finds the name on another file follows it.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most = most_bytes
        self._file: int | None = None
        self._torn = False

    def present(self) -> None:
        """There is a file of that name; raises OSError when there cannot be."""
        self._opened()

    def append(self, text: str) -> None:
        """The line is in the file; raises OSError when it is not, or not whole."""
        # A line that the disk took half of ends there, so that the next one can be read.
        line = ("\n" if self._torn else "") + text + "\n"
        content = line.encode("utf-8", "replace")
        written = os.write(self._opened(), content)
        self._torn = written < len(content)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _opened(self) -> int:
        file = self._file if self._file is not None and self._is_named(self._file) else self._again()
        if os.fstat(file).st_size < self._most:
            return file
        self._put_aside(file)
        return self._again()

    def _again(self) -> int:
        """The file of that name, made if there is none."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self._file

    def _put_aside(self, file: int) -> None:
        # Without waiting: who holds the lock puts the same file aside.
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_named(file):
                os.replace(self._path, self._path.with_name(f"{self._path.name}.1"))

    def _is_named(self, file: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file))
        except FileNotFoundError:
            return False


class Files:
    """``app.log`` has every line, ``error_logs/errors.log`` those from ERROR on."""

    def __init__(self, folder: Path, app_bytes: int = APP_BYTES, error_bytes: int = ERROR_BYTES) -> None:
        self._app = Rotating(folder / APP, app_bytes)
        self._errors = Rotating(folder / ERROR_LOG, error_bytes)

    def write(self, line: Line) -> None:
        """Both files are there, and have it as far as it is theirs; raises OSError when the disk does not take it."""
        self._app.append(line.text)
        if line.level in ERRORS:
            self._errors.append(line.text)
        else:
            self._errors.present()


class Descriptor:
    """An open file or pipe, written without a stream, whose lock could keep the process from ending."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)

    def write(self, line: Line) -> None:
        left = _content(line)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def at_once(self, line: Line) -> bool:
        """A pipe that takes anything takes so much whole, and without waiting."""
        content = _content(line)
        if len(content) > select.PIPE_BUF or self._room.poll(0) != [(self._descriptor, select.POLLOUT)]:
            return False
        os.write(self._descriptor, content)
        return True


def _content(line: Line) -> bytes:
    return (line.text + "\n").encode("utf-8", "replace")
