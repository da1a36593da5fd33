"""How values become ids, moments, numbers and booleans: the embedded engine's way, for all.

What does not parse becomes null, without stopping anything. `Casts` makes expressions that DuckDB
runs; an engine that computes in another database overrides what that database says differently.
"""

from __future__ import annotations

from typing import Any

WHOLE_NUMBER = r"^(-[1-9][0-9]{0,17}|0|[1-9][0-9]{0,17})$"


class Casts:
    """Expressions for the values of raw columns."""

    def as_id(self, value: Any) -> Any:
        """An id as a whole number or text; null where it is neither, or empty."""
        kind = value.type()
        if kind.is_integer() and not kind.is_uint64():
            return value.cast("int64")
        if kind.is_floating() or kind.is_decimal():
            return self.whole_of(value)
        return value.cast("string").nullif("")

    def whole_of(self, value: Any) -> Any:
        """A number with a fraction as a whole one; null where it is none."""
        return (value % 1 == 0).ifelse(value, None).try_cast("int64")

    def is_whole(self, text: Any) -> Any:
        """Whether a text is a whole number in the one way it is written."""
        return text.re_search(WHOLE_NUMBER)

    def as_time(self, value: Any, timezone: str) -> Any:
        """A naive timestamp on the wall clock of `timezone` (the engine's clock is set to it)."""
        import ibis.expr.datatypes as dt

        return self.as_instant(value, timezone).cast(dt.Timestamp(scale=6))

    def as_instant(self, value: Any, timezone: str) -> Any:
        """Text as instants: without an offset in the engine's time zone, with one converted."""
        import ibis
        import ibis.expr.datatypes as dt

        if value.type().is_string():
            given = value.strip()
            given = (given.lower() == "epoch").ifelse(None, given)
            moment = given.try_cast(dt.Timestamp(timezone=timezone))
            # 1/2/25 would be read as a day of the year 1: whose day and month, nobody knows.
            return (moment >= ibis.timestamp("1000-01-01 00:00:00+00:00")).ifelse(moment, None)
        return value

    def as_number(self, value: Any) -> Any:
        kind = value.type()
        if kind.is_integer():
            return value
        if kind.is_boolean():
            return value.cast("int8")
        return self.float_of(value) if kind.is_string() else value.cast("float64")

    def float_of(self, text: Any) -> Any:
        """A text as a number."""
        return text.try_cast("float64")

    def as_bool(self, value: Any) -> Any:
        kind = value.type()
        if kind.is_boolean():
            return value
        if kind.is_string():
            return self.bool_of(value.strip())
        return value.isin([0, 1]).ifelse(value == 1, None)

    def bool_of(self, text: Any) -> Any:
        """A text as a boolean."""
        return text.try_cast("boolean")

    def finite(self, value: Any) -> Any:
        """Whether a floating-point value is a number: neither NaN nor infinite; null for null.

        A Parquet file's statistics leave NaN out, and DuckDB 2.0 believes them where it is asked
        for NaN or for a range: only this function looks at the values.
        """
        import ibis

        @ibis.udf.scalar.builtin
        def isfinite(value: float) -> bool: ...  # type: ignore[empty-body]

        return isfinite(value.cast("float64"))

    def always_new(self, kind: Any) -> bool:
        """Whether a typed value may be null though the given one of the same type is not."""
        return False
