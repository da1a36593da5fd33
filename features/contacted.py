"""Who was contacted or held out, and what came of it: the contacts as an experiment.

A row is a customer in a campaign, looked at on the day of its contact. What happened before that
day decides whether it counts; what happened after it never does, or the groups would no longer be
alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.arrays import days, indices
from features.catalogue import Feature
from features.churn import Definition, Standings
from features.compute import Column, Family, compute
from features.cut import Points
from features.histories import Histories
from features.past import Past, Present
from features.plan import NO_PLAN
from features.points import UNKNOWN, LabelledPoints
from features.reads import Measure, Read, Roll, count
from features.revenue import NET
from features.tables import CUSTOMER
from features.timeline import EPOCH, Span, Timeline

if TYPE_CHECKING:
    import ibis
    import pandas as pd

TREATED, HELD_OUT = "treated", "holdout"
MOST_DAYS = 24
"""So many cutoffs at most are looked at for what was known before contacts."""
REPEATED = "repeated"
BOTH_GROUPS = "in_both_groups"
OVERLAPPING = "overlapping_campaign"
NOT_ACTIVE = "not_active"
REASONS = (BOTH_GROUPS, REPEATED, OVERLAPPING, NOT_ACTIVE)
"""Why a row of contacts is no part of the experiment."""

PLACE = ("customer", "campaign", "day")
FAR = 1_000_000
"""More days than histories have, and horizons."""


@dataclass(frozen=True)
class Contacted:
    """Customers in campaigns, ordered by day and customer.

    Attributes
    ----------
    rows
        ``customer`` (index), ``day`` (since 1970), ``campaign``, ``action`` (may be None),
        ``treated`` (bool), ``cost`` (NaN: not told), and ``churned``: 1, 0, or `UNKNOWN` where the
        histories do not reach to the end of the window yet.
    left_out_of
        By campaign, how many of its rows do not count, by reason.
    contacted_again
        How many rows of each group were contacted by another campaign within their window.
    every_contact
        ``customer``, ``day`` and ``campaign`` of every contact that was made, of those left out,
        too.
    """

    rows: pd.DataFrame
    left_out_of: Mapping[str, Mapping[str, int]]
    contacted_again: dict[str, int]
    every_contact: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, kept: np.ndarray) -> Contacted:
        """Some of the rows, by a mask; the counts and every contact stay those of all."""
        return replace(self, rows=self.rows[kept].reset_index(drop=True))

    def of_campaign(self, name: str) -> Contacted:
        """The rows of one campaign, and how many of its rows do not count."""
        left_out = {name: self.left_out_of.get(name, {})}
        here = (self.rows["campaign"] == name).to_numpy()
        return replace(self.some(here), left_out_of=left_out)

    @property
    def left_out(self) -> dict[str, int]:
        """Rows of contacts that do not count, by reason."""
        counts = self.left_out_of.values()
        found = {why: sum(own.get(why, 0) for own in counts) for why in REASONS}
        return {why: count for why, count in found.items() if count}

    @property
    def matured(self) -> np.ndarray:
        """Whether it is known what came of each row."""
        return self.rows["churned"].to_numpy() != UNKNOWN

    @cached_property
    def points(self) -> LabelledPoints:
        """The same as prediction points: each customer at the beginning of its day."""
        return self._points(self.rows["day"].to_numpy())

    @cached_property
    def points_to_see(self) -> LabelledPoints:
        """The same for vectors, of many days at `MOST_DAYS` that lie at or before them.

        Each further cutoff costs, and what is known some days before a contact serves as well.
        """
        day = self.rows["day"].to_numpy()
        if len(np.unique(day)) <= MOST_DAYS:
            return self.points
        step = int(np.ceil((day.max() - day.min() + 1) / MOST_DAYS))
        return self._points(day - (day - day.min()) % step)

    def _points(self, days_of_rows: np.ndarray) -> LabelledPoints:
        found, where = np.unique(days_of_rows, return_inverse=True)
        dates = tuple(EPOCH.fromordinal(EPOCH.toordinal() + int(day)) for day in found)
        customer = self.rows["customer"].to_numpy().astype(np.int32)
        points = Points(where.astype(np.int32), customer)
        return LabelledPoints(dates, points, self.rows["churned"].to_numpy(dtype=np.int8), ())


def contacted(
    histories: Histories, definition: Definition, *, known_before: date | None = None
) -> Contacted | None:
    """The contacts on record with what came of them; None where there are none.

    Parameters
    ----------
    known_before
        Only contacts that were made before this day and known by then; by default all.

    Churned is who leaves within `horizon_days` of the day of the contact: the lead is the team's,
    and it is over by then.

    Left out are rows after the first of a customer in a campaign, customers in both groups of one,
    those who were no customers on that day, and those whom another campaign had contacted so lately
    that its window was still open, or took in on the same day: whose effect that was, nobody knows.
    """
    if "contacts" not in histories.tables:
        return None
    every = _read(histories, known_before)
    rows, left_out = _once_each(every)
    made = every.loc[every["treated"], [*PLACE]]
    again = _by_another(rows, made, 1, definition.horizon_days - 1)
    open_ = _by_another(rows, made, 1 - definition.horizon_days, 0)
    open_ |= rows.duplicated(["customer", "day"], keep=False).to_numpy()
    left_out[OVERLAPPING] = rows["campaign"][open_]
    rows, again = rows[~open_].reset_index(drop=True), again[~open_]
    active, churned = _outcomes(histories, definition, rows)
    left_out[NOT_ACTIVE] = rows["campaign"][~active]
    rows = rows.assign(churned=churned)[active].reset_index(drop=True)
    treated = rows["treated"].to_numpy()
    found = {
        TREATED: int(again[active][treated].sum()),
        HELD_OUT: int(again[active][~treated].sum()),
    }
    return Contacted(rows, _by_campaign(left_out), found, made)


def _by_campaign(left_out: Mapping[str, pd.Series]) -> dict[str, dict[str, int]]:
    """By campaign, rows by reason; from the campaigns of the rows that each reason left out."""
    found: dict[str, dict[str, int]] = {}
    for why, campaigns in left_out.items():
        for name, rows in campaigns.value_counts(sort=False).items():
            found.setdefault(str(name), {})[why] = int(rows)
    return found


def _read(histories: Histories, known_before: date | None) -> pd.DataFrame:
    """All good rows of contacts that were known by then, in a stable order."""
    import pandas as pd

    table = histories.tables["contacts"]
    if known_before is not None:
        table = _known(table, known_before)
    named = [CUSTOMER, "occurred_at", "campaign", "action", "group"]
    with_cost = "cost" in table.columns
    found = histories.engine.to_pyarrow(table.select(*named, *["cost"] * with_cost))
    frame = pd.DataFrame(
        {
            "customer": indices(found[CUSTOMER]),
            "at_time": found["occurred_at"].to_numpy(),
            "day": days(found["occurred_at"], null=0),
            "campaign": found["campaign"].to_pandas().astype(object),
            "action": found["action"].to_pandas().astype(object),
            "treated": found["group"].to_pandas().eq(TREATED).to_numpy(bool),
            "cost": found["cost"].to_numpy().astype(float) if with_cost else np.nan,
        }
    )
    frame["campaign"] = frame["campaign"].where(frame["campaign"].notna(), "")
    frame["action"] = frame["action"].where(frame["action"].notna(), None)
    order = ["at_time", "customer", "campaign", "treated", "action", "cost"]
    return frame.sort_values(order, kind="stable").reset_index(drop=True)


def _known(table: ibis.Table, before: date) -> ibis.Table:
    """The rows that were made, and known, before a day."""
    import ibis

    moment = ibis.timestamp(f"{before} 00:00:00")
    table = table.filter(table["occurred_at"] < moment)
    if "available_at" not in table.columns:
        return table
    return table.filter((table["available_at"] < moment) | table["available_at"].isnull())


def _once_each(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """The first row of each customer in each campaign; nobody who is in both groups of one.

    With it, by reason, the campaigns of all other rows.
    """
    key = ["customer", "campaign"]
    both = rows.groupby(key)["treated"].transform("nunique").to_numpy() > 1
    repeated = rows.duplicated(key).to_numpy() & ~both
    kept = rows[~both & ~repeated].sort_values(["day", "customer", "campaign"], kind="stable")
    left_out = {why: rows["campaign"][m] for why, m in ((BOTH_GROUPS, both), (REPEATED, repeated))}
    return kept.drop(columns="at_time").reset_index(drop=True), left_out


def _by_another(rows: pd.DataFrame, made: pd.DataFrame, first: int, last: int) -> np.ndarray:
    """Whether each row's customer was contacted by another campaign, `first` to `last` days after.

    Of all contacts that were made: one that counts for no campaign was made all the same.
    """
    within = (first, last)
    return _contacts(rows, made, PLACE[:1], within) > _contacts(rows, made, PLACE[:2], within)


def _contacts(
    rows: pd.DataFrame, made: pd.DataFrame, by: Sequence[str], within: tuple[int, int]
) -> np.ndarray:
    """How many contacts each row's customer had in these days after it, by all or by its own."""
    import pandas as pd

    both = pd.concat([made, rows[[*PLACE]]])
    group = both.groupby([*by], sort=False).ngroup().to_numpy(dtype=np.int64)
    place = group * FAR + both["day"].to_numpy(dtype=np.int64)
    known, own = np.sort(place[: len(made)]), place[len(made) :]
    begin, end = (own + days for days in within)
    return np.searchsorted(known, end, "right") - np.searchsorted(known, begin, "left")


