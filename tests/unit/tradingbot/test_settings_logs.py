"""Log lines: one form for all, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from tradingbot.start.logs import configure

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where the lines of one test go; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure("debug", [SecretStr(KEY)], stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def refusing() -> None:
    raise ValueError(f"signature of {KEY} refused")


def failing(log: Any) -> None:
    try:
        refusing()
    except ValueError:
        log.exception("request failed")


CALLS: list[Callable[[Any, logging.Logger], object]] = [
    *(lambda log, _, level=level: getattr(log, level)(f"key {KEY}") for level in ("debug", "info", "warning", "error")),
    lambda log, _: log.info("key %s", KEY),
    lambda log, _: log.info("asked", url=f"https://host/?apiKey={KEY}&x=1"),
    lambda log, _: log.info("asked", headers={"X-MBX-APIKEY": KEY, "deep": [{"a": (KEY,)}]}),
    lambda log, _: log.info("asked", **{KEY[:4]: [KEY, {KEY}]}),
    lambda log, _: log.bind(owner=KEY).info("bound"),
    lambda log, _: log.info("bytes", body=KEY.encode()),
    lambda log, _: log.info("object", error=ValueError(KEY)),
    lambda log, _: failing(log),
    lambda _, plain: plain.info("key %s", KEY),
    lambda _, plain: plain.warning("key %(key)s", {"key": KEY}),
    lambda _, plain: failing(plain),
    lambda _, plain: plain.error("failed", exc_info=ValueError(KEY)),
    lambda _, plain: logging.getLogger("sqlalchemy.engine").warning("connect postgresql://blue:%s@db/btc", KEY),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_known_key_is_in_no_line(out: io.StringIO, call: Callable[[Any, logging.Logger], object]) -> None:
    """Whatever way a key takes into a line, it does not come out."""
    call(structlog.stdlib.get_logger("ours"), logging.getLogger("theirs"))
    assert out.getvalue().count("\n") >= 1
    assert KEY not in out.getvalue()
    assert "[secret]" in out.getvalue()


UNKNOWN = [
    ({"apiKey": "abcdefgh"}, "abcdefgh"),
    ({"api_secret": "abcdefgh"}, "abcdefgh"),
    ({"Authorization": "Bearer abcdefgh"}, "abcdefgh"),
    ({"event_text": "Authorization: Bearer abcdefgh"}, "abcdefgh"),
    ({"query": "timestamp=1&signature=abcdefgh&x=1"}, "abcdefgh"),
    ({"body": '{"secret": "abcdefgh"}'}, "abcdefgh"),
    ({"url": "postgresql://blue:abcdefgh@db:5432/btc"}, "abcdefgh"),
    ({"nested": {"password": "abcdefgh"}}, "abcdefgh"),
]


@pytest.mark.parametrize(("fields", "secret"), UNKNOWN)
def test_what_looks_like_a_secret_is_black_though_nobody_knew_it(
    out: io.StringIO, fields: dict[str, Any], secret: str
) -> None:
    """Names such as signature, password or bearer are enough."""
    structlog.stdlib.get_logger("ours").info("line", **fields)
    assert secret not in out.getvalue()
    assert "[secret]" in out.getvalue()


def test_numbers_and_plain_words_stay(out: io.StringIO) -> None:
    """Blackening does not eat what people need."""
    structlog.stdlib.get_logger("ours").info("left", tokens=3, symbol="BTC/USDT", ok=True, none=None, ratio=0.5)
    line = json.loads(out.getvalue())
    assert (line["tokens"], line["symbol"], line["ok"], line["none"], line["ratio"]) == (3, "BTC/USDT", True, None, 0.5)


def test_every_line_is_one_json_object_with_the_same_head(out: io.StringIO) -> None:
    """Our lines and the libraries' have event, level, logger and timestamp."""
    structlog.stdlib.get_logger("ours").warning("one\ntwo", bot="btc")
    logging.getLogger("alembic").warning("theirs %s", 1)
    for line in map(json.loads, out.getvalue().splitlines()):
        assert {"event", "level", "logger", "timestamp"} <= line.keys()


def test_lines_below_the_level_are_not_written() -> None:
    """The level of the settings holds for ours and theirs."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure("warning", [], stream)
        structlog.stdlib.get_logger("ours").info("quiet")
        logging.getLogger("theirs").info("quiet")
        assert stream.getvalue() == ""
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def test_a_short_secret_does_not_blacken_every_line() -> None:
    """A value of three characters is in half of all words; it is not looked for."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure("info", [SecretStr("the"), SecretStr("")], stream)
        structlog.stdlib.get_logger("ours").info("the line")
        assert json.loads(stream.getvalue())["event"] == "the line"
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()
