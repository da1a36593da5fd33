"""Which files are which of our tables, and which of their columns are which of ours.

A guess goes by names (`guess_words`) and by values (`guess_kinds`): a column is taken only when its
values can be read. What cannot be had is told with the reason rather than guessed at any price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from features.tables import TABLES, Table
from pipeline.guess_columns import FIRM, Columns
from pipeline.guess_ids import Joins
from pipeline.guess_kinds import misfit
from pipeline.guess_samples import Profile
from pipeline.guess_words import table_score, words


@dataclass(frozen=True)
class Mapped:
    """How the columns of some files become those of one of our tables.

    ``columns`` maps ours to theirs; ``why`` explains the guesses that are no plain matter of
    names; ``unfit`` says of columns with a fitting name why they are not taken; ``missing`` are
    required columns that were not found.
    """

    table: Table
    profile: Profile
    columns: Mapping[str, str]
    why: Mapping[str, str] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    score: float = 0.0

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def pattern(self) -> str:
        return self.profile.group.pattern

    @property
    def through_subscriptions(self) -> bool:
        return "customer_id" not in self.columns

    @property
    def renamed(self) -> dict[str, str]:
        """What the config has to say: columns that do not bear our name already.

        A column that bears our name and cannot be read would make its rows bad: an empty name
        says that it is not there.
        """
        there = {name for name in self.profile.columns if name not in self.columns.values()}
        unread = {ours: "" for ours in self.unfit if ours in there and ours not in self.columns}
        # A column that is taken for two of ours loses its own name, unless that is said.
        taken = list(self.columns.values())
        return {
            ours: theirs
            for ours, theirs in self.columns.items()
            if ours != theirs or taken.count(theirs) > 1
        } | unread


@dataclass(frozen=True)
class LeftOut:
    """Files that are no table of the config, and why; ``mapped`` is what they came nearest to."""

    profile: Profile
    why: str
    mapped: Mapped | None = None


@dataclass(frozen=True)
class Guess:
    """What was made of all files: tables by our name, and what is left out."""

    tables: Mapping[str, Mapped]
    left_out: tuple[LeftOut, ...]


def guess_tables(profiles: Sequence[Profile]) -> Guess:
    """The best table for every group of files; each table and each group is taken once."""
    mapped = [_mapped(profile, table) for profile in profiles for table in TABLES.values()]
    chosen = _joined(_with_right_customers(_choose(mapped), mapped))
    chosen = _one_row_per_customer(chosen)
    return Guess(chosen, _left_out(profiles, mapped, chosen))


def _mapped(
    profile: Profile,
    table: Table,
    fixed: Mapping[str, str] | None = None,
    *,
    named: float | None = None,
) -> Mapped:
    """The best mapping of a profile to a table, complete or not.

    ``named`` tells how well the file's name suits the table, where its name does not.
    """
    named = _name_score(profile, table.name) if named is None else named
    found = Columns(profile, table, fixed or {}, named=named > 0)
    missing = tuple(name for name in table.required if name not in found.columns)
    if found.through_subscriptions:
        missing = tuple(name for name in missing if name != "customer_id")
    # A table whose file bears no telling name has to show it by all of its columns' names.
    required = [name for name in table.required if found.scores.get(name, 0) >= FIRM]
    share = len(required) / len(table.required)
    optional = sum(min(found.scores[c], 1) for c in found.columns if c not in table.required)
    score = 4 * named + 2 * share + 0.25 * min(optional, 4)
    told = named > 0 or (share == 1 and _is_telling(table, found))
    return Mapped(
        table=table,
        profile=profile,
        columns=found.in_order(),
        why=found.why,
        unfit=found.unfit,
        missing=missing,
        score=score if told else 0.0,
    )


def _name_score(profile: Profile, table: str) -> float:
    """The file's own name counts first, the folders it lies in a little less."""
    scores = [table_score(name, table) for name in profile.group.names]
    own, *folders = scores or [0.0]
    return own or max((0.9 * score for score in folders), default=0.0)


def _is_telling(table: Table, found: Columns) -> bool:
    """Whether columns alone, without a telling file name, speak for a table."""
    own = {
        "customers": lambda: found.unique("customer_id") and found.scores["signed_up_at"] > 1.9,
        "subscriptions": lambda: "ended_at" in found.columns,
        "usage": lambda: found.scores["event"] >= 1.9,
        "payments": lambda: found.scores["amount"] >= FIRM,
        "tickets": lambda: found.scores["ticket_id"] > 1.9,
        "surveys": lambda: found.scores["score"] >= 1.9,
        "contacts": lambda: True,
        "churned": lambda: "churn" in "".join(words(found.columns["churned_at"])),
    }
    return own[table.name]()


