"""Small checks of a wish for an order, in the venue's order; the first refusal wins. Pure."""
