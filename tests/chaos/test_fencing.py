"""A forced fence against a bot that connects again at once: the rule whose mutant other tests would not see."""

import asyncio
import contextlib
import threading

import psycopg
import pytest

import operator_ledgers
from operator_ledgers import BLUE, LEDGER, Place
from tradingbot.ledger.migrate import migrate
from tradingbot_operator.domain.lease import Fenced, LedgerAway
from tradingbot_operator.ledger import fence as forced
from tradingbot_operator.ledger.postgres import PostgresDoor
from tradingbot_operator.ledger.session import Session


@pytest.fixture(name="place")
def own_place():
    with operator_ledgers.running(migrate, 15) as server:
        yield operator_ledgers.place(server)


class Stubborn:
    """A bot of the blue colour that connects again whenever its session ends, until it is refused or told to stop."""

    def __init__(self, place: Place) -> None:
        self.place, self.told, self.begun = place, threading.Event(), 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.told.is_set():
            with contextlib.suppress(psycopg.OperationalError), self.place.connect(BLUE, autocommit=True) as session:
                self.begun += 1
                while not self.told.is_set():
                    session.execute("SELECT pg_sleep(0.001)")

    def __enter__(self) -> "Stubborn":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.told.set()
        self.thread.join()


@pytest.mark.asyncio
async def test_a_bot_that_connects_again_at_once_is_shut_out(place, monkeypatch):
    """The login goes before the sessions: when the fence has come back, no session is left and none has begun since."""
    epoch, ending = place.trader(), forced.end_sessions

    async def slowly(connection, holder):
        # Time enough to connect again, as after any pause of the operator.
        await ending(connection, holder)
        await asyncio.sleep(0.3)

    monkeypatch.setattr(forced, "end_sessions", slowly)
    door = PostgresDoor(Session(place.fencer), LEDGER)
    with Stubborn(place) as bot:
        while not bot.begun:  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0.01)
        try:
            assert isinstance(await door.fence(epoch), Fenced)
        except LedgerAway as away:
            pytest.fail(f"its sessions came back: {away}")
        finally:
            await door.close()
        assert place.sql(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{BLUE}'") == [(0,)]
