"""The life of orders.

Written to the ledger, sent at most once, settled by query, covered by a stop, closed within budget. No other stage
reaches the venue's writes, and here only ``send`` does.
"""
