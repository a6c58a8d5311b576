"""A command with many flags takes one value, whose fields they are."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

Flags = TypeVar("Flags")


def command(flags: type[Flags], verb: Callable[[Flags], int]) -> Callable[..., int]:
    """*verb* as the command line sees it: each field of *flags*, all of which have a default, is a flag."""
    hints = typing.get_type_hints(flags, include_extras=True)

    def flat(**given: Any) -> int:
        return verb(flags(**given))

    flat.__name__, flat.__doc__, flat.__annotations__ = verb.__name__, verb.__doc__, hints
    flat.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
            )
            for field in fields(flags)  # type: ignore[arg-type]
        ]
    )
    return flat
