"""How a venue fails: the words of the bot, and the reasons people read."""

BREAKER_OPEN = "BreakerOpen"
# The plainest word first: where the breaker of its market data is open too, that says less.
KINDS = {
    "banned": "IpBanned",
    "maintenance": "Maintenance",
    "rate_limit": "RateLimited",
    "moved": "EndpointChanged",
    "network": "Network",
}
READ = "read last_error in atb breaker list; it closes by itself, or by atb breaker reset"
REASONS = (
    (BREAKER_OPEN, "an operation at the venue failed too often; entries wait, what protects or leaves goes on", READ),
    (
        "IpBanned",
        "the venue has shut this address out for a while; nothing is asked until then",
        "find who asks so much",
    ),
    ("Maintenance", "the venue says that it is closed for maintenance", "wait; trading resumes by itself"),
    (
        "RateLimited",
        "the venue says that it was asked too often (429)",
        "ask less: spec.engine.checkInterval, rate gate",
    ),
    ("EndpointChanged", "the venue does not know a call any more (404)", "see exchange.endpoint, or use a newer image"),
    ("Network", "no answer comes from the venue", "look at DNS, NetworkPolicies and the way out: atb doctor"),
)


def reason(kinds: frozenset[str]) -> str:
    """One reason for all the ways in which it fails."""
    return next((reason for kind, reason in KINDS.items() if kind in kinds), BREAKER_OPEN)
