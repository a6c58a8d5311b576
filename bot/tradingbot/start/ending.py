"""The last word of a process that a person has to help."""

import os
import sys
from pathlib import Path

MISCONFIGURED = 78
# The kubelet puts this file there and reads it when the container has ended; nothing else does.
LAST_WORD = Path("/dev/termination-log")
# What the kubelet keeps of it.
LONGEST = 4096


def misconfigured(command: str, sentence: str) -> int:
    """The exit code 78, with *sentence* told to the terminal and to Kubernetes."""
    sys.stderr.write("".join(f"atb {command}: {line}\n" for line in sentence.splitlines()))
    leave_word(sentence, LAST_WORD)
    return MISCONFIGURED


def leave_word(sentence: str, path: Path) -> None:
    """*sentence* is all that *path* holds, if such a file is there and can be written; it is never made."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(file, sentence.encode()[:LONGEST])
    except OSError:
        return
    finally:
        os.close(file)
