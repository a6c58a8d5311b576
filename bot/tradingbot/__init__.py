"""The trading process.

venue -market-> Candle -strategy-> Intent -risk-> Order | Refusal -execution-> Fill -ledger-> Position -api-> JSON

Capitalised words are frozen values in ``domain``; lower-case words are stage folders that do not import each other;
``engine`` joins them on one page.
"""

__version__ = "0.1.0"
