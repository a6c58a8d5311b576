"""Pure matching: what a leg of price movement does to orders. No account, no clock, no wire format belongs here."""
