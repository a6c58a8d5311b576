"""The strategy that the settings name."""

from pathlib import Path

from tradingbot.domain.errors import Misconfigured
from tradingbot.settings import Deciding, Settings
from tradingbot.start.files import model_file
from tradingbot.strategy.ml_basic import Model, model_of
from tradingbot.strategy.registry import BENCH, NAMES, Strategy, strategy_of


def strategy_from(settings: Settings) -> Strategy:
    """The strategy with its model, if it has one; raises Misconfigured."""
    name = settings.strategy.name
    if settings.mode == "live" and name in BENCH:
        raise Misconfigured(f'strategy.name "{name}" is for benches, never for money: choose one of {", ".join(NAMES)}')
    if settings.strategies and name in BENCH:
        raise Misconfigured(f'strategies goes with strategies that decide on bars: remove it, or "{name}"')
    return _made(settings, settings.strategy)


def others_from(settings: Settings) -> dict[str, Strategy]:
    """Who decides instead, by market; raises Misconfigured."""
    found: dict[str, Strategy] = {}
    for each in settings.strategies:
        if each.name in BENCH:
            raise Misconfigured(f'strategies names "{each.name}", which decides on a timer: let it trade alone')
        made = _made(settings, each)
        found |= dict.fromkeys(each.symbols, made)
    return found


def _made(settings: Settings, said: Deciding) -> Strategy:
    name, parameters = said.name, said.parameters
    model = _model(settings.paths.data, parameters) if "model" in parameters else None
    made, room = strategy_of(name, parameters, model), settings.engine.max_bars_in_memory
    if room is not None and made.bars > room:
        raise Misconfigured(f"engine.max_bars_in_memory {room} is too small for {name}: write {made.bars} or more")
    return made


def _model(data: Path, parameters: dict[str, str]) -> Model:
    name = parameters["model"]
    try:
        return model_of(model_file(data, name).read_bytes(), parameters.get("sha256", ""))
    except OSError as error:
        raise Misconfigured(
            f'strategy.parameters.model "{name}" cannot be read ({error.strerror}): put it into {data}/models'
        ) from None
