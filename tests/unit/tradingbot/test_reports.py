"""What is told of the past: sums of trades, and never a number that is not known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from desks import IDENTITY, NOW, WELL, ListeningEngine, StoredLedger, desk
from tradingbot.api.desk import Desk
from tradingbot.api.gauges import Gauges
from tradingbot.api.metrics import BASE, Counters, base_labels, registry
from tradingbot.api.ops import ops_app
from tradingbot.api.rest import http_app
from tradingbot.attempts import Attempts
from tradingbot.domain.realmoney import Safety
from tradingbot.domain.snapshot import NoMetrics
from tradingbot.domain.trade import Account, Trade, sharpe, total, win_ratio

SAID_NOW = "2026-11-21T12:00:00Z"
PEOPLE = {"Authorization": "Bearer people"}


def trade(pnl: str, days_ago: int = 0) -> Trade:
    return Trade("BTC/USDT", Decimal(pnl), Decimal("0.5"), NOW - timedelta(days=days_ago))


ENDED = (trade("3"), trade("-1"), trade("4", 1), trade("0", 8), trade("-2", 40))


def asked(path: str, at: Desk | None = None) -> Any:
    return TestClient(http_app(at or desk(ledger=StoredLedger(ended=ENDED)))).get(path, headers=PEOPLE)


def test_a_yearly_sharpe_ratio_is_that_of_the_daily_returns() -> None:
    """Closes 100, 110, 99, 108.9: returns 10, -10 and 10 percent, by hand 0.28868 a day."""
    closes = [Decimal(each) for each in ("100", "110", "99", "108.9")]
    assert round(sharpe(closes) or Decimal(0), 4) == Decimal("5.5151")


@pytest.mark.parametrize("closes", ["", "100", "100 101", "100 100 100", "100 0 100"])
def test_a_sharpe_ratio_of_too_little_is_unknown(closes: str) -> None:
    """Two days have one return, equal days no spread, and nothing can be divided by nothing."""
    assert sharpe([Decimal(each) for each in closes.split()]) is None


def test_a_share_of_no_trades_is_unknown() -> None:
    assert (win_ratio(()), total(())) == (None, Decimal(0))
    assert (win_ratio(ENDED), total(ENDED)) == (Decimal("0.4"), Decimal(4))


def test_performance_sums_the_window() -> None:
    """Of the last thirty days; the one before them does not count."""
    told = {"days": 30, "total_trades": 4, "win_rate": "50", "total_pnl": "6", "avg_pnl": "1.5"}
    assert asked("/api/reports/performance?days=30").json() == told
    nothing = {"days": 30, "total_trades": 0, "win_rate": None, "total_pnl": "0", "avg_pnl": None}
    assert asked("/api/reports/performance", desk(ledger=StoredLedger())).json() == nothing


def test_daily_results_are_told_by_day_newest_first() -> None:
    assert asked("/api/reports/daily-pnl").json() == [
        {"trade_date": "2026-11-21", "trades": 2, "daily_pnl": "2"},
        {"trade_date": "2026-11-20", "trades": 1, "daily_pnl": "4"},
    ]


def test_today_begins_at_midnight_in_utc() -> None:
    told = asked("/api/reports/trading-summary/today").json()
    assert told == {"since": "2026-11-21T00:00:00Z", "trades": 2, "wins": 1, "losses": 1, "pnl": "2", "fees": "1"}


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "99999999999", "٣"])
def test_a_window_of_no_days_is_refused(days: str) -> None:
    answer = asked(f"/api/reports/performance?days={days}")
    assert (answer.status_code, answer.json()["error"].endswith("is not a number from 1 to 3650: write one")) == (
        422,
        True,
    )


def test_metrics_as_json_say_null_of_what_is_unknown() -> None:
    told = asked("/api/metrics/performance").json()
    assert (told["sharpe_ratio"], told["win_rate"], told["total_pnl"]) == (None, "0.4", "4")
    closes = tuple(Decimal(each) for each in (100, 110, 99))
    told = asked("/api/metrics/performance", desk(ledger=StoredLedger(closes=closes))).json()
    assert (told["sharpe_ratio"], told["win_rate"]) == ("0", None)


def test_memory_is_that_of_this_process() -> None:
    told = asked("/api/metrics/memory").json()
    assert told["rss_bytes"] > 10_000_000
    assert len(told["top"]) == 20
    assert told["top"][0]["objects"] >= told["top"][19]["objects"] > 0
    assert [each["generation"] for each in told["gc"]] == [0, 1, 2]


@pytest.mark.parametrize(("mode", "virtual"), [("paper", True), ("dry-run", True), ("live", False)])
def test_only_live_money_is_real(mode: str, virtual: bool) -> None:
    at = desk(identity=replace(IDENTITY, mode=mode))
    assert asked("/api/portfolio/summary", at).json()["isVirtual"] is virtual
    assert asked("/api/health/safety", at).json()["paperTradingMode"] is virtual


@pytest.mark.parametrize(
    ("safety", "consistent", "checked"),
    [(Safety(), None, None), (Safety(NOW), True, SAID_NOW), (Safety(NOW, ("x",)), False, SAID_NOW)],
)
def test_what_the_last_check_of_paper_mode_found_is_told(
    safety: Safety, consistent: bool | None, checked: str | None
) -> None:
    """With how often something was kept from real money; before anybody has looked nothing is claimed."""
    told = asked("/api/health/safety", desk(safety=safety, blocked=Attempts(count=2))).json()
    assert (told["realTradesBlocked"], told["paperModeConsistent"], told["checkedAt"]) == (2, consistent, checked)
    assert told["differences"] == list(safety.differences)
    assert asked("/api/health/safety", desk()).json()["realTradesBlocked"] == 0


def test_scrapes_tell_what_was_kept_from_real_money_and_whether_paper_is_paper() -> None:
    """Nothing is claimed before anybody has looked; the count begins at 0."""
    well = registry(Gauges(desk(safety=Safety(NOW), blocked=Attempts(count=2))))
    labels = dict(zip(BASE, base_labels(IDENTITY), strict=True))
    assert well.get_sample_value("real_trades_blocked_total", labels) == 2
    assert well.get_sample_value("paper_mode_consistent", labels) == 1
    early = registry(Gauges(desk()))
    assert early.get_sample_value("real_trades_blocked_total", labels) == 0
    assert early.get_sample_value("paper_mode_consistent", labels) is None


def test_each_part_has_a_health_of_its_own() -> None:
    at = desk(ListeningEngine(replace(WELL, exchange="timed out")), ledger=StoredLedger())
    told = asked("/api/health/detailed", at).json()
    assert told["status"] == "unhealthy"
    assert told["components"]["database"] == {"status": "ok", "latency_ms": 0.0}
    assert told["components"]["exchange"] == {"status": "timed out", "last_update": None}
    assert asked("/api/health/detailed", desk(ledger=StoredLedger(away=True))).status_code == 503


def test_lines_to_the_venue_are_told_by_name() -> None:
    """What counts them shows them on both ports."""
    at = desk()
    made = CollectorRegistry()
    count = Counters(made, IDENTITY, at.streams)
    assert asked("/api/health/websockets", at).json()["streams"] == []
    for up in (True, False):
        count.stream("market", up)
        assert asked("/api/health/websockets", at).json()["streams"] == [{"name": "market", "connected": up}]
        labels = dict(zip(BASE, base_labels(IDENTITY), strict=True), stream="market")
        assert made.get_sample_value("websocket_connected", labels) == up
        assert value(registry(Gauges(at)), "api_connected") == up


def test_the_market_of_another_exchange_is_not_told() -> None:
    told = asked("/api/market-data/binance/status").json()
    assert (told["connected"], told["symbols"], told["age_seconds"]) == (True, ["BTC/USDT"], None)
    away = desk(ListeningEngine(replace(WELL, exchange="timed out")))
    assert asked("/api/market-data/binance/status", away).json()["connected"] is False
    answer = asked("/api/market-data/kucoin/status")
    sentence = 'exchange "kucoin" is not traded on by this bot: write binance'
    assert (answer.status_code, answer.json()) == (404, {"error": sentence})


def seen(account: Account | None) -> CollectorRegistry:
    return registry(Gauges(desk(account=account)))


def value(made: CollectorRegistry, name: str) -> float | None:
    return made.get_sample_value(name, dict(zip(BASE, base_labels(IDENTITY), strict=True)))


def test_what_the_ledger_has_not_told_has_no_series() -> None:
    """A rule on it is silent; 0 would be a number that nobody knows."""
    names = ("total_pnl", "win_rate", "sharpe_ratio", "database_size_bytes", "database_connections_active")
    assert [value(seen(None), name) for name in names] == [None] * 5
    assert [value(seen(Account((), (), 4096, None)), name) for name in names] == [0, None, None, 4096, None]
    closes = tuple(Decimal(each) for each in (100, 110, 99))
    assert [value(seen(Account(ENDED, closes, 4096, 7)), name) for name in names] == [4, 0.4, 0, 4096, 7]


def test_the_ledger_is_asked_behind_the_scrape_and_not_at_each() -> None:
    """The answer stands at the next scrape, is asked for again after ten seconds, and goes when the ledger does."""
    now = 100.0
    ledger = StoredLedger(ended=ENDED)
    at = desk(ledger=ledger, monotonic=lambda: now)
    with TestClient(ops_app(at, registry(Gauges(at)))) as client:

        def told() -> bool:
            return "\ntotal_pnl{" in client.get("/metrics").text

        assert told() is False
        while at.account is None:
            client.get("/ping")
        assert told() is True
        ledger.away = True
        assert told() is True
        now = 111.0
        told()
        while at.account is not None:
            client.get("/ping")
        assert told() is False


def test_a_ledger_that_takes_long_to_sum_up_is_asked_the_less_often() -> None:
    """Two seconds of work are followed by a hundred without: a scrape must not cost a trader its processor."""
    now, asked = 100.0, []

    class Slow(StoredLedger):
        def account(self) -> Account:
            nonlocal now
            asked.append(now)
            now += 2
            return super().account()

    at = desk(ledger=Slow(ended=ENDED), monotonic=lambda: now)
    with TestClient(ops_app(at, registry(Gauges(at)))) as client:
        client.get("/metrics")
        while at.account is None:
            client.get("/ping")
        for moment in (150.0, 199.0, 200.0):
            now = moment
            client.get("/metrics")
        while len(asked) < 2:
            client.get("/ping")
    assert asked == [100.0, 200.0]


def test_a_metric_is_counted_by_side_and_the_clock_is_shown() -> None:
    made = CollectorRegistry()
    count = Counters(made, IDENTITY)
    labels = dict(zip(BASE, base_labels(IDENTITY), strict=True))
    assert made.get_sample_value("signals_total", {**labels, "strategy": "sma_cross", "side": "buy"}) == 0
    count.signal("sma_cross", "buy")
    count.dropped("sma_cross", "buy")
    assert made.get_sample_value("signals_dropped_total", {**labels, "strategy": "sma_cross", "side": "buy"}) == 1
    assert made.get_sample_value("signals_total", {**labels, "strategy": "sma_cross", "side": "buy"}) == 1
    assert made.get_sample_value("clock_sync_last_timestamp_seconds", labels) == 0
    count.clock(0.4)
    assert made.get_sample_value("clock_offset_seconds", labels) == 0.4
    assert (made.get_sample_value("clock_sync_last_timestamp_seconds", labels) or 0) > 1e9


def test_nothing_is_counted_where_nobody_counts() -> None:
    nothing = NoMetrics()
    assert [nothing.signal("s", "buy"), nothing.stream("market", True), nothing.clock(0.0)] == [None, None, None]
    assert nothing.dropped("s", "buy") is None
