"""Where recordings and models lie: below the data folder, and if there is none, among the examples of the package."""

from pathlib import Path

import tradingbot
from tradingbot.domain.errors import Misconfigured

EXAMPLES = Path(tradingbot.__file__).with_name("examples")


def recording(data: Path, symbol: str, timeframe: str, exchange: str = "*") -> Path:
    """The newest file ``<SYMBOL>-<timeframe>-*.csv``, by name; else what was gathered of that past of *exchange*."""
    name = f"{symbol.replace('/', '')}-{timeframe}-*.csv"
    gathered = f"{exchange}-*-{symbol.replace('/', '-')}-{timeframe}.csv"
    places = ((data / "cache", name), (candles_folder(data), gathered), (EXAMPLES / "cache", name))
    found = next((files for folder, pattern in places if (files := sorted(folder.glob(pattern)))), None)
    if not found:
        raise Misconfigured(f'exchange.symbols "{symbol}" has no recording: put {name} into {data}/cache')
    return found[-1]


def candles_folder(data: Path) -> Path:
    """Where the bars lie that a venue has told; no recording is among them."""
    return data / "cache" / "candles"


def model_file(data: Path, name: str) -> Path:
    """The model *name*, which lies in a models folder and nowhere else; it may be absent."""
    folder = (data / "models").resolve()
    file = (folder / name).resolve()
    if not file.is_relative_to(folder):
        raise Misconfigured(f'strategy.parameters.model "{name}" lies outside {folder}: name a file in it')
    example = EXAMPLES / "models" / file.relative_to(folder)
    return example if example.is_file() and not file.exists() else file
