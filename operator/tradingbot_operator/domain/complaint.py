"""What pydantic found wrong, as one sentence with field, value and cure."""

from typing import Any

from pydantic import ValidationError


def first_complaint(error: ValidationError) -> str:
    """The first thing wrong with a spec."""
    first = error.errors(include_url=False)[0]
    return f"{field_of(first)}: {_sentence(first)}"


def field_of(detail: Any) -> str:
    return ".".join(("spec", *(str(part) for part in detail["loc"])))


def _sentence(detail: Any) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "extra_forbidden":
        return "this field is not known; remove it or correct its spelling"
    if detail["type"] == "missing":
        return "this field is required; add it"
    return f"'{detail['input']}' cannot be used; {detail['msg'][:1].lower()}{detail['msg'][1:]}"
