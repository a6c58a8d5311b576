"""The names that runbooks and reports ask for, as views: nothing is stored twice, and nobody has to write them."""

from alembic import op

revision = "0003"
down_revision = "0002"
readable_from = "0001"
writable_from = "0002"  # views and an index: code of 0002 writes as before
indexes = {"idx_trades_timestamp": "fills (at)"}


def upgrade() -> None:
    connection = op.get_bind()
    walk, words = (WALK_SQLITE, SQLITE) if connection.dialect.name == "sqlite" else (WALK_POSTGRESQL, POSTGRESQL)
    for statement in (*walk, *VIEWS):
        text = statement.replace(":steps", STEPS)
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        connection.exec_driver_sql(text, execution_options={"no_parameters": True})


# SQLite keeps money as text and has only floats to count with: its reports are good to some fifteen digits.
SQLITE = {":number": "REAL", ":slash": "instr(symbol, '/')", ":day": "substr(at, 1, 10)"}
POSTGRESQL = {":number": "numeric", ":slash": "strpos(symbol, '/')", ":day": "CAST(at AS date)"}

# Each fill in the order of time, with what it took and gave, in the quote coin.
STEPS = """
SELECT id, symbol, side, client_id, epoch, at, CAST(quantity AS :number) AS quantity, CAST(price AS :number) AS price,
       CASE commission_asset WHEN substr(symbol, 1, :slash - 1) THEN CAST(commission AS :number) ELSE 0 END AS fee_base,
       CASE commission_asset WHEN substr(symbol, :slash + 1) THEN CAST(commission AS :number) ELSE 0 END AS fee,
       row_number() OVER (PARTITION BY symbol ORDER BY at, length(trade_id), trade_id) AS n
  FROM fills
"""

# What is held after each fill, what it cost and the fees on it: a sell takes its share of both away.
WALK_POSTGRESQL = (
    """
CREATE FUNCTION after_fill(sums numeric[], side text, quantity numeric, price numeric, fee_base numeric, fee numeric)
RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN side = 'buy' THEN ARRAY[sums[1] + quantity - fee_base, sums[2] + quantity * price, sums[3] + fee]
            WHEN sums[1] > quantity + fee_base
            -- Rounded, for each division would add digits.
            THEN ARRAY[sums[1] - quantity - fee_base, round(sums[2] - sums[2] * (quantity + fee_base) / sums[1], 18),
                       round(sums[3] - sums[3] * (quantity + fee_base) / sums[1], 18)]
            ELSE ARRAY[sums[1] - quantity - fee_base, 0, 0] END
$$
""",
    """
CREATE AGGREGATE after_fills(side text, quantity numeric, price numeric, fee_base numeric, fee numeric)
(SFUNC = after_fill, STYPE = numeric[], INITCOND = '{0,0,0}')
""",
    """
CREATE VIEW walked_fills AS
SELECT id, symbol, side, client_id, epoch, at, quantity, price, fee_base, fee, n,
       sums[1] AS held, sums[2] AS cost, sums[3] AS fees
  FROM (SELECT steps.*, after_fills(side, quantity, price, fee_base, fee) OVER (PARTITION BY symbol ORDER BY n) AS sums
          FROM (:steps) AS steps) AS summed
""",
)

WALK_SQLITE = (
    """
CREATE VIEW walked_fills AS
WITH RECURSIVE steps AS (:steps),
walk (symbol, n, held, cost, fees) AS (
SELECT DISTINCT symbol, 0, 0.0, 0.0, 0.0 FROM steps
UNION ALL
SELECT s.symbol, s.n, CASE s.side WHEN 'buy' THEN w.held + s.quantity ELSE w.held - s.quantity END - s.fee_base,
       CASE WHEN s.side = 'buy' THEN w.cost + s.quantity * s.price
            WHEN w.held > s.quantity + s.fee_base THEN w.cost - w.cost * (s.quantity + s.fee_base) / w.held
            ELSE 0.0 END,
       CASE WHEN s.side = 'buy' THEN w.fees + s.fee
            WHEN w.held > s.quantity + s.fee_base THEN w.fees - w.fees * (s.quantity + s.fee_base) / w.held
            ELSE 0.0 END
  FROM walk w JOIN steps s ON s.symbol = w.symbol AND s.n = w.n + 1
)
SELECT s.id, s.symbol, s.side, s.client_id, s.epoch, s.at, s.quantity, s.price, s.fee_base, s.fee, s.n,
       w.held, w.cost, w.fees
  FROM walk w JOIN steps s ON s.symbol = w.symbol AND s.n = w.n
""",
)

