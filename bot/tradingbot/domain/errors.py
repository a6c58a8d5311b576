"""Errors named by what the caller does next. Everything else is a bug and looks like one."""


class VenueUnavailable(Exception):
    """A read failed for now: try again later. Never raised for a write.

    *kind* is of what sort the failure was, in one word, where the adapter could tell.
    """

    kind: str = ""


class LedgerUnavailable(Exception):
    """The ledger cannot be reached: nobody knows who trades, so nothing is written."""


class ShutOut(LedgerUnavailable):
    """The ledger refused the login or ended the session, as a fence would: send nothing until its row is read."""


class UnknownState(Exception):
    """The ledger holds what nobody can read: enter nothing, leave the stops, and let a person look."""


class Fenced(Exception):
    """This process no longer holds the epoch: cancel all pending work and become a standby."""


class Misconfigured(Exception):
    """A person must change something; the message names field, value and cure."""
