"""Where recordings and models lie: below the data folder, one for each kind."""

from pathlib import Path

from tradingbot.domain.errors import Misconfigured


def recording(data: Path, symbol: str, timeframe: str) -> Path:
    """The newest file ``<SYMBOL>-<timeframe>-*.csv``, by name."""
    name, folder = f"{symbol.replace('/', '')}-{timeframe}-*.csv", data / "cache"
    found = sorted(folder.glob(name))
    if not found:
        raise Misconfigured(f'exchange.symbols "{symbol}" has no recording: put {name} into {folder}')
    return found[-1]


def model_file(data: Path, name: str) -> Path:
    """The model *name*, which lies in the models folder and nowhere else."""
    folder = data / "models"
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise Misconfigured(f'strategy.parameters.model "{name}" lies outside {folder}: name a file in it')
    return file
