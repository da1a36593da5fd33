"""What a family of features sees: the histories of a chunk of customers as known at the cutoffs.

Families ask for measures over windows and get one value per point; where and when history is cut is
decided here and in `cut`, once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrays import MICROSECONDS_A_DAY, missing_like, values
from features.cut import Cut, Points
from features.plan import Plan
from features.reads import CUTOFF, Layout
from features.tables import CUSTOMER
from features.timeline import EPOCH, EVER, Span, Timeline

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

    def over(self, name: str, span: Span) -> np.ndarray:
        """A measure over a span that the timeline was made for."""
        return self._cut.over(name, span)

    def days_since(self, name: str) -> np.ndarray:
        """Days from a measured moment to the cutoff."""
        return self._cutoff_days - self.ever(name) / MICROSECONDS_A_DAY

    def days_between(self, first: str, last: str) -> np.ndarray:
        """Days from the day of one measured moment to that of another, ever."""
        return np.floor(self.ever(last) / MICROSECONDS_A_DAY) - np.floor(
            self.ever(first) / MICROSECONDS_A_DAY
        )

    def trend(self, name: str, days: int) -> np.ndarray:
        """The last window against the one before it: log((now + 1) / (before + 1))."""
        now, before = np.maximum(self.last(name, days), 0), np.maximum(self.before(name, days), 0)
        return np.log((now + 1) / (before + 1))


@dataclass(frozen=True)
class Chunk:
    """Some customers with their rows, as the engine sent them.

    Attributes
    ----------
    customers
        Their indices.
    points
        The points of these customers.
    rows
        By read, Arrow batches in any order.
    """

    customers: range
    points: Points
    rows: Callable[[str], Iterable[Any]]


class Past:
    """The histories of a chunk as they were known at the points' cutoffs.

    Attributes
    ----------
    plan, windows
        What decides on the columns.
    cutoff_days
        The cutoff of each point, in days since 1970; float64.
    """

    def __init__(
        self, plan: Plan, timeline: Timeline, layouts: Mapping[str, Layout], chunk: Chunk
    ) -> None:
        self.plan = plan
        self.windows = plan.windows
        self.cutoff_days = timeline.days[chunk.points.cutoff].astype(np.float64)
        self._timeline = timeline
        self._layouts = layouts
        self._chunk = chunk
        self._owner = chunk.points.customer.astype(np.int64) - chunk.customers.start
        self._tables: dict[str, dict[str, np.ndarray]] = {}
        self._rolled: dict[str, Rolled] = {}

    def rolled(self, name: str) -> Rolled:
        """The measures of a `Roll`, ready for any window."""
        if name not in self._rolled:
            found = Cut(
                self._timeline,
                self._layouts[name],
                self._chunk.rows(name),
                customers=self._chunk.customers,
                owner=self._owner,
                cutoff=self._chunk.points.cutoff,
            )
            self._rolled[name] = Rolled(found, self.cutoff_days)
        return self._rolled[name]

    def traits(self, name: str, column: str) -> np.ndarray:
        """A column of `Traits`, for each point; missing for customers without a row."""
        rows = self._table(name)
        place = rows[CUSTOMER].astype(np.int64) - self._chunk.customers.start
        given = rows[column]
        by_customer = missing_like(given, len(self._chunk.customers))
        by_customer[place] = given
        return by_customer[self._owner]

    def state(self, name: str) -> dict[str, np.ndarray]:
        """The columns of a `State`, for each point; missing where nothing held."""
        rows = self._table(name)
        width = len(self._chunk.customers)
        keys = rows[CUTOFF] * width + (rows[CUSTOMER] - self._chunk.customers.start)
        place = np.full(len(self._timeline.days) * width, -1)
        place[keys.astype(np.int64)] = np.arange(len(keys))
        wanted = place[self._chunk.points.cutoff.astype(np.int64) * width + self._owner]
        found = wanted >= 0
        result = {}
        for column, given in rows.items():
            if column not in (CUSTOMER, CUTOFF):
                result[column] = missing_like(given, len(wanted))
                result[column][found] = given[wanted[found]]
        return result

    def days_from_cutoff(self, moments: np.ndarray) -> np.ndarray:
        """Days from the cutoff to a moment in microseconds since 1970; negative: before it."""
        return moments / MICROSECONDS_A_DAY - self.cutoff_days

    def _table(self, name: str) -> dict[str, np.ndarray]:
        import pyarrow as pa

        if name not in self._tables:
            table = pa.Table.from_batches(list(self._chunk.rows(name)))
            self._tables[name] = {c: values(table[c]) for c in table.column_names}
        return self._tables[name]


class Present:
    """What a family declares its reads from: the histories' tables, and the cutoffs to come."""

    def __init__(self, tables: Mapping[str, ibis.Table], plan: Plan, timeline: Timeline) -> None:
        self._tables = tables
        self.plan = plan
        self._timeline = timeline

    def table(self, name: str) -> ibis.Table:
        return self._tables[name]

    def running(self, rows: ibis.Table, *, start: str, end: str) -> ibis.Table:
        """Every row at every cutoff it runs at: started before it, and not ended before it.

        Adds the columns `CUTOFF` and ``moment`` (the cutoff as a timestamp).
        """
        import ibis

        moments = self._moments()
        running = ibis.timestamp("9999-01-01")
        rows = rows.mutate(runs_until=rows[end].fill_null(running))
        rows = rows.join(
            moments, [rows[start] < moments["moment"], rows["runs_until"] >= moments["moment"]]
        )
        if "available_at" in rows.columns:
            known = rows["available_at"].isnull() | (rows["available_at"] < rows["moment"])
            rows = rows.filter(known)
        return rows

    def _moments(self) -> ibis.Table:
        """The cutoffs as a table, written out: each engine has it without being given one."""
        import ibis

        days = [EPOCH + timedelta(days=int(day)) for day in self._timeline.days]
        index = ibis.array([ibis.literal(n, "int32") for n in range(len(days))]).unnest()
        rows = index.name(CUTOFF).as_table()
        moments = [
            (rows[CUTOFF] == n, ibis.timestamp(f"{day} 00:00:00")) for n, day in enumerate(days)
        ]
        return rows.mutate(moment=ibis.cases(*moments, else_=ibis.null("timestamp(6)")))
