"""A halt as an object carries it: its words, and since when they stand there. Together they tell which halt it is."""

import hashlib
from dataclasses import dataclass

FROM_POD = "pod "
OF_MODE = "mode-"


@dataclass(frozen=True, slots=True)
class Written:
    """What one object says of a halt. *version* is the newest one seen of the object.

    *born* is the version with which the words were seen to appear; empty when they were there before this process
    looked, so that somebody else may have named them.
    """

    uid: str
    version: str
    words: str | None
    born: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the bot and its namespace carry; None is what has not been seen yet."""

    own: Written | None = None
    namespace: Written | None = None


def seen(before: Written | None, now: Written) -> Written:
    """What is known of the object after it was seen as *now*, in whatever order its versions come."""
    if before is None or before.uid != now.uid:
        return now
    if _is_older(now.version, before.version):
        return before
    born = before.born if now.words == before.words else now.version
    return Written(now.uid, now.version, now.words, born)


def order_name(words: str, uid: str, version: str) -> str:
    """One name for one halt: the same words written anew, or elsewhere, are another."""
    return f"{_stem(words)}{_digest(f'{uid} {version}')}"


def is_named(name: str, words: str) -> bool:
    """True when *name* was given to a halt with these words."""
    return name.startswith(_stem(words))


def mode_name(words: str, since: str) -> str:
    """The name of the halt that stands while a bot leaves a mode, which it has traded in *since* then."""
    return f"{OF_MODE}{_digest(f'{words} {since}')}"


def is_of_mode(name: str) -> bool:
    return name.startswith(OF_MODE)


def pod_origin(words: str) -> str:
    """The mark of an order that was copied from a pod: there it has got its name."""
    return f"{FROM_POD}{_digest(words)}"


def _stem(words: str) -> str:
    return f"h{_digest(words)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:6]


def _is_older(version: str, than: str) -> bool:
    # Where the API server's versions are no numbers, what came last counts; it only costs a second name.
    return version.isdigit() and than.isdigit() and int(version) < int(than)
