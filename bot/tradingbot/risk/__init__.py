"""May it be done, and how much: ordered pure checks and sizing.

The first refusal wins; exits are never refused for risk.
"""
