"""What the exit code of ``atb`` tells a script."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    REFUSED = 1  # the answer is no: unhealthy, not verified, no such halt
    USAGE = 2  # wrong flags
    FOUND = 3  # what is looked for in the hope that it is not there
    IRREVERSIBLE = 4  # what was done cannot be undone
    UNREACHABLE = 69  # nobody answers, or no ledger
    AGAIN = 75  # not now: the database is away, or its tables are not free
    MISCONFIGURED = 78  # settings, secrets or environment must change


MEANING = {
    Exit.OK: "done, or the answer is yes",
    Exit.REFUSED: "the answer is no: unhealthy, not verified, no such halt; or the trader ended by a fault",
    Exit.USAGE: "wrong flags or arguments",
    Exit.FOUND: "trades of somebody else were found (atb reconcile --unauthorized)",
    Exit.IRREVERSIBLE: "what is to be undone cannot be; the message says what can be done instead",
    Exit.UNREACHABLE: "the trader, the ledger or the venue does not answer",
    Exit.AGAIN: "try again: the database is away, or its tables were not free",
    Exit.MISCONFIGURED: "settings, secrets or environment must change; the message names field, value and cure",
}


class Failed(Exception):
    """The command ends with *code*, and one sentence for the person."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
