"""Errors named by what the caller does next. Expected outcomes are values, not errors."""


class ClusterUnavailable(Exception):
    """The API server did not answer, or not for now: try again later."""


class Outdated(Exception):
    """Someone wrote first: read again and plan again."""


class Refused(Exception):
    """The API server will never accept this as it is; the message is its own sentence."""
