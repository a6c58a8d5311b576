"""kubectl tradingbot: what is my bot doing.

kubectl -observe-> BotView -table-> text
"""

__version__ = "0.1.0"
