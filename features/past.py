"""What a builder sees of the past: tables rolled up over windows, states at the cutoff.

Builders ask for windows by their length; which rows fall into them is decided by `cut` and
`timeline`, so no builder touches a cutoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, missing_like, values
from features.cut import Cut, Measure, Points, cut
from features.histories import Histories
from features.plan import Plan
from features.tables import CUSTOMER
from features.timeline import EVER, Span, Timeline

if TYPE_CHECKING:
    import ibis


class Rolled:
    """A table rolled up for the points: every method gives one value per point."""

    def __init__(self, cut: Cut, cutoff_days: np.ndarray) -> None:
        self._cut = cut
        self._cutoff_days = cutoff_days

    def last(self, name: str, days: int) -> np.ndarray:
        """A measure over the last `days` days."""
        return self._cut.over(name, Span.last(days))

    def before(self, name: str, days: int) -> np.ndarray:
        """A measure over as many days before those."""
        return self._cut.over(name, Span.before_last(days))

    def ever(self, name: str) -> np.ndarray:
        """A measure over all history before the cutoff."""
        return self._cut.over(name, EVER)

    def days_since(self, name: str) -> np.ndarray:
        """Days from a measured moment to the cutoff."""
        return self._cutoff_days - self.ever(name) / MICROSECONDS_A_DAY

    def trend(self, name: str, days: int) -> np.ndarray:
        """The last window against the one before it: log((now + 1) / (before + 1))."""
        return np.log1p(np.maximum(self.last(name, days), 0)) - np.log1p(
            np.maximum(self.before(name, days), 0)
        )


class Past:
    """The histories as they were known at the points' cutoffs."""

    def __init__(
        self, histories: Histories, plan: Plan, cutoffs: Sequence[date], points: Points
    ) -> None:
        self.histories = histories
        self.plan = plan
        self.windows = plan.windows
        self._points = points
        spans = [EVER]
        spans += [Span.last(days) for days in plan.windows]
        spans += [Span.before_last(days) for days in plan.windows]
        self._timeline = Timeline(cutoffs, spans)
        self.cutoff_days = self._timeline.days[points.cutoff].astype(np.float64)

    def table(self, name: str) -> ibis.Table:
        return self.histories.tables[name]

    def roll(self, rows: ibis.Table, measures: Sequence[Measure], *, time: str) -> Rolled:
        """Measures of a table by its column `time`, ready for any window."""
        result = cut(
            self.histories.engine,
            rows.filter(rows[time].notnull()),
            time=time,
            timeline=self._timeline,
            points=self._points,
            measures=measures,
        )
        return Rolled(result, self.cutoff_days)

    def customers(self, column: str) -> np.ndarray:
        """A column of the customers table, for each point."""
        rows = self.table("customers").order_by(CUSTOMER).select(column)
        return values(self.histories.engine.to_pyarrow(rows)[column])[self._points.customer]

    def running(self, rows: ibis.Table, *, start: str, end: str) -> ibis.Table:
        """Every row at every cutoff it runs at: started before it, and not ended before it.

        Adds the columns ``cutoff_index`` and ``moment`` (the cutoff as a timestamp).
        """
        import ibis
        import pyarrow as pa

        moments = self._timeline.days * MICROSECONDS_A_DAY
        cutoffs = ibis.memtable(
            pa.table(
                {
                    "cutoff_index": pa.array(np.arange(len(moments), dtype=np.int32)),
                    "moment": pa.array(moments).cast(pa.timestamp("us")),
                }
            )
        )
        running = ibis.timestamp("9999-01-01")
        rows = rows.mutate(runs_until=rows[end].fill_null(running))
        rows = rows.join(
            cutoffs, [rows[start] < cutoffs["moment"], rows["runs_until"] >= cutoffs["moment"]]
        )
        if "available_at" in rows.columns:
            known = rows["available_at"].isnull() | (rows["available_at"] < rows["moment"])
            rows = rows.filter(known)
        return rows

    def per_point(self, rows: ibis.Table) -> dict[str, np.ndarray]:
        """The columns of a table with one row per `CUSTOMER` and ``cutoff_index``, per point."""
        table = self.histories.engine.to_pyarrow(rows)
        width = self.histories.customers
        keys = values(table["cutoff_index"]) * width + values(table[CUSTOMER])
        order = np.argsort(keys, kind="stable")
        wanted = self._points.cutoff.astype(np.float64) * width + self._points.customer
        position = np.searchsorted(keys[order], wanted)
        position[position == len(keys)] = 0
        found = keys[order][position] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
        result = {}
        for name in table.column_names:
            if name not in (CUSTOMER, "cutoff_index"):
                given = values(table[name])
                result[name] = missing_like(given, len(wanted))
                result[name][found] = given[order][position[found]]
        return result

    def days_from_cutoff(self, moments: np.ndarray) -> np.ndarray:
        """Days from the cutoff to a moment in microseconds since 1970; negative: before it."""
        return moments / MICROSECONDS_A_DAY - self.cutoff_days
