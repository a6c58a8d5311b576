"""Exchange keys from a file of variables, without ever showing one."""

from collections.abc import Mapping

ENDINGS = {"API_KEY": "apiKey", "API_SECRET": "secret", "API_PASSWORD": "password"}  # nosec B105 - names of fields
NEEDED = ("apiKey", "secret")


class Unusable(Exception):
    """The file must change; the message names the variable and never its value."""


def keys_in(text: str, source: str) -> Mapping[str, str]:
    """apiKey, secret and perhaps password from lines such as ``BINANCE_API_KEY=...``."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.removeprefix("export ").strip().partition("=")
        ending = next((each for each in ENDINGS if name == each or name.endswith(f"_{each}")), None)
        if not equals or name.startswith("#") or ending is None:
            continue
        value = value.strip().strip("'\"")
        if not value:
            raise Unusable(f"{source}: {name} is empty; write the key of the exchange behind it")
        if ENDINGS[ending] in found:
            raise Unusable(f"{source}: {name} is a second {ending}; leave one exchange's keys in the file")
        found[ENDINGS[ending]] = value
    lacking = [name for ending, name in ENDINGS.items() if name in NEEDED and name not in found]
    if lacking:
        wanted = " and ".join(f"..._{ending}" for ending, name in ENDINGS.items() if name in lacking)
        raise Unusable(f"{source}: there is no {wanted}; write for example BINANCE_API_KEY=...")
    return found
