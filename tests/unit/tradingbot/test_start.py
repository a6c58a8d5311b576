"""What the start knows of itself and of its files."""

import time

from tradingbot.start.age import age_seconds


def test_the_age_of_a_process_holds_all_it_has_computed() -> None:
    """It is no less than the time this process has used so far, and it grows."""
    used = time.thread_time()
    first = age_seconds()
    assert used - 0.02 <= first <= age_seconds()
