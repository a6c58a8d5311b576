"""Adapters of the ports to the outside: feeds, clocks and venues. The only folder that knows ccxt.

Errors of libraries are translated here, by what the caller does next.
"""
