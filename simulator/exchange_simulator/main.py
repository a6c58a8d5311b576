"""`exchange-simulator serve`: flags and environment to a listening venue."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from exchange_simulator.dialect.limits import Limits
from exchange_simulator.domain.rules import Fees
from exchange_simulator.market.recording import BadData
from exchange_simulator.server import running
from exchange_simulator.settings import DATA, BadFlag, Settings, accounts, pace

USAGE = (
    "usage: exchange-simulator serve [--port 8080] [--listen 0.0.0.0] [--speed 1|N|lockstep] [--data DIR] [--seed 7]"
    " [--start MS] [--maker-fee 0.001] [--taker-fee 0.001] [--account KEY:SECRET:USDT=10000,BTC=0]..."
)
# A server in a pod is reached from other pods; --listen narrows it.
ANYWHERE = "0.0.0.0"  # noqa: S104 # nosec B104
DEFAULTS = {
    "port": "8080",
    "listen": ANYWHERE,
    "speed": "1",
    "data": str(DATA),
    "seed": "7",
    "start": "",
    "maker-fee": "0.001",
    "taker-fee": "0.001",
}


class Parser(argparse.ArgumentParser):
    """Wrong flags get one sentence and the usage line."""

    def error(self, message: str) -> NoReturn:
        raise BadFlag(message)


def settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags over environment over defaults."""
    parser = Parser(prog="exchange-simulator", usage=USAGE.removeprefix("usage: "), add_help=True)
    parser.add_argument("command", choices=["serve"])
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=environment.get(variable(name), value))
    parser.add_argument("--account", action="append", default=[])
    given = vars(parser.parse_args(arguments))
    wanted = given["account"] or environment.get("SIMULATOR_ACCOUNT", "").split()
    return Settings(
        port=whole("port", given["port"], 65_535),
        listen=given["listen"],
        pace=pace(given["speed"]),
        data=Path(given["data"]),
        seed=whole("seed", given["seed"], 1 << 62),
        accounts=accounts(wanted),
        start_ms=whole("start", given["start"], 1 << 62) if given["start"] else None,
        fees=Fees(rate("maker-fee", given["maker_fee"]), rate("taker-fee", given["taker_fee"])),
        limits=Limits(),
    )


def variable(name: str) -> str:
    return "SIMULATOR_" + name.upper().replace("-", "_")


def whole(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise BadFlag(f"--{name} {text!r} is not a whole number from 0 to {most}")
    return int(text)


def rate(name: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value < 1:
        raise BadFlag(f"--{name} {text!r} is not a share from 0 to below 1, such as 0.001")
    return value


async def serve(chosen: Settings) -> None:
    """The venue listens until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(chosen, time.time) as venue:
        print(f"listening on {venue.url}, clock {chosen.pace.mode.value} x{chosen.pace.speed:g}", flush=True)
        await stop.wait()
    print("stopped", flush=True)


def main() -> None:
    """Run the command line; wrong input ends with one sentence and status 2."""
    try:
        asyncio.run(serve(settings(sys.argv[1:], os.environ)))
    except (BadFlag, BadData) as error:
        print(f"exchange-simulator: {error}\n{USAGE}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"exchange-simulator: cannot listen or read: {error.strerror or error}\n{USAGE}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
