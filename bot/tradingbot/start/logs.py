"""One form of log lines, our own and the libraries': JSON in pods, readable on a terminal, secrets blacked out."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from typing import IO, Any

import structlog
from pydantic import SecretStr
from structlog.types import EventDict, Processor

from tradingbot.domain.logline import component_of
from tradingbot.start.lines import Lines
from tradingbot.start.outlets import Behind, Descriptor, Outlet, Straight

BLACKED = "[secret]"
# Names under which libraries and people log what nobody may read.
NAMES = re.compile(
    r"(?i)(?<![a-z])(api[-_]?key|secret|password|passwd|token|authorization|signature|private[-_]?key|x-mbx-apikey|bearer)"
)
ASSIGNED = re.compile(
    r"(?i)((?:api[-_]?key|secret|password|passwd|token|signature|x-mbx-apikey)[\"']?\s*[=:]\s*[\"']?)([^\s\"'&,;}\[\])]{4,})"
)
BEARER = re.compile(r"(?i)(bearer\s+)([^\s\"',;]+)")
IN_URL = re.compile(r"(://[^\s:/@]*:)([^\s@/]+)(@)")


class Redaction:
    """A processor that blacks out known secrets wherever they stand, and whatever looks like one by its name."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        values = {secret.get_secret_value() for secret in secrets if len(secret) >= 4}
        self._known = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True)))) if values else None

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: self._value(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """*text* without anything secret in it."""
        if self._known:
            text = self._known.sub(BLACKED, text)
        text = BEARER.sub(rf"\1{BLACKED}", text)
        text = ASSIGNED.sub(rf"\1{BLACKED}", text)
        return IN_URL.sub(rf"\1{BLACKED}\3", text)

    def _value(self, key: object, value: object) -> object:
        if (
            isinstance(key, str)
            and NAMES.search(key)
            and value is not None
            and not isinstance(value, (bool, int, float))
        ):
            return BLACKED
        if isinstance(value, dict):
            return {inner: self._value(inner, held) for inner, held in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._value("", held) for held in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(value if isinstance(value, str) else str(value))


def configure(
    level: str, secrets: Iterable[SecretStr], stream: IO[str] | None = None, beside: Sequence[Outlet] = ()
) -> Lines:
    """From now on every line, ours and the libraries', is written to *stream* in one form and without secrets.

    Without a *stream* it is standard output, written behind whoever logs; *beside* are other outlets of every line.
    """
    out = stream or sys.stdout
    pretty = out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    lines = Lines(beside if pretty else (_outlet(stream), *beside))
    # Last, so that nothing is added after it: messages of libraries and tracebacks pass here too.
    redacted = Redaction(secrets)
    lines.setFormatter(_formatter(shared, _placed(lines), redacted, structlog.processors.JSONRenderer()))
    root = logging.getLogger()
    root.handlers = [lines]
    if pretty:
        root.handlers.append(shown := logging.StreamHandler(out))
        shown.setFormatter(_formatter(shared, redacted, structlog.dev.ConsoleRenderer()))
    lines.threshold = level.upper()
    return lines


def _outlet(stream: IO[str] | None) -> Outlet:
    if stream:
        return Straight(stream)
    descriptor = Descriptor(sys.stdout.fileno())
    return Behind("stdout", descriptor.write, descriptor.at_once)


def _formatter(shared: list[Processor], *last: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _one_line,
            *last,
        ],
    )


def _placed(lines: Lines) -> Processor:
    """Every line says how grave it is in capitals, which part and colour it is from, and under which epoch."""

    def place(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["level"] = event["level"].upper()
        event["component"] = component_of(event["logger"])
        own = {"colour": lines.colour, "run_id": lines.session()}
        return {**event, **{name: value for name, value in own.items() if value not in ("", None)}}

    return place


def _one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)
    return event
