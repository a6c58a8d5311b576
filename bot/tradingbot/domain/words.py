"""Words of people and venues, as they can be kept."""


def storable(text: str) -> str:
    """*text*, a question mark for each character that no database takes: NUL, and half of a surrogate pair."""
    return text.replace("\x00", "?").encode("utf-8", "replace").decode()
