"""How long a pass waits for a process that may stand still."""

import pytest

import make_operator as make
from tradingbot_operator.domain.lease import Sign
from tradingbot_operator.handover import patience


@pytest.mark.parametrize(
    ("silent", "seconds"),
    [(None, 0.3), (0, 0.3), (1099, 0.3), (1100, 0.05), (60_000, 0.05)],
)
def test_a_process_that_stands_still_holds_up_no_pass_that_is_to_replace_it(silent, seconds):
    """Its ledger has not heard of it for two beats: it is asked, and hardly waited for; a younger sign counts."""
    of_others = (Sign("pod-1/old", "trader", 90_000), Sign("pod-2/a", "standby", 5000))
    signs = () if silent is None else (*of_others, Sign("pod-1/new", "trader", silent))
    assert patience("pod-1", make.row(signs=signs) if signs else None) == seconds
