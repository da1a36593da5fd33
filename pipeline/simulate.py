"""Demo histories with a known truth: what drives each customer's churn, and how likely it is.

A simulated subscription business stands in for data that cannot be shared, and it is the only
kind in which a model's probabilities and reasons can be compared with the real ones.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UsageError
from pipeline.world import (
    CAUSES,
    DAY,
    FIRST_LEAVING_DAY,
    LAST_LEAVING_DAY,
    NEVER,
    Array,
    Calendar,
    Contract,
    Dunning,
    Engagement,
    People,
    Settings,
    Support,
    draw_people,
)
from pipeline.world_tables import TABLES, History, ids, texts

MAX_CUSTOMERS = 200_000
MIN_MONTHS, MAX_MONTHS = 3, 120
STREAMS = ("people", "engagement", "dunning", "support", "contract", "leaving", "mood", *TABLES)
MAIN_FROM = 0.4  # a cause that adds less log-odds than this is no main cause
CLEAR_FROM = 1.0  # a clear one adds at least this much, and twice as much as the second

Streams = dict[str, np.random.Generator]


@dataclass(frozen=True)
class Simulated:
    """What was written: the folder, rows per table, and whom the business lost."""

    path: Path
    rows: dict[str, int]
    churned: int
    months: list[dt.date]


def simulate(out: Path, *, customers: int, months: int, seed: int) -> Simulated:
    """Write the six tables of a simulated business to the folder `out`, and `truth.parquet`.

    The history ends at 2026-11-01 and begins `months` earlier; `customers` sign up within it.
    The same arguments give the same bytes. The folder appears whole or not at all; one that an
    earlier run wrote is replaced, any other that holds files is left alone with a `UsageError`.

    `truth.parquet` has a row per customer and first of a month at which the customer was active:
    the true probability of leaving within that month, what each cause adds to its log-odds
    (`churn_probability` is the logistic function of `log_odds_base` plus all `cause_*`), which
    cause is the main one, whether it is so clearly, and whether the customer left.
    """
    _check_number("--customers", customers, 1, MAX_CUSTOMERS)
    _check_number("--months", months, MIN_MONTHS, MAX_MONTHS)
    _check_number("--seed", seed, 0, 2**63 - 1)
    out = Path(out).resolve()
    _check_folder(out)
    children = np.random.SeedSequence(seed).spawn(len(STREAMS))
    streams = {name: np.random.default_rng(c) for name, c in zip(STREAMS, children, strict=True)}
    history, truth = live(customers, Calendar(months), Settings(), streams)
    rows = _write_folder(out, history, truth, streams)
    cutoffs = history.calendar.names[:months].astype("datetime64[D]").tolist()
    return Simulated(out, rows, int((history.ended < NEVER).sum()), cutoffs)


def _check_number(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(
            f"{option} is out of range",
            where=f"churn simulate {option}",
            value=value,
            allowed=f"a whole number from {least} to {most}",
        )


def _check_folder(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out.is_dir() and (out / "truth.parquet").is_file()):
        raise UsageError(
            "the place for the demo histories is taken by something that was not simulated",
            where="churn simulate OUT",
            value=out,
            allowed="a new or empty folder, or one that churn simulate wrote",
            fix="name another folder",
        )


@dataclass(frozen=True)
class Outlook:
    """What is true at the first of a month, one entry per customer."""

    active: Array  # bool
    base: Array  # log-odds
    causes: dict[str, Array]  # log-odds that each cause adds
    chance: Array  # of leaving within the month
    leaving: Array  # bool: what came of it


class World:
    """The customers and all that moves them, month by month."""

    def __init__(self, count: int, calendar: Calendar, s: Settings, streams: Streams) -> None:
        self.calendar, self.s, self.leave_rng = calendar, s, streams["leaving"]
        self.people = draw_people(count, calendar, s, streams["people"])
        self.engagement = Engagement(self.people, s, streams["engagement"])
        self.dunning = Dunning(self.people, s, streams["dunning"])
        self.support = Support(self.people, s, streams["support"])
        self.contract = Contract(self.people, s, streams["contract"], calendar)
        self.mood = streams["mood"].normal(8.2, 1.0, count)
        self.ended, self.cancelled = np.full(count, NEVER), np.full(count, NEVER)

    def look_ahead(self, month: int) -> Outlook:
        """Who will leave in this month, decided by nothing but what came before it."""
        now = int(self.calendar.first[month])
        causes = {
            "usage": self.engagement.log_odds(),
            "payments": self.dunning.log_odds(now),
            "support": self.support.log_odds(now),
            "subscription": self.contract.log_odds_term(month),
            "onboarding": onboarding_log_odds(self.people, now, self.s),
            "price": self.contract.log_odds_price(month),
        }
        active = (self.people.started < now) & (self.ended >= now)
        base = base_log_odds(self.people, self.calendar, month, self.s)
        chance = 1 / (1 + np.exp(-(base + sum(causes.values()))))
        leaving = active & (self.leave_rng.random(len(active)) < chance)
        return Outlook(active, base, causes, chance, leaving)

    def take_place(self, month: int, outlook: Outlook) -> None:
        """The month itself: ends, declines, renewals, charges, tickets."""
        end, notice = _leave(self.people, self.calendar, month, self.leave_rng)
        self.ended = np.where(outlook.leaving, end, self.ended)
        self.cancelled = np.where(outlook.leaving, notice, self.cancelled)
        first = self.calendar.first[month]
        present = (self.people.start_month <= month) & (self.ended >= first)
        causes = outlook.causes
        trouble = causes["support"] + causes["price"]
        self.engagement.advance(month, trouble)
        staying = outlook.active & ~outlook.leaving
        self.contract.advance(month, staying, trouble + causes["usage"])
        # After the contract: charges are at this month's price.
        self.dunning.advance(month, self.calendar, present, self.contract.price)
        self.support.advance(month, self.calendar, present, causes["payments"])

    def satisfaction(self, outlook: Outlook) -> Array:
        """0..10 before noise; payments and terms are no matter of liking."""
        causes = outlook.causes
        felt = causes["usage"] + causes["support"] + causes["price"] + 0.5 * causes["onboarding"]
        return np.asarray(self.mood - 0.9 * felt)


def live(count: int, calendar: Calendar, s: Settings, streams: Streams) -> tuple[History, pa.Table]:
    """All months of the world: what happened, and the truth about it."""
    world = World(count, calendar, s, streams)
    levels, satisfaction, truth = [], [], []
    for month in range(calendar.months):
        outlook = world.look_ahead(month)
        world.take_place(month, outlook)
        levels.append(world.engagement.level)
        satisfaction.append(world.satisfaction(outlook))
        truth.append(_truth(calendar.names[month], outlook))
    history = History(
        people=world.people,
        calendar=calendar,
        ended=world.ended,
        cancelled=world.cancelled,
        level=np.array(levels),
        satisfaction=np.array(satisfaction),
        changes=world.contract.changes,
        rounds=world.dunning.rounds,
        tickets=world.support.tickets,
    )
    return history, pa.concat_tables(truth)


def base_log_odds(people: People, calendar: Calendar, month: int, s: Settings) -> Array:
    """Segment, channel, plan, tenure, season; a running year term keeps customers in."""
    age = month - people.start_month
    ends = (age > 0) & (age % 12 == 0)
    return np.asarray(
        people.by_segment(s.base)
        + np.array(s.base_channel)[people.channel]
        + np.array([0.1, 0.0, -0.2])[people.plan]
        - 0.1 * np.clip(age / 12, 0, 3)
        + np.where(calendar.month_of_year(month) == 1, s.january, 0.0)
        + np.where(people.year & ~ends, s.term_lock, 0.0)
    )


def onboarding_log_odds(people: People, now: int, s: Settings) -> Array:
    """A poor start weighs in full for two months and is forgotten after five."""
    days = (now - people.started) / DAY
    weight = np.clip(days / 14, 0.2, 1) * np.clip((150 - days) / 90, 0, 1)
    poor = np.clip(0.65 - people.onboarding, 0, None) / 0.65
    return np.asarray(people.by_segment(s.onboarding) * poor * weight)


def _leave(
    people: People, calendar: Calendar, month: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """When each customer would end in this month, and give notice (NEVER: without a word).

    What is paid up runs to its end, the small hours of the billing day, before the charge.
    """
    count, first = len(people.started), calendar.first[month]
    age = month - people.start_month
    term = np.where(people.year, age % 12 == 0, True)
    day = rng.integers(FIRST_LEAVING_DAY, LAST_LEAVING_DAY + 1, count)
    day = np.where(term, people.billing_day, day)
    second = np.where(term, rng.integers(0, 7_200, count), rng.integers(0, DAY, count))
    end = first + (day - 1) * DAY + second
    notice = first + ((end - first) * rng.random(count)).astype(np.int64)
    return end, np.where(rng.random(count) < 0.6, notice, NEVER)


def _truth(month: np.datetime64, outlook: Outlook) -> pa.Table:
    """A row per active customer: the probability, its parts, the cause and the outcome."""
    who = np.flatnonzero(outlook.active)
    parts = np.column_stack([outlook.causes[cause][who] for cause in CAUSES])
    second, top = np.sort(parts, axis=1)[:, -2:].T
    main = np.where(top >= MAIN_FROM, parts.argmax(axis=1), len(CAUSES))
    columns = {
        "customer_id": ids("C", who),
        "cutoff": pa.array(np.full(len(who), month.astype("datetime64[D]")), pa.date32()),
        "churn_probability": pa.array(outlook.chance[who]),
        "main_cause": texts((*CAUSES, "none"), main),
        "cause_clear": pa.array((top >= CLEAR_FROM) & (top >= 2 * second)),
        "churned": pa.array(outlook.leaving[who]),
        "log_odds_base": pa.array(outlook.base[who]),
    }
    for number, cause in enumerate(CAUSES):
        columns[f"cause_{cause}"] = pa.array(parts[:, number])
    return pa.table(columns)


def _write_folder(out: Path, history: History, truth: pa.Table, streams: Streams) -> dict[str, int]:
    """Write beside the place, then move there; what else lay in the old folder comes along."""
    mark = secrets.token_hex(4)
    part = out.with_name(f".{out.name}.part-{mark}")
    old = out.with_name(f".{out.name}.old-{mark}")
    _make_folder(part)
    try:
        rows = {
            name: _write_table(part / f"{name}.parquet", table(history, streams[name]))
            for name, table in TABLES.items()
        }
        rows["truth"] = _write_table(part / "truth.parquet", truth)
        if out.exists():
            out.rename(old)
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    if old.exists():
        for entry in old.iterdir():
            if not (out / entry.name).exists():
                entry.rename(out / entry.name)
        shutil.rmtree(old)
    return rows


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(
            "the folder for the demo histories cannot be made",
            where="churn simulate OUT",
            value=f"{folder.parent}: {error.strerror}",
            allowed="a place in which you may create folders",
        ) from error


def _write_table(path: Path, table: pa.Table | Iterator[pa.Table]) -> int:
    """Write one table, given whole or in parts; the number of its rows."""
    parts = iter([table]) if isinstance(table, pa.Table) else table
    first = next(parts)
    rows: int = first.num_rows
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
    return rows
