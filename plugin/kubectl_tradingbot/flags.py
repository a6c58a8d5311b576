"""A verb with many flags takes a few values: each is a frozen dataclass, and each of its fields is a flag."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any


def spread(verb: Callable[..., None]) -> Callable[..., None]:
    """*verb* as typer is to see it: with the fields of its parameters as options and arguments."""
    hints = typing.get_type_hints(verb)
    parts = {name: hints[name] for name in inspect.signature(verb).parameters}
    flags = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=typing.get_type_hints(part, include_extras=True)[field.name],
        )
        for part in parts.values()
        for field in fields(part)
    ]

    @wraps(verb)
    def flat(**given: Any) -> None:
        verb(**{name: part(**{each.name: given[each.name] for each in fields(part)}) for name, part in parts.items()})

    flat.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    flat.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return flat
