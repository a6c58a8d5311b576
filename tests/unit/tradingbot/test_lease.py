"""Who is to trade next, as the ledger keeps it."""

import pytest

from tradingbot.domain.lease import Successor


def test_successor_is_three_words_and_is_read_again():
    """Holder, process and revision, in this order."""
    green = Successor("tb_q3v9zk_green", "pod-2/1", "r2")
    assert green.text == "tb_q3v9zk_green pod-2/1 r2"
    assert Successor.parse("tb_q3v9zk_green pod-2/1 r2") == green


@pytest.mark.parametrize("text", ["", "green pod-2/1", "green pod-2/1 r2 r3"])
def test_successor_that_is_not_three_words_is_not_guessed_at(text):
    """Nobody is named by half a line."""
    with pytest.raises(ValueError, match="values to unpack"):
        Successor.parse(text)
