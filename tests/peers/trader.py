"""A trading program as small as it can be: an order every 20 ms, its pod's name on each, ended at once by SIGTERM.

Runs by itself in a pod, with the standard library only. It stands for any program that trades and knows of no fence.
"""

import hashlib
import hmac
import http.client
import http.server
import os
import signal
import threading
import time
import urllib.parse

KEY = os.environ.get("TRADER_KEY", "simulator-demo")
EVERY_SECONDS = 0.02


def order(number: int, pod: str) -> str:
    """The signed body of an order far below the market that nobody fills and that does not rest."""
    fields = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "IOC",
        "quantity": "0.001",
        "price": os.environ.get("TRADER_PRICE", "12000"),
        "newClientOrderId": f"{pod[-24:]}-{number}",
        "recvWindow": "2000",
        "timestamp": str(int(time.time() * 1000)),
    }
    text = urllib.parse.urlencode(fields)
    signature = hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{text}&signature={signature}"


def ready() -> None:
    """Port 8000 answers as soon as the program trades."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    pod, host = os.environ["POD_NAME"], os.environ["TRADER_VENUE"]
    headers = {"X-MBX-APIKEY": KEY, "User-Agent": pod, "Content-Type": "application/x-www-form-urlencoded"}
    line, number, due, serving = http.client.HTTPConnection(host, timeout=2), 0, time.monotonic(), False
    while True:
        number += 1
        try:
            line.request("POST", "/api/v3/order", order(number, pod), headers)
            answer = line.getresponse()
            text = answer.read()
            if answer.status != 200:
                print(answer.status, text, flush=True)
            elif not serving:
                ready()
                serving = True
        except OSError as error:
            print(error, flush=True)
            line.close()
        due = max(due + EVERY_SECONDS, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
