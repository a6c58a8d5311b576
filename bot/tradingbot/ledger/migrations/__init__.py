"""How the ledger's schema came to be: forward only, each step frozen once released."""
