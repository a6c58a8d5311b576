"""What a person wants to see of a bot: frozen values, no I/O."""
