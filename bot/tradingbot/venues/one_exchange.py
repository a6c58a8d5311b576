"""One exchange class of ccxt without importing all of them: 50 MB and half a second less."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tradingbot.domain.errors import Misconfigured


def exchange_class(name: str) -> type[Any]:
    """The asynchronous class *name*. The packages' own ``__init__``, which import every exchange, do not run."""
    if hasattr(sys.modules.get("ccxt"), "exchanges"):
        return _found(importlib.import_module("ccxt.async_support"), name)
    before = set(sys.modules)
    try:
        if "ccxt" not in before:
            _stand_in()
        return _found(importlib.import_module(f"ccxt.async_support.{name}"), name)
    except ModuleNotFoundError as error:
        if error.name == f"ccxt.async_support.{name}":
            raise _unknown(name) from None
        return _whole(name, before)
    except (ImportError, AttributeError):
        # Another release of ccxt may be laid out otherwise; then all of it is imported.
        return _whole(name, before)


def library_error() -> type[Exception]:
    """What every error of the library is a kind of."""
    found: type[Exception] = importlib.import_module("ccxt.base.errors").BaseError
    return found


def _stand_in() -> None:
    folder = Path(str(importlib.util.find_spec("ccxt").origin)).parent  # type: ignore[union-attr]
    root, asynchronous = ModuleType("ccxt"), ModuleType("ccxt.async_support")
    root.__path__, asynchronous.__path__ = [str(folder)], [str(folder / "async_support")]
    sys.modules["ccxt"], sys.modules["ccxt.async_support"] = root, asynchronous
    errors = importlib.import_module("ccxt.base.errors")
    for word, value in vars(errors).items():
        if isinstance(value, type):
            setattr(root, word, value)
    root.Exchange = importlib.import_module("ccxt.base.exchange").Exchange  # type: ignore[attr-defined]


def _whole(name: str, before: set[str]) -> type[Any]:
    for module in set(sys.modules) - before:
        if module == "ccxt" or module.startswith("ccxt."):
            del sys.modules[module]
    return _found(importlib.import_module("ccxt.async_support"), name)


def _found(module: ModuleType, name: str) -> type[Any]:
    found: type[Any] | None = getattr(module, name, None)
    if not isinstance(found, type):
        raise _unknown(name)
    return found


def _unknown(name: str) -> Misconfigured:
    return Misconfigured(f"exchange.name {name!r} is no exchange of ccxt; use its spelling, for example binance")
