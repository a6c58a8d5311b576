"""Binance's spot wire format: how requests are read and answers written. No decision about orders belongs here."""
