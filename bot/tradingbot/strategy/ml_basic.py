"""A small trained model on past returns: enter above one probability, exit below another."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import exp, fsum
from typing import Any

from tradingbot.domain.errors import Misconfigured
from tradingbot.domain.intent import Action, Intent
from tradingbot.domain.window import Window
from tradingbot.strategy.parameters import known, number
from tradingbot.strategy.wish import wish


@dataclass(frozen=True, slots=True)
class Model:
    """Weights on the newest returns (in percent, newest first), and the data they were learnt from."""

    sha256: str
    weights: tuple[float, ...]
    bias: float
    trained_from: datetime
    trained_to: datetime


@dataclass(frozen=True, slots=True)
class MlBasic:
    model: Model
    enter: float
    exit: float

    @property
    def bars(self) -> int:
        return len(self.model.weights) + 1


def model_of(content: bytes, sha256: str) -> Model:
    """The model in *content*, whose hash must be *sha256*."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise Misconfigured(f"strategy.parameters.sha256 is {sha256!r}; the model file's is {found}")
    try:
        return _model(json.loads(content), found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(
            f"strategy.parameters.model with sha256 {found} is no model ({error}); train it again"
        ) from error


def _model(fields: dict[str, Any], sha256: str) -> Model:
    first, last = (datetime.fromisoformat(fields["trained"][key]) for key in ("from", "to"))
    if first.tzinfo is None or last.tzinfo is None:
        raise ValueError("times need a zone")
    weights = tuple(float(weight) for weight in fields["weights"])
    if not weights:
        raise ValueError("no weights")
    return Model(sha256, weights, float(fields["bias"]), first, last)


def parse(parameters: Mapping[str, str], model: Model | None) -> MlBasic:
    known(parameters, frozenset({"model", "sha256", "enter", "exit"}))
    if model is None:
        raise Misconfigured("strategy.parameters.model is missing; name a file in the models folder, and its sha256")
    enter = number(parameters, "enter", 0.55, (0.0, 1.0))
    leave = number(parameters, "exit", 0.45, (0.0, 1.0))
    if leave > enter:
        raise Misconfigured(f"strategy.parameters.exit is '{leave:g}'; give at most enter, which is {enter:g}")
    return MlBasic(model, enter, leave)


def ml_basic(window: Window, held: Decimal, parameters: MlBasic) -> Intent | None:
    """Enter when flat and a rise is likely; exit when holding and it is not."""
    value = probability(window, parameters.model)
    if value > parameters.enter and not held:
        return wish(window.newest, "ml_basic", Action.ENTER, f"probability {value:.4f} above {parameters.enter:g}")
    if value < parameters.exit and held:
        return wish(window.newest, "ml_basic", Action.EXIT, f"probability {value:.4f} below {parameters.exit:g}")
    return None


def probability(window: Window, model: Model) -> float:
    """How likely the next bar rises, by the logistic function of the weighted returns."""
    closes = window.closes
    terms = [w * 100.0 * (closes[-1 - i] / closes[-2 - i] - 1.0) for i, w in enumerate(model.weights)]
    score = max(-500.0, min(500.0, fsum(terms) + model.bias))
    return 1.0 / (1.0 + exp(-score))
