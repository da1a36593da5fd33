"""Which id columns name customers across tables: those whose values meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.sql import name_of
from pipeline.guess_samples import Column, Profile, id_sql
from pipeline.guess_words import column_score, joined

if TYPE_CHECKING:
    from pipeline.guess_tables import Mapped

MEET = 0.5
"""Ids join when at least this share of a table's ids is found among the customers."""
STRANGE = 0.9
"""A column whose name does not speak of customers needs this share."""
MOST_IDS = 5_000
KEPT_IDS = '"ids of customers"'


@dataclass(frozen=True)
class JoiningId:
    """The id column of a table, or None where it is joined through subscriptions; and why."""

    theirs: str | None
    why: str


@dataclass(frozen=True)
class _Meeting:
    """A column, the share of its ids that are customers, and how much that tells."""

    theirs: str
    share: float
    weight: float


class Joins:
    """The customer ids of all chosen tables: by table name, which column, and the evidence.

    ``met`` sums up how well the other tables' ids meet those of the customers.
    """

    def __init__(self, chosen: Mapping[str, Mapped]) -> None:
        self.chosen = chosen
        self.ids: dict[str, JoiningId] = {}
        self.met = 0.0
        if "customers" in chosen and len(chosen) > 1:
            self._with_customers(chosen["customers"])

    def _with_customers(self, customers: Mapped) -> None:
        others = {name: one for name, one in self.chosen.items() if name != "customers"}
        guessed = customers.columns["customer_id"]
        best: dict[str, dict[str, _Meeting]] = {}
        for key in self._keys(customers):
            self._keep_ids(customers, key)
            best[key] = {name: self._best(one, customers, key) for name, one in others.items()}
        sums = {key: sum(m.weight for m in found.values()) for key, found in best.items()}
        key = max(best, key=lambda key: (round(sums[key], 1), key == guessed))
        met = sum(meeting.share >= MEET for meeting in best[key].values())
        told = "another table has" if met == 1 else f"{met} other tables have"
        self.ids["customers"] = JoiningId(key, f"{told} the same values" if met else "")
        self.met = sums[key]
        for name, meeting in best[key].items():
            self._settle(name, others[name], meeting)

    def _settle(self, name: str, one: Mapped, meeting: _Meeting) -> None:
        told = f"{meeting.share:.0%} of its values are customers"
        if meeting.share >= MEET:
            self.ids[name] = JoiningId(meeting.theirs, told)
        elif "subscription_id" in one.columns and name != "subscriptions":
            self.ids[name] = JoiningId(None, "")
        elif "customer_id" in one.columns:
            self.ids[name] = JoiningId(one.columns["customer_id"], f"but only {told}")

    def _keys(self, customers: Mapped) -> list[str]:
        """Columns of the customers table that could be their id: one value each."""
        unique = [
            c.name
            for c in customers.profile.columns.values()
            if c.given and c.distinct >= 0.95 * c.given and c.filled > MEET and _may_be_id(c)
        ]
        guessed = customers.columns["customer_id"]
        return unique if guessed in unique else [guessed, *unique]

    def _best(self, one: Mapped, customers: Mapped, key: str) -> _Meeting:
        """The column of a table whose ids meet the customers' best.

        Columns whose names do not speak of customers are looked at only where no other meets.
        """
        columns = list(one.profile.columns.values())
        named = [c for c in columns if column_score(c.name, one.name, "customer_id") > 0]
        for group, least in ((named, MEET), (_strangers(columns), STRANGE)):
            found = [self._meeting(one.profile, column, customers, key) for column in group]
            close = [meeting for meeting in found if meeting.share >= least]
            if close:
                return max(close, key=lambda meeting: round(meeting.weight, 2))
        return _Meeting(one.columns.get("customer_id", ""), 0.0, 0.0)

    def _meeting(self, one: Profile, column: Column, customers: Mapped, key: str) -> _Meeting:
        """How many of a table's sampled ids the customers have.

        Whole numbers meet by chance, so ids with different names count half.
        """
        theirs = id_sql(column.name, column.type)
        query = (
            f"SELECT count(id) / count(*) FROM (SELECT DISTINCT {theirs} AS theirs "
            f"FROM {one.sample} WHERE {name_of(column.name)} IS NOT NULL "
            f"ORDER BY hash(theirs), theirs LIMIT {MOST_IDS}) LEFT JOIN {KEPT_IDS} ON id = theirs"
        )
        share = one.fetch(query)[0][0] or 0.0
        own = {
            joined(key),
            *(joined(f"{name[-1]} {key}") for name in customers.profile.group.names),
        }
        return _Meeting(column.name, share, share * (1.0 if joined(column.name) in own else 0.5))

    def _keep_ids(self, customers: Mapped, key: str) -> None:
        profile = customers.profile
        profile.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {KEPT_IDS} AS SELECT DISTINCT "
            f"{id_sql(key, profile.types[key])} AS id FROM {profile.rows_sql}"
        )


def _may_be_id(column: Column) -> bool:
    texts = column.is_text and not column.times
    numbers = column.is_number and column.whole == column.given
    return texts or numbers


def _strangers(columns: list[Column]) -> list[Column]:
    """Ids by another name: with letters, since numbers meet other numbers by chance."""
    return [c for c in columns if c.is_text and not c.times and not c.numbers and c.distinct > 20]