def _choose(mapped: Sequence[Mapped]) -> dict[str, Mapped]:
    """The highest scores first; ties go to the larger table, then by name."""
    complete = [m for m in mapped if m.score > 0 and not m.missing and m.profile.sampled]
    order = sorted(complete, key=lambda m: (-round(m.score, 6), -m.profile.group.size, m.pattern))
    chosen: dict[str, Mapped] = {}
    taken: set[str] = set()
    for one in order:
        if one.name not in chosen and one.pattern not in taken:
            chosen[one.name] = one
            taken.add(one.pattern)
    return with_owners({name: chosen[name] for name in TABLES if name in chosen})


def with_owners(chosen: Mapping[str, Mapped]) -> dict[str, Mapped]:
    """Without subscriptions, a table that names only subscriptions names nobody."""
    if "subscriptions" in chosen:
        return dict(chosen)
    return {name: one for name, one in chosen.items() if not one.through_subscriptions}


def _with_right_customers(
    chosen: Mapping[str, Mapped], mapped: Sequence[Mapped]
) -> dict[str, Mapped]:
    """Where both users and their companies could be the customers: those whom most tables name."""
    taken = {one.pattern for name, one in chosen.items() if name != "customers"}
    others = [m for m in mapped if m.name == "customers" and m.score > 4 and not m.missing]
    possible = [m for m in others if m.pattern not in taken and m.profile.sampled]
    if len(possible) < 2 or "customers" not in chosen:
        return dict(chosen)
    met = {one.pattern: Joins({**chosen, "customers": one}).met for one in possible}
    first = chosen["customers"].pattern
    best = max(possible, key=lambda m: (round(met[m.pattern], 1), m.pattern == first, m.score))
    return {**chosen, "customers": best}


def _joined(chosen: Mapping[str, Mapped]) -> dict[str, Mapped]:
    """The tables again, with the customer ids whose values meet across tables."""
    joins = Joins(chosen)
    result = {}
    for name, one in chosen.items():
        fixed, remapped = joins.ids.get(name), one
        if fixed and fixed.theirs is None:
            kept = {c: t for c, t in one.columns.items() if c != "customer_id"}
            remapped = replace(one, columns=kept)
        elif fixed and fixed.theirs and fixed.theirs != one.columns.get("customer_id"):
            remapped = _mapped(one.profile, one.table, {"customer_id": fixed.theirs})
        if not remapped.missing:
            why = {"customer_id": fixed.why} if fixed and fixed.why else {}
            result[name] = replace(remapped, why={**remapped.why, **why}, score=one.score)
    return with_owners(result)


def _one_row_per_customer(chosen: Mapping[str, Mapped]) -> dict[str, Mapped]:
    """A customers table that tells ends, where nothing else does, is a table of subscriptions.

    Its other columns are not used as attributes: beside an end, they are seldom from sign-up.
    """
    customers = chosen.get("customers")
    if customers is None or "churned" in chosen or "subscriptions" in chosen:
        return dict(chosen)
    key = {"customer_id": customers.columns["customer_id"]}
    spans = _mapped(customers.profile, TABLES["subscriptions"], key, named=1.0)
    if spans.missing or "ended_at" not in spans.columns:
        return dict(chosen)
    told = "some left, so these are read as subscriptions; other columns may be known only later"
    spans = replace(spans, why={**spans.why, "ended_at": told})
    rest = {name: one for name, one in chosen.items() if name != "customers"}
    made = {**rest, "subscriptions": spans}
    return {name: made[name] for name in TABLES if name in made}


def _left_out(
    profiles: Sequence[Profile], mapped: Sequence[Mapped], chosen: Mapping[str, Mapped]
) -> tuple[LeftOut, ...]:
    taken = {one.pattern for one in chosen.values()}
    found = []
    for profile in profiles:
        if profile.group.pattern in taken:
            continue
        mine = [m for m in mapped if m.profile is profile]
        best = max(mine, key=lambda m: _name_score(profile, m.name) * 10 + m.score)
        nearest = best if best.score else None
        found.append(LeftOut(profile, _why_left(nearest, profile, chosen), nearest))
    return tuple(found)


def _why_left(best: Mapped | None, profile: Profile, chosen: Mapping[str, Mapped]) -> str:
    if not profile.sampled:
        return "has no rows"
    if best is None:
        return "its name and columns tell no table"
    if best.missing:
        return f"looks like {best.name}, but lacks {', '.join(best.missing)}"
    if best.name in chosen:
        return f"looks like {best.name}, too, but a table is one file or one glob"
    return f"looks like {best.name}, but its ids meet no customer"


def candidates(mapped: Mapped, ours: str) -> list[str]:
    """Their columns that a missing one could be: of the right kind, or refused with a reason."""
    column = mapped.table.column(ours)
    taken = set(mapped.columns.values())
    if column is None:
        return []
    free = [name for name in mapped.profile.columns if name not in taken]
    return [name for name in free if not misfit(column, mapped.profile, name)]
