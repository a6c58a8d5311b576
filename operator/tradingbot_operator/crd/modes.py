"""The rules of the two ways to configure a bot, three parameters or everything, and of who decides what."""

from tradingbot_operator.crd.rule import Rule
from tradingbot_operator.domain.autonomous import DERIVED

AUTONOMOUS = "has(self.configMode) && self.configMode == 'autonomous'"
SAID = " || ".join(f"has(self.{part})" for part in DERIVED)

MODES = (
    Rule(
        "strategies-named",
        "spec",
        "!has(self.strategies) || !has(self.strategy) || self.strategies.all(s, s.name != self.strategy.name)",
        "strategies names '{}', which is the strategy of the other markets; name each one once",
        ("(has(self.strategy) ? self.strategy.name : '')",),
        ".strategies",
    ),
    Rule(
        "strategies-markets",
        "spec",
        "!has(self.strategies) || !has(self.exchange)"
        " || self.strategies.all(s, s.symbols.all(m, m in self.exchange.symbols))",
        "strategies lists a market that is not in exchange.symbols; add it there",
        field=".strategies",
    ),
    Rule(
        "expert-complete",
        "spec",
        f"({AUTONOMOUS}) || (has(self.exchange) && has(self.strategy))",
        "exchange and strategy are required; set both, or configMode to autonomous and its three parameters",
        field=".exchange",
    ),
    Rule(
        "autonomous-parameters",
        "spec",
        f"({AUTONOMOUS}) == has(self.autonomous)",
        "configMode autonomous and the part autonomous go together; set both, or neither",
        field=".autonomous",
    ),
    Rule(
        "autonomous-derives",
        "spec",
        f"!({AUTONOMOUS}) || !({SAID})",
        f"configMode is autonomous, which derives {', '.join(DERIVED)}; remove them, or set configMode to expert",
        field=".configMode",
    ),
    Rule(
        "autonomous-paper",
        "spec",
        f"!({AUTONOMOUS}) || !has(self.mode) || self.mode != 'live'",
        "configMode is autonomous, which is never live; set configMode to expert and write down every limit",
        field=".configMode",
    ),
)
