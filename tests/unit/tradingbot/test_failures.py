"""Of what sort a failed read is: by the venue's answer, by the library's error, by who did not even ask."""

import importlib

import aiohttp
import pytest

from tradingbot.domain.errors import VenueUnavailable
from tradingbot.venues.binance_talk import BinanceTalk
from tradingbot.venues.consequence import Answered
from tradingbot.venues.dialect import Lost
from tradingbot.venues.failures import COUNTED, TRANSIENT, Failure, of_answer, of_library, of_read
from tradingbot.venues.one_exchange import exchange_class

ANSWERS = {
    (500, 0): "away",
    (503, 0): "away",
    (504, -1007): "away",
    (400, -1001): "away",
    (400, -1006): "away",
    (400, -1007): "away",
    (429, -1003): "rate_limit",
    (418, -1003): "banned",
    (401, -2014): "auth",
    (401, -2015): "auth",
    (400, -1021): "clock",
    (400, -1121): "refused",
    (400, -2010): "refused",
    (400, -2013): "refused",
    (400, 0): "refused",
    (403, 0): "refused",
    (404, 0): "moved",
    (410, 0): "moved",
    (451, 0): "refused",
}
# Each class of the library, with what comes of it when it is all we are given.
LIBRARY = {
    "AccountNotEnabled": "auth",
    "AccountSuspended": "auth",
    "AddressPending": "refused",
    "ArgumentsRequired": "refused",
    "AuthenticationError": "auth",
    "BadRequest": "refused",
    "BadResponse": "away",
    "BadSymbol": "refused",
    "BaseError": "refused",
    "CancelPending": "away",
    "ChecksumError": "clock",
    "ContractUnavailable": "refused",
    "DDoSProtection": "rate_limit",
    "DuplicateOrderId": "refused",
    "ExchangeClosedByUser": "refused",
    "ExchangeError": "refused",
    "ExchangeNotAvailable": "network",
    "InsufficientFunds": "refused",
    "InvalidAddress": "refused",
    "InvalidNonce": "clock",
    "InvalidOrder": "refused",
    "InvalidProxySettings": "refused",
    "ManualInteractionNeeded": "refused",
    "MarginModeAlreadySet": "refused",
    "MarketClosed": "refused",
    "NetworkError": "network",
    "NoChange": "refused",
    "NotSupported": "refused",
    "NullResponse": "away",
    "OnMaintenance": "maintenance",
    "OperationFailed": "away",
    "OperationRejected": "refused",
    "OrderImmediatelyFillable": "refused",
    "OrderNotCached": "refused",
    "OrderNotFillable": "refused",
    "OrderNotFound": "refused",
    "PermissionDenied": "auth",
    "RateLimitExceeded": "rate_limit",
    "RequestTimeout": "network",
    "RestrictedLocation": "refused",
    "UnsubscribeError": "refused",
}


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.items(), ids=str)
def test_an_answer_is_judged_by_its_status_and_code(answer, kind):
    """A 4xx that nobody has listed is refused, not away: asking again changes nothing."""
    status, code = answer
    assert of_answer(Answered(status, {"code": code, "msg": "no"}, {}), BinanceTalk()) == kind


def test_a_venue_that_is_closed_for_work_says_so():
    """It is not asked again at once, as one that fails is."""
    answer = Answered(503, {"code": 1, "msg": "System is under maintenance."}, {})
    assert of_answer(answer, BinanceTalk()) == "maintenance"
    assert Failure.MAINTENANCE not in TRANSIENT


def test_every_error_of_the_library_has_its_consequence():
    """Also those of a new release: this table then lacks them."""
    exchange_class("binance")
    errors = importlib.import_module("ccxt.base.errors")
    found = {
        name: of_library(kind("said"))
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.BaseError)
    }
    assert found == LIBRARY


def test_a_wrong_time_is_no_failure_of_the_network():
    """The library says that it is one: who retries those would ask for ever."""
    assert of_library(errors_of("InvalidNonce")) not in COUNTED


def errors_of(name: str) -> Exception:
    exchange_class("binance")
    made: Exception = getattr(importlib.import_module("ccxt.base.errors"), name)("said")
    return made


CAUSES = {
    "a silence": (Lost("time-out"), Failure.NETWORK),
    "sockets": (aiohttp.ClientOSError("reset"), Failure.NETWORK),
    "an answer": (Answered(503, {}, {}), Failure.AWAY),
    "nobody asked": (None, Failure.UNASKED),
}


@pytest.mark.parametrize(("cause", "kind"), CAUSES.values(), ids=CAUSES)
def test_a_read_failed_as_its_cause_did(cause, kind):
    """What we did not ask ourselves has no cause."""
    error = VenueUnavailable("balances: no")
    error.__cause__ = cause
    assert of_read(error, BinanceTalk()) is kind


def test_what_the_library_says_of_a_silence_counts():
    """A wrong time that came as the library's error is a wrong time."""
    lost, error = Lost("InvalidNonce"), VenueUnavailable("balances: no")
    lost.__cause__, error.__cause__ = errors_of("InvalidNonce"), lost
    assert of_read(error, BinanceTalk()) is Failure.CLOCK


def test_only_what_may_be_gone_is_asked_again():
    """Neither a limit, a key, a time nor a refusal is cured by asking at once."""
    assert {kind.value for kind in TRANSIENT} == {"network", "away"}
