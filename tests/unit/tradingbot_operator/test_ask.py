"""A process that does not answer is unknown, whatever the reason, and nothing else is disturbed by it."""

import asyncio

import aiohttp
import pytest

from tradingbot_operator.cluster.ask import ask


class FakeSession:
    """As aiohttp's, as far as one question goes: it fails."""

    def __init__(self, error):
        self.error, self.asked = error, []

    def get(self, url, timeout):
        self.asked.append(url)
        return self

    async def __aenter__(self):
        raise self.error

    async def __aexit__(self, *_):
        return None


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        aiohttp.ClientConnectionError("refused"),
        RuntimeError("File descriptor 185 is used by transport <TCPTransport closed=False reading=True>"),
        ValueError("no JSON"),
    ],
)
def test_question_that_fails_is_no_answer(error):
    """One of a thousand must not end the polling of all, and with it the operator."""
    session = FakeSession(error)
    assert asyncio.run(ask(session, "10.0.0.5")) is None
    assert session.asked == ["http://10.0.0.5:9090/status"]


def test_address_of_six_is_written_in_brackets():
    """Else its colons are taken for a port."""
    session = FakeSession(TimeoutError())
    asyncio.run(ask(session, "fd00::5", 9090))
    assert session.asked == ["http://[fd00::5]:9090/status"]


def test_fault_in_our_own_work_is_not_hidden():
    """What nobody expects ends the part that met it."""
    with pytest.raises(AssertionError):
        asyncio.run(ask(FakeSession(AssertionError("ours")), "10.0.0.5"))
