"""One exchange of ccxt is imported alone; when that fails, all of it is."""

import subprocess
import sys


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


ONE = "import sys; from tradingbot.venues.one_exchange import exchange_class as load; kind = load('binance'); "


def test_one_exchange_is_imported_and_no_other():
    """The others cost 50 MB and half a second."""
    loaded = python(
        ONE + "print(kind.__name__, len([m for m in sys.modules if m.startswith('ccxt.async_support.')]) < 20)"
    )
    assert loaded == "binance True"
    again = python(ONE + "print(load('binance') is kind, 'ccxt.async_support.kraken' in sys.modules)")
    assert again == "True False"


def test_when_the_short_cut_fails_all_of_it_is_imported():
    """Another release of ccxt may be laid out otherwise."""
    broken = (
        "import tradingbot.venues.one_exchange as o, sys\n"
        "def broken(): raise ImportError('laid out otherwise')\n"
        "o._stand_in = broken\n"
        "kind = o.exchange_class('binance')\n"
        "print(kind.__name__, 'ccxt.async_support.kraken' in sys.modules, o.exchange_class('binance') is kind)\n"
    )
    assert python(broken) == "binance True True"
