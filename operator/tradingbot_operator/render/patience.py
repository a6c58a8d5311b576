"""How patient a bot is with its venue, as its settings say it: durations in strings, and only what the person set."""

from typing import Any

from tradingbot_operator.domain.spec import BotSpec


def exchange(spec: BotSpec) -> dict[str, Any]:
    return _set(timeout=_with("ms", spec.exchange.timeout_ms))


def engine(spec: BotSpec) -> dict[str, Any]:
    return _set(
        backoff_base=_with("s", spec.engine.backoff_base_seconds),
        backoff_max=_with("s", spec.engine.max_backoff_seconds),
    )


def sections(spec: BotSpec) -> dict[str, Any]:
    """``clock_sync`` and ``circuit_breaker``; neither where nothing was said of it."""
    clock, breaker = spec.clock_sync, spec.circuit_breaker
    return _set(
        clock_sync=_set(
            interval=clock.interval if "interval" in clock.model_fields_set else None,
            warn_offset=_with("ms", clock.warn_threshold_ms),
            max_offset=_with("ms", clock.kill_threshold_ms),
        )
        or None,
        circuit_breaker=_set(
            failures=breaker.failures,
            window=_with("s", breaker.window_seconds),
            recovery_timeout=_with("s", breaker.recovery_timeout_seconds),
        )
        or None,
    )


def _with(unit: str, number: int | None) -> str | None:
    return None if number is None else f"{number}{unit}"


def _set(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
