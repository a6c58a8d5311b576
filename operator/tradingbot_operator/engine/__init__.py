"""Queue, store, audit and leader: what decides when a bot is looked at, never what is done about it."""
