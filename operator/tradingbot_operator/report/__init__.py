"""Pure: what a status says of a bot."""
