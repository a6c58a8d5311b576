"""The words of the exchange: frozen values. No clock, no socket, no wire format belongs here."""
