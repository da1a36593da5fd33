"""Whether levers are right: simulated businesses that know what each cause truly does.

On each business every lever's figure and interval stand beside the true one: what a cause adds to
the probability of leaving of the very points that the lever speaks of, as the simulator wrote it
down, or, of payments, what a business of a hundred times the size comes to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from features.beginnings import beginnings
from features.recovery import failed_invoices
from features.vectors import KEYS
from models.exposure import Excess, Range
from models.recovery import recovery_curve
from pipeline.config import Config, from_values
from pipeline.lever_audience import VALUE_DAYS, churn_of, first_payments, mean_of
from pipeline.lever_onboarding import FIRST, newcomers, seen_from_the_start, thirds
from pipeline.lever_panel import Panel, panel_of
from pipeline.lever_prices import unchanged, weeks_ago
from pipeline.lever_recovery import open_invoices
from pipeline.lever_renewals import ends_within
from pipeline.lever_support import problems
from pipeline.opening import open_histories
from pipeline.progress import Progress
from pipeline.simulate import STREAMS, live, simulate
from pipeline.world import CHANNELS, DAY, RETRY_DAYS, Calendar, Settings

SEEDS = range(1201, 1301)
"""Used here alone."""
CUSTOMERS, MONTHS = 2_000, 15
LARGE, LARGE_SEED = 400_000, 1200
ADS = 1
COLUMNS = ("lever", "businesses", "within the interval", "mean", "true", "half an interval")


@dataclass(frozen=True)
class Judged:
    """A lever's figure beside the true one."""

    lever: str
    found: Range
    truth: float

    @property
    def covered(self) -> bool:
        return self.found.low <= self.truth <= self.found.high