def _outcomes(
    histories: Histories, definition: Definition, rows: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row's customer was one on its day, and whether it left in the window."""
    active = np.zeros(len(rows), dtype=bool)
    churned = np.full(len(rows), UNKNOWN, dtype=np.int8)
    found, where = np.unique(rows["day"].to_numpy(), return_inverse=True)
    dates = [EPOCH.fromordinal(EPOCH.toordinal() + int(day)) for day in found]
    if not dates:
        return active, churned
    standings = Standings(histories, replace(definition, lead_days=0), dates)
    customer = rows["customer"].to_numpy()
    for index in range(len(dates)):
        here = np.flatnonzero(where == index)
        standing = standings.at(index)
        who = customer[here]
        active[here] = standing.active[who] & ~standing.left_in_lead[who]
        if standing.churned is not None:
            churned[here] = standing.churned[who]
    return active, churned


def contacted_within(histories: Histories, points: LabelledPoints, *, within: int) -> np.ndarray:
    """Whether each point's customer was contacted in the days after its cutoff: it is known now."""
    if "contacts" not in histories.tables:
        return np.zeros(len(points), dtype=bool)
    treated = count("treated", lambda rows: rows["group"] == TREATED)
    return _after(histories, points, "contacts", treated, within) > 0


def paid_after(histories: Histories, points: LabelledPoints, *, within: int) -> np.ndarray | None:
    """What each point's customer paid in the days after, less refunds; None without payments."""
    if "payments" not in histories.tables:
        return None
    return _after(histories, points, "payments", NET, within)


def _after(
    histories: Histories, points: LabelledPoints, table: str, measure: Measure, within: int
) -> np.ndarray:
    """A measure of a table's rows in the days after each point's cutoff."""
    span = Span(0, within)

    def reads(present: Present) -> dict[str, Read]:
        rows = histories.tables[table]
        # What came in late is known by now.
        late = [name for name in ("available_at",) if name in rows.columns]
        return {"after": Roll(rows.drop(*late), "occurred_at", [measure])}

    def columns(past: Past) -> Iterator[Column]:
        yield _AFTER, past.rolled("after").over(measure.name, span)

    timeline = Timeline(points.cutoffs, [span])
    family = Family("", reads, columns)
    return compute(histories, NO_PLAN, timeline, points.points, [family])[0][1]


_AFTER = Feature("after", "what came after the cutoff", "any", "usage", "")