TRADES = """
CREATE VIEW trades AS
SELECT t.client_id AS id, max(t.epoch) AS session_id, t.symbol AS symbol, 'long' AS side, sum(t.quantity) AS size,
       sum(t.cost_gone) / sum(t.quantity + t.fee_base) AS entry_price,
       sum(t.quantity * t.price) / sum(t.quantity) AS exit_price,
       sum(t.quantity * t.price - t.cost_gone - t.fees_gone - t.fee) AS pnl, sum(t.fees_gone + t.fee) AS fees,
       max(i.purpose) AS purpose, max(i.reason) AS exit_reason,
       min(t.entered_at) AS entry_time, max(t.at) AS exit_time, max(t.at) AS timestamp
  FROM (SELECT walked_fills.*, COALESCE(lag(cost) OVER past, 0) - cost AS cost_gone,
               COALESCE(lag(fees) OVER past, 0) - fees AS fees_gone,
               max(CASE side WHEN 'buy' THEN at END) OVER past AS entered_at
          FROM walked_fills WINDOW past AS (PARTITION BY symbol ORDER BY n)) AS t
  LEFT JOIN intents i ON i.client_id = t.client_id
 WHERE t.side = 'sell'
 GROUP BY t.client_id, t.symbol
"""

# The price of this moment is the venue's to tell, not the ledger's.
POSITIONS = """
CREATE VIEW positions AS
SELECT w.symbol, 'long' AS side, CASE WHEN w.held = 0 THEN 'CLOSED' ELSE 'OPEN' END AS status, w.held AS size,
       CASE WHEN w.held = 0 THEN NULL ELSE w.cost / w.held END AS entry_price,
       (SELECT CAST(o.stop_price AS :number) FROM orders o WHERE o.symbol = w.symbol AND o.purpose = 'stop'
         AND o.status IN ('intended', 'unknown', 'open', 'partial') ORDER BY o.timestamp DESC LIMIT 1) AS stop_loss,
       CAST(NULL AS :number) AS current_price, CAST(NULL AS :number) AS unrealized_pnl,
       (SELECT max(b.at) FROM fills b WHERE b.symbol = w.symbol AND b.side = 'buy') AS entry_time, w.at AS updated_at
  FROM walked_fills w
 WHERE w.n = (SELECT count(*) FROM fills f WHERE f.symbol = w.symbol)
"""

SESSIONS = """
CREATE VIEW trading_sessions AS
SELECT h.epoch AS id, h.instance, h.revision, l.mode, h.at AS start_time,
       (SELECT min(e.at) FROM lease_history e WHERE e.epoch >= h.epoch AND e.id > h.id) AS end_time,
       CAST(COALESCE((SELECT b.equity FROM equity b WHERE b.epoch < h.epoch ORDER BY b.id DESC LIMIT 1),
                     (SELECT b.equity FROM equity b WHERE b.epoch = h.epoch ORDER BY b.id LIMIT 1)) AS :number)
       AS initial_balance
  FROM lease_history h CROSS JOIN ledger l
 WHERE h.event IN ('claim', 'named') AND h.instance IS NOT NULL
"""

VIEWS = (
    TRADES,
    POSITIONS,
    SESSIONS,
    """
CREATE VIEW account_balances AS
SELECT id, at AS timestamp, CAST(equity AS :number) AS balance, CAST(peak AS :number) AS peak,
       'ledger' AS source, epoch AS session_id
  FROM equity
""",
    """
CREATE VIEW trade_executions AS
SELECT f.id, f.trade_id, f.client_id AS order_id, f.symbol, f.side, CAST(f.quantity AS :number) AS quantity,
       CAST(f.price AS :number) AS price, CAST(f.commission AS :number) AS commission, f.commission_asset,
       f.at AS executed_at, l.mode <> 'live' AS is_paper_trade, f.epoch AS session_id
  FROM fills f CROSS JOIN ledger l
""",
    """
CREATE VIEW performance_metrics AS
SELECT d.date, d.equity_low, d.equity_high, count(t.pnl) AS trades, count(CASE WHEN t.pnl > 0 THEN 1 END) AS wins,
       COALESCE(sum(t.pnl), 0) AS pnl, COALESCE(sum(t.fees), 0) AS fees
  FROM (SELECT :day AS date, min(CAST(equity AS :number)) AS equity_low, max(CAST(equity AS :number)) AS equity_high
          FROM equity GROUP BY :day) AS d
  LEFT JOIN (SELECT :day AS date, pnl, fees FROM (SELECT exit_time AS at, pnl, fees FROM trades) AS ended) AS t
    ON t.date = d.date
 GROUP BY d.date, d.equity_low, d.equity_high
""",
    """
CREATE VIEW schema_migrations AS
SELECT version, readable_from, writable_from, CAST(NULL AS text) AS applied_at FROM schema_compat
""",
)