def run(seeds: Sequence[int] = SEEDS, customers: int = CUSTOMERS) -> str:
    """Judge each business; Markdown."""
    found: dict[str, list[Judged]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            for one in judge(seed, Path(folder), customers=customers):
                found.setdefault(one.lever, []).append(one)
    return "\n".join(
        [
            f"{len(seeds)} businesses of {customers:,} customers over {MONTHS} months; intervals "
            "of 95 %; excess churn is that within 30 days of a cutoff.",
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"| --- |{' ---: |' * (len(COLUMNS) - 1)}",
            *(_row(name, judged) for name, judged in found.items()),
        ]
    )


def _row(name: str, judged: Sequence[Judged]) -> str:
    mean = np.mean([one.found.estimate for one in judged])
    true = np.mean([one.truth for one in judged])
    half = np.mean([(one.found.high - one.found.low) / 2 for one in judged])
    covered = sum(one.covered for one in judged)
    figures = (f"{one:.4g}" for one in (mean, true, half))
    return f"| {name} | {len(judged)} | {covered} | {' | '.join(figures)} |"


def judge(seed: int, folder: Path, *, customers: int = CUSTOMERS) -> list[Judged]:
    """Every lever on one business; levers with too few customers to tell are left out."""
    simulate(folder / "data", customers=customers, months=MONTHS, seed=seed)
    values = {"data": {"source": "data", "observed_until": date(2026, 11, 1)}}
    config = from_values(values, folder / "churn.toml")
    histories = open_histories(config, Progress())
    try:
        panel = panel_of(config, histories)
        truth = _truth_of(panel, folder / "data" / "truth.parquet")
        return [
            *_recovered(panel),
            *_contract(panel, truth),
            *_trouble(panel, truth),
            *_started(panel, truth),
            *_audience(config, panel, truth),
        ]
    finally:
        histories.close()


def _truth_of(panel: Panel, file: Path) -> pd.DataFrame:
    """What is true of each point, in the order of the points."""
    truth = pd.read_parquet(file)
    truth["cutoff"] = pd.to_datetime(truth["cutoff"])
    keys = panel.frame[list(KEYS)]
    found = keys.merge(truth, on=list(KEYS), how="left", validate="1:1")
    odds = np.log(found["churn_probability"] / (1 - found["churn_probability"]))
    return found.assign(log_odds=odds)


def _recovered(panel: Panel) -> Iterator[Judged]:
    invoices = failed_invoices(panel.histories, panel.definition)
    if invoices is not None:
        curve = recovery_curve(invoices.days, invoices.recovered, invoices.customer)
        for day, true in large().recovered.items():
            yield Judged(f"recovered by day {day}", curve.recovered_by(day), true)


def _contract(panel: Panel, truth: pd.DataFrame) -> Iterator[Judged]:
    """Terms that end without renewal, and price rises."""
    renews = panel.column("subscriptions_auto_renew")
    yearly, ends = panel.column("subscriptions_is_yearly") == 1, ends_within(panel)
    for name, billed, otherwise in (
        ("year", yearly, Settings().term_end_auto),
        ("month", ~yearly, 0.0),
    ):
        by_hand, by_itself = ((renews == one) & ends & billed for one in (0, 1))
        found = panel.excess(by_hand, by_itself, without=("subscription",))
        lever = f"no automatic renewal, term of a {name}"
        yield from _excess(lever, found, truth[by_hand], "subscription", otherwise)
    for first in (0, 4, 8):
        rose = weeks_ago(panel, first, first + 4)
        found = panel.excess(rose, unchanged(panel), without=("price",))
        lever = f"price rise {first} to {first + 4} weeks ago"
        yield from _excess(lever, found, truth[rose], "price")


def _trouble(panel: Panel, truth: pd.DataFrame) -> Iterator[Judged]:
    """Invoices that are open, and tickets that went badly."""
    failed, paid = open_invoices(panel)
    found = panel.excess(failed, paid, without=("payments",))
    yield from _excess("open invoice", found, truth[failed], "payments")
    bad, good, _ = problems(panel)
    found = panel.excess(bad, good, without=("support",))
    yield from _excess("ticket that went badly", found, truth[bad], "support")


def _excess(
    lever: str, found: Excess | None, here: pd.DataFrame, cause: str, otherwise: float = 0.0
) -> Iterator[Judged]:
    """What a cause adds to the exposed points, against so many log-odds of it without exposure."""
    if found is not None:
        without = here["log_odds"] - here[f"cause_{cause}"] + otherwise
        yield Judged(
            lever, found.churn, float((_chance(here["log_odds"]) - _chance(without)).mean())
        )


def _started(panel: Panel, truth: pd.DataFrame) -> Iterator[Judged]:
    """Newcomers that did least: each against the starts of all others of its kind and age."""
    start = beginnings(panel.histories, FIRST)
    third = None if start is None else thirds(start, seen_from_the_start(panel, start))
    if third is None:
        return
    least, others = newcomers(panel, third)
    found = panel.excess(least, others, without=("onboarding", "usage"))
    if found is None:
        return
    age = panel.frame["customers_tenure_days"].to_numpy() // 15
    kind = panel.frame["customers_profile_segment"].astype(str) + age.astype(str)
    added = 0.0
    for one in sorted(set(kind[least])):
        mine, theirs = truth[least & (kind == one)], truth[others & (kind == one)]
        if len(theirs):
            odds = mine["log_odds"].to_numpy()[:, None]
            own = mine["cause_onboarding"].to_numpy()[:, None]
            swapped = odds - own + theirs["cause_onboarding"].to_numpy()
            added += float((_chance(odds) - _chance(swapped).mean(axis=1, keepdims=True)).sum())
    yield Judged("least done in the first 14 days", found.churn, added / least.sum())


def _audience(config: Config, panel: Panel, truth: pd.DataFrame) -> Iterator[Judged]:
    channel = panel.texts["customers_profile_channel"]
    for name in CHANNELS:
        true = float(truth["churn_probability"][channel == name].mean())
        yield Judged(f"churn of channel {name}", churn_of(panel, channel == name), true)
    who, paid = first_payments(panel)
    by_customer = np.full(panel.histories.customers, "", dtype=object)
    by_customer[panel.customers] = channel
    if paid is not None:
        mean = mean_of(paid[by_customer[who] == CHANNELS[ADS]] * config.value.margin)
        if mean is not None:
            true = large().paid_of_ads * config.value.margin
            yield Judged(f"margin of {VALUE_DAYS} days, channel ads", mean, true)


def _chance(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


@dataclass(frozen=True)
class Large:
    """What a large business comes to.

    Attributes
    ----------
    recovered
        By day, the share of failed invoices recovered by then, departures or not.
    paid_of_ads
        What a customer won by ads pays in its first 180 days.
    """

    recovered: dict[int, float]
    paid_of_ads: float


@cache
def large() -> Large:
    """A business of many customers, kept in memory."""
    children = np.random.SeedSequence(LARGE_SEED).spawn(len(STREAMS))
    streams = {name: np.random.default_rng(c) for name, c in zip(STREAMS, children, strict=True)}
    history = live(LARGE, Calendar(MONTHS), Settings(), streams).history
    people, end = history.people, history.calendar.end
    rounds = pd.concat([pd.DataFrame(one) for one in history.rounds], ignore_index=True)
    there = rounds["run"].to_numpy() < np.minimum(history.ended[rounds["customer"]], end)
    rounds = rounds[there]
    first = rounds.drop_duplicates(["customer", "invoice"])
    # The charge of the last weeks is retried when nobody looks any more.
    failed = first[(first["attempt"] > 0)]
    recovered = {
        day: float((failed["attempt"] <= n).mean())
        for n, day in enumerate(RETRY_DAYS.tolist())
        if n
    }
    return Large(recovered, _paid(rounds, history.ended, people.started, people.channel, end))


def _paid(
    rounds: pd.DataFrame, ended: np.ndarray, started: np.ndarray, channel: np.ndarray, end: int
) -> float:
    """Mean over customers won by ads at least 180 days before the end; 0.6 % is refunded."""
    who = rounds["customer"].to_numpy()
    tries = rounds["attempt"].to_numpy()
    at = rounds["run"] + np.append(RETRY_DAYS, 0)[tries] * DAY
    day = started // DAY * DAY
    counts = (tries < len(RETRY_DAYS)) & (at < ended[who]) & (at < day[who] + VALUE_DAYS * DAY)
    chosen = (channel == ADS) & (day + VALUE_DAYS * DAY <= end)
    total = rounds["amount"].to_numpy()[counts & chosen[who]].sum()
    return float(total * (1 - 0.006) / chosen.sum())
