"""Finds, for one of our tables, which columns of some files are which of ours.

Names come first, then what is left over: the only time, the only number with decimals. A column is
taken only when its values can be read, and never twice; what is refused is told with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.tables import Column as Ours
from features.tables import Table
from pipeline.guess_kinds import misfit
from pipeline.guess_samples import Column, Profile
from pipeline.guess_words import KEY_WORDS, OTHER_TIMES, column_score, words

FIRM = 1.0
"""From this score on a column's name alone tells what it is."""
MOST_KINDS = 200
"""A column with more different texts than this tells no kinds of events."""


class Columns:
    """Finds the columns of one table in one profile: names first, then what is left over."""

    def __init__(
        self, profile: Profile, table: Table, fixed: Mapping[str, str], *, named: bool
    ) -> None:
        self.profile = profile
        self.table = table
        self.named = named
        self.columns: dict[str, str] = dict(fixed)
        self.scores: dict[str, float] = dict.fromkeys(fixed, 2.0)
        self.why: dict[str, str] = {}
        self.unfit: dict[str, str] = {}
        self._by_name()
        self._by_elimination()

    @property
    def through_subscriptions(self) -> bool:
        """Whether the rows name their customer by its subscription."""
        joins = self.table.name not in ("customers", "subscriptions")
        return joins and "customer_id" not in self.columns and "subscription_id" in self.columns

    def in_order(self) -> dict[str, str]:
        """The mapping in the order in which our columns are declared."""
        declared = [c.name for c in self.table.columns if c.name in self.columns]
        more = [name for name in self.columns if name not in declared]
        return {name: self.columns[name] for name in (*declared, *more)}

    def unique(self, ours: str) -> bool:
        """Whether no two sampled rows share a value."""
        theirs = self.columns.get(ours)
        column = self.profile.columns[theirs] if theirs else None
        return column is not None and column.distinct >= 0.99 * column.given

    def _by_name(self) -> None:
        pairs = [
            (score, -place, ours.name, theirs)
            for place, ours in enumerate(self._wanted())
            for theirs in self.profile.columns
            if (score := self._score(theirs, ours)) > 0
        ]
        for score, _, name, theirs in sorted(pairs, key=lambda pair: (-pair[0], -pair[1])):
            if name in self.columns or theirs in self.columns.values():
                continue
            ours = self._ours(name)
            wrong = self._misfit(ours, theirs)
            if wrong:
                self._refuse(name, theirs, wrong, score)
            else:
                self._take(name, theirs, score)

    def _wanted(self) -> list[Ours]:
        joins = self.table.name not in ("customers", "subscriptions")
        through = [self._ours("subscription_id")] if joins else []
        return [*self.table.columns, *through]

    def _ours(self, name: str) -> Ours:
        return self.table.column(name) or Ours(name, "id", "the subscription", required=False)

    def _score(self, theirs: str, ours: Ours) -> float:
        table = self.table.name if self.table.column(ours.name) else "subscriptions"
        score = column_score(theirs, table, ours.name)
        weak = ours.name == "subscription_id" and table != self.table.name and score < 1.5
        if weak or (ours.name == "customer_id" and not self.named and not _names_person(theirs)):
            return 0.0
        return score

    def _misfit(self, ours: Ours, theirs: str) -> str:
        wrong = misfit(ours, self.profile, theirs)
        if wrong or theirs == ours.name:
            return wrong
        one_each = (self.table.name, ours.name) in _UNIQUE
        column = self.profile.columns[theirs]
        if one_each and column.distinct < 0.95 * column.given:
            return "names several rows each"
        return ""

    def _take(self, ours: str, theirs: str, score: float, why: str = "") -> None:
        self.columns[ours] = theirs
        self.scores[ours] = score
        self.unfit.pop(ours, None)
        if why:
            self.why[ours] = why

    def _refuse(self, ours: str, theirs: str, wrong: str, score: float) -> None:
        if score >= FIRM and ours not in self.unfit:
            every = "; every row counts as paid" if ours == "status" else ""
            self.unfit[ours] = f"{theirs!r} {wrong}{every}"

    def _by_elimination(self) -> None:
        """Required columns without a telling name: what else they could only be."""
        for name in self.table.required:
            if name not in self.columns and name in _ELIMINATION:
                found = _ELIMINATION[name](self)
                if found and (self.named or found[1] >= FIRM):
                    self._take(name, *found)

    def free(self) -> list[Column]:
        taken = set(self.columns.values())
        return [c for c in self.profile.columns.values() if c.name not in taken]

    def the_time(self) -> tuple[str, float, str] | None:
        """The first time that is none of another kind, such as a due date."""
        ours = Ours("time", "time", "when")
        times = [
            c
            for c in self.free()
            if c.times and not _is_other_time(c.name) and not misfit(ours, self.profile, c.name)
        ]
        if not times:
            return None
        if len(times) == 1:
            return times[0].name, FIRM, "the only time"
        return times[0].name, 0.5, f"the first of {len(times)} times in the table"

    def the_amount(self) -> tuple[str, float, str] | None:
        """The only number with decimals."""
        broken = [
            c
            for c in self.free()
            if not misfit(self._ours("amount"), self.profile, c.name) and c.whole < c.given
        ]
        return (broken[0].name, 0.5, "the only number with decimals") if len(broken) == 1 else None

    def the_kind(self) -> tuple[str, float, str] | None:
        """A text, or else another column, with few different values."""
        few = [c for c in self.free() if c.given == c.sampled and not _is_key(c.name)]
        texts = [c for c in few if c.is_text and c.distinct <= MOST_KINDS]
        texts = [c for c in texts if not c.times and c.numbers < c.given]
        others = [c for c in few if c.distinct <= 10 and not c.is_time]
        for found in (texts, others):
            if found:
                best = max(found, key=lambda c: (c.distinct > 1, -c.distinct))
                return best.name, 0.5, f"the nearest to a kind: {best.distinct} different values"
        return None

    def the_key(self) -> tuple[str, float, str] | None:
        """A key of the rows; where each customer has one row, the customer's own key."""
        for column in self.free():
            is_id = not misfit(self._ours("subscription_id"), self.profile, column.name)
            if is_id and _is_key(column.name) and column.distinct >= 0.99 * column.given:
                return column.name, 0.5, "a different value in every row"
        ended = "ended_at" in self.columns and "started_at" in self.columns
        if ended and self.unique("customer_id"):
            return self.columns["customer_id"], 0.5, "one row per customer, so its id is the row's"
        return None


_UNIQUE = {
    ("customers", "customer_id"),
    ("tickets", "ticket_id"),
}
"""Columns that name one row each."""

_ELIMINATION = {
    "occurred_at": Columns.the_time,
    "opened_at": Columns.the_time,
    "amount": Columns.the_amount,
    "event": Columns.the_kind,
    "kind": Columns.the_kind,
    "subscription_id": Columns.the_key,
}


def _names_person(theirs: str) -> bool:
    """Whether a column's name speaks of a customer, rather than of any row."""
    return words(theirs) != ("id",) and "email" not in words(theirs)


def _is_key(name: str) -> bool:
    return bool(set(words(name)) & set(KEY_WORDS))


def _is_other_time(name: str) -> bool:
    return bool(set(words(name)) & OTHER_TIMES)
