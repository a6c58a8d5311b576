"""The Downward API's file of annotations: one ``key="value"`` a line, the value quoted as Go quotes a string."""

import re
from collections.abc import Mapping

LINE = re.compile(r'^([^=\s]+)="((?:[^"\\]|\\.)*)"$')
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse_annotations(text: str) -> Mapping[str, str]:
    """The annotations in *text*; a line that is none is passed over."""
    found = (LINE.match(line) for line in text.split("\n"))
    return {match[1]: ESCAPE.sub(_unescaped, match[2]) for match in found if match}


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 1:
        return LETTERS.get(code, code)
    number = int(code[1:], 16)
    return chr(number) if number <= 0x10FFFF else "�"
