"""Recorded prices on the venue's clock: what has been revealed, and when the next price is due. No orders here."""
