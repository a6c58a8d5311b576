"""How money, times and words stand in both databases, exactly."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from tradingbot.domain.errors import UnknownState
from tradingbot.domain.words import storable

INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Money(TypeDecorator[Decimal]):
    """A decimal kept digit by digit: NUMERIC, or text where the database only has floats."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError(f"{value} is no amount")
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        if value is None:
            return None
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise UnknownState(f'the ledger holds "{value}" where an amount belongs') from None
        if not amount.is_finite():
            raise UnknownState(f'the ledger holds "{value}" where an amount belongs')
        return amount


class Words(TypeDecorator[str]):
    """What a person or a venue has written: an odd character in it must not keep a halt or an outcome out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else storable(value)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz, or text of fixed width that sorts as time does."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.strftime(INSTANT) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                raise UnknownState(f'the ledger holds "{value}" where a time belongs') from None
        moment: datetime = value.astimezone(UTC)
        return moment
