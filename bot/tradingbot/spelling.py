"""Settings as a person writes them: each with its name, its value, and what it may be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

SHAPES = {"str": "string", "int": "number", "bool": "true or false", "Path": "path", "Decimal": "decimal in a string"}
DURATIONS = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
SHAPES |= {"timedelta": "duration, as `15s`", "time": "time of day, as `17:00`"}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    shape: str
    default: str
    means: str


def parameters(model: type[BaseModel], prefix: str = "") -> Iterator[Parameter]:
    """Every setting of *model*, by its whole name."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from parameters(inner, f"{prefix}{name}.")
        else:
            yield Parameter(f"{prefix}{name}", _shape(field), _default(field), field.description or "")


def values(settings: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting with what it is here, whoever chose it."""
    for name, value in settings:
        if isinstance(value, BaseModel):
            yield from values(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", written(value)


def written(value: object) -> str:
    if isinstance(value, timedelta):
        whole = value // timedelta(milliseconds=1)
        unit, length = next((u, n) for u, n in DURATIONS if whole % n == 0)
        return f"{whole // length}{unit}"
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return ", ".join(map(written, value)) or "none"
    if isinstance(value, BaseModel):
        return "; ".join(f"{name}: {text}" for name, text in values(value))
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{name}={written(each)}" for name, each in sorted(value.items()))
    return str(value)


def _shape(field: FieldInfo) -> str:
    words = getattr(field.annotation, "__args__", ())
    if words and all(isinstance(word, str) for word in words):
        return ", ".join(f"`{word}`" for word in words)
    kinds = [getattr(kind, "__origin__", kind) for kind in (words or (field.annotation,))]
    names = ["null" if kind is type(None) else getattr(kind, "__name__", str(kind)) for kind in kinds]
    if "tuple" in str(field.annotation):
        return "list of objects" if "settings." in str(field.annotation) else "list of strings"
    if "dict" in str(field.annotation):
        return "strings by name"
    return " or ".join(SHAPES.get(name, name) for name in names)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else {}
    return f"`{written(value)}`"
