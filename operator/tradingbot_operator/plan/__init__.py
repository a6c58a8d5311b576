"""Pure: what is to be done about one bot, from what is asked and what exists."""
