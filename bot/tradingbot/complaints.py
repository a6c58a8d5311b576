"""One sentence per bad field: field, value and cure."""

import difflib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

CURES: Mapping[str, str] = {
    "string_type": "is not a string: write it in quotes",
    "int_type": "is not a whole number: write one without quotes",
    "int_from_float": "is not a whole number: write one without a fraction",
    "bool_type": "is not a boolean: write true or false, without quotes",
    "tuple_type": "is not a list: write it in square brackets",
    "list_type": "is not a list: write it in square brackets",
    "dict_type": "is not an object: write names and values in braces",
    "model_type": "is not an object: write names and values in braces",
    "too_short": "has too few entries: write at least {min_length}",
    "too_long": "has too many entries: write at most {max_length}",
    "string_too_short": "is too short: write at least {min_length} characters",
    "string_too_long": "is too long: write at most {max_length} characters",
    "greater_than_equal": "is too small: write {ge} or more",
    "less_than_equal": "is too large: write {le} or less",
    "string_pattern_mismatch": "does not fit the pattern {pattern}: write a name of that form",
    "literal_error": "is unknown: write {expected}",
}
SHOWN = 80


def complaints(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """A sentence for each refused field of *model*, in the order of the fields."""
    found = error.errors(include_url=False)
    # A bad entry also leaves its list too short, which is no second mistake.
    inner = {detail["loc"][:-1] for detail in found}
    return [_sentence(detail, model) for detail in found if detail["type"] != "too_short" or detail["loc"] not in inner]


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    kind, context = detail["type"], dict(detail.get("ctx", {}))
    if kind == "json_invalid":
        return f"settings are not JSON ({context['error']}): correct them at that place"
    if kind == "missing":
        return f"{field} is missing: add it"
    if kind == "extra_forbidden":
        # The value is not shown: an unknown field may hold what somebody took for the place of a key.
        return f"{field} is not a field of the settings: {_instead(detail, model)}"
    if kind == "cure" and not field:
        return detail["msg"]
    said = detail["msg"] if kind == "cure" else CURES.get(kind, "").format(**context) or f"is refused: {detail['msg']}"
    return f"{field} {_shown(detail['input'])} {said}".strip()


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        value = f"{value.total_seconds():g}s"
    try:
        text = json.dumps(value)
    except TypeError:
        text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _instead(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, wrong = [str(part) for part in detail["loc"]]
    known = list(_model_at(model, parents).model_fields)
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"write {close[0]}" if close else f"remove it, or write one of {', '.join(known)}"


def _model_at(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    for part in path:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        for inner in (annotation, *get_args(annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                model = inner
    return model
