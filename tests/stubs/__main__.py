"""``python -m stubs kraken --port 8080``: a stub as a process, which ends with SIGTERM. The key is stub-key."""

import argparse

from aiohttp import web

from stubs import coinbase, kraken, kucoin
from stubs.book import Book

APPS = {"coinbase": coinbase.app, "kraken": kraken.app, "kucoin": kucoin.app}


def main() -> None:
    parser = argparse.ArgumentParser(prog="stubs", description="a stub of a venue's REST answers")
    parser.add_argument("venue", choices=sorted(APPS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    said = parser.parse_args()
    web.run_app(APPS[said.venue](Book()), host=said.host, port=said.port, handle_signals=True)


main()
