"""The only folder that talks to a ledger: the lease functions, the fence, and the roles that may log in."""
