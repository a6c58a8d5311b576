"""Where orders not to trade come from, and the journal that keeps them before anything else does.

Here belong the flag file, the pod's annotations and the records on the state volume. What a halt means for orders is
the engine's matter; the latch in the ledger is the ledger's.
"""
