"""The rate gate: one budget for every bot behind one address of the internet (port 3001)."""
