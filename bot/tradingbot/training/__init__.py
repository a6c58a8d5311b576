"""What recorded candles teach: pure, seconds of arithmetic, no venue, no ledger, no clock, no randomness."""
