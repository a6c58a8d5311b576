"""Coins behind orders: what an order locks, what a fill moves. Pure; knows no matching and no wire format."""
