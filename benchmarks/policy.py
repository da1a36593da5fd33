"""What the outreach list truly earns: simulated businesses run again with and without its contacts.

The policy sees what was known at the first of a month and spends a budget that binds; the truth
tells what each contact brings over the twelve months that follow. Beside it stand an oracle that
knows that truth, simple rules under the same budget, and the policy with one of its ingredients
after the other replaced by the truth: where that helps, there is something to gain.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.policy_swaps import List, swapped, true_rates
from pipeline.assessing import assess
from pipeline.choosing import fits_now
from pipeline.config import DEFAULT_ACTIONS, Config, from_values
from pipeline.guarding import model_and_histories
from pipeline.progress import Progress
from pipeline.reasons import named_drivers
from pipeline.score import score
from pipeline.simulate import streams_of, write_folder
from pipeline.train import train
from pipeline.world import Calendar, Settings
from pipeline.world_forks import Prospects, Terms, prospects
from pipeline.world_life import World
from pipeline.world_outreach import ACTIONS, NOBODY, OFFERS
from pipeline.world_truth import live

SEEDS = (931, 932, 933)
"""Used here alone."""

# Prices rise two months before NOW, so that they are among the causes.
CUSTOMERS, MONTHS, NOW = 40_000, 43, 24
CAMPAIGNS = (8, 10, 12, 14, 16, 18, 20, 22)
RUNS = 8
BUDGET_SHARE = 1 / 3
TERMS = Terms(months=12)
WHEN = {
    False: "a contact acts on the month at hand",
    True: "a contact resolves its cause for good",
}
MONEY = np.array([offer.cost + offer.incentive for offer in OFFERS])


@dataclass(frozen=True)
class Judged:
    """What a policy truly earned."""

    profit: float
    error: float
    contacts: int
    spent: float


def run(customers: int = CUSTOMERS, runs: int = RUNS) -> str:
    """Judge the policy on each business; Markdown."""
    parts = [
        f"{customers:,} customers, {NOW} months and {len(CAMPAIGNS)} campaigns known, profit over "
        f"the {TERMS.months} months after, means of {runs} runs ± standard error; the budget is a "
        "third of what the list would spend on all whom it seems to pay to contact."
    ]
    for lasting in (False, True):
        for seed in SEEDS[:1] if lasting else SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                found = table(judge(seed, customers, runs, Path(folder), lasting=lasting))
            parts.append(f"Seed {seed}, {WHEN[lasting]}:\n\n{found}")
    return "\n\n".join(parts)


def table(found: dict[str, Judged]) -> str:
    """A row per policy; Markdown."""
    oracle = found["oracle"].profit
    lines = ["| policy | profit | share of the oracle's | contacts | spent |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for name, one in found.items():
        cells = f"{one.profit:,.0f} ± {one.error:,.0f} | {one.profit / oracle:.1%}"
        lines.append(f"| {name} | {cells} | {one.contacts:,} | {one.spent:,.0f} |")
    return "\n".join(lines)


def judge(
    seed: int, customers: int, runs: int, folder: Path, *, lasting: bool = True
) -> dict[str, Judged]:
    """What each policy earns on one business, by name.

    Parameters
    ----------
    lasting
        Whether a contact that is answered resolves its cause for good, or for the month alone.
    """
    world = _write(seed, customers, folder / "data", lasting=lasting)
    known = prospects(world, NOW, TERMS, runs=runs, seed=2 * seed)
    allowed = known.active & world.people.contact_allowed
    every = np.where(allowed[:, None], known.profit, -np.inf)
    money = np.broadcast_to(MONEY, every.shape)
    day = pd.Timestamp(world.calendar.names[NOW]).date()
    train(_config(folder, day, None, 0.0), Progress())
    free = score(_config(folder, day, None, 0.0), Progress(), as_of=day).risk_list
    budget = BUDGET_SHARE * _spent(List.of(free, customers).contacts, money)
    seen = prospects(_without_tempers(world), NOW, TERMS, runs=runs, seed=2 * seed)
    expected = np.where(allowed[:, None], seen.profit, -np.inf)
    plans = {
        "oracle": take(every, money, budget),
        "oracle, but for tempers": take(expected, money, budget),
    }
    found = {
        share: score(_config(folder, day, budget, share), Progress(), as_of=day).risk_list
        for share in (0.0, 0.1)
    }
    listed = List.of(found[0.0], customers)
    fits = _fits(_config(folder, day, None, 0.0), day, customers)
    rates = true_rates(known, fits)
    told = score(_config(folder, day, budget, 0.0, rates=rates), Progress(), as_of=day).risk_list
    plans |= {"policy": listed.contacts, "policy, 10 % held out": _contacts(found[0.1], customers)}
    plans["policy, told the true success rates"] = _contacts(told, customers)
    plans |= _rules(listed, allowed, budget, seed)
    plans |= {
        name: take(profits, money, budget)
        for name, profits in swapped(listed, fits, known, allowed, _actions()).items()
    }
    plans["nobody"] = np.full(customers, NOBODY)
    truth = prospects(world, NOW, TERMS, runs=runs, seed=2 * seed + 1)
    return {name: judged(truth, contacts) for name, contacts in plans.items()}


def _without_tempers(world: World) -> World:
    """The world as it is known to one who knows all but how open each customer is to contacts.

    Nothing in the histories tells that: everybody counts as the mean of its segment.
    """
    found, response = world.copy(), world.temper.response.copy()
    for business in (False, True):
        own = world.people.business == business
        response[own] = response[own].mean(axis=0)
    found.temper = replace(world.temper, response=response)
    return found


def _write(seed: int, customers: int, folder: Path, *, lasting: bool) -> World:
    """A business with campaigns in its past, written as it was known then; it stands at NOW."""
    streams = streams_of(seed)
    calendar = Calendar(MONTHS)
    lived = live(
        customers, calendar, Settings(lasting=lasting), streams, campaigns=CAMPAIGNS, until=NOW
    )
    write_folder(folder, lived, streams)
    return lived.world


def _actions() -> list[dict[str, Any]]:
    """The default actions at what they cost here; account managers are for businesses."""
    told = {action.name: action.model_dump() for action in DEFAULT_ACTIONS}
    told["account_manager"] |= {"high_value": False, "only": {"segment": ["business"]}}
    money = {one.name: {"cost": one.cost, "incentive": one.incentive} for one in OFFERS}
    return [told[name] | money[name] for name in ACTIONS]


def _config(
    folder: Path,
    day: Any,
    budget: float | None,
    holdout_share: float,
    *,
    rates: np.ndarray | None = None,
) -> Config:
    actions = _actions()
    for action, rate in zip(actions, [] if rates is None else rates.tolist(), strict=False):
        action |= {"success_rate": rate, "evidence": 1e6}
    outreach = {"holdout_share": holdout_share, "actions": actions}
    outreach |= {} if budget is None else {"budget": budget}
    values = {
        "data": {"source": "data", "observed_until": day},
        "model": {"tune_trials": 0, "refits": 0},
        "value": {"horizon_months": TERMS.months},
        "outreach": outreach,
    }
    return from_values(values, folder / "churn.toml")


def _fits(config: Config, day: Any, customers: int) -> np.ndarray:
    """How well each action fits each customer of the world, as the list has it."""
    fits = np.zeros((customers, len(ACTIONS)))
    with model_and_histories(config, None, Progress()) as (model, label, histories):
        seen = assess(config, histories, Progress(), model, label, day)
        number = pd.Series(seen.ids).str.removeprefix("C").astype(int).to_numpy()
        fits[number] = fits_now(seen, named_drivers(seen.drivers), Progress())
    return fits


def _contacts(found: pd.DataFrame, customers: int) -> np.ndarray:
    return List.of(found, customers).contacts


def take(profits: np.ndarray, money: np.ndarray, budget: float) -> np.ndarray:
    """One action at most for each customer, of most profit under a budget.

    By the price of money at which the budget just lasts; what is left then goes to the next ones
    by profit per money.
    """
    low, high = 0.0, 1e6
    chosen = _at_price(profits, money, low)
    for _ in range(60 if _spent(chosen, money) > budget else 0):
        price = (low + high) / 2
        chosen = _at_price(profits, money, price)
        low, high = (price, high) if _spent(chosen, money) > budget else (low, price)
    chosen = _at_price(profits, money, high) if high < 1e6 else chosen
    left = budget - _spent(chosen, money)
    best = _at_price(profits, money, low)
    rows = np.flatnonzero((chosen == NOBODY) & (best != NOBODY))
    for row in rows[
        np.argsort(-profits[rows, best[rows]] / money[rows, best[rows]], kind="stable")
    ]:
        if money[row, best[row]] <= left:
            chosen[row], left = best[row], left - money[row, best[row]]
    return chosen


def _at_price(profits: np.ndarray, money: np.ndarray, price: float) -> np.ndarray:
    reduced = profits - price * money
    return np.where(reduced.max(axis=1) > 0, reduced.argmax(axis=1), NOBODY)


def _spent(contacts: np.ndarray, money: np.ndarray) -> float:
    rows = np.flatnonzero(contacts != NOBODY)
    return float(money[rows, contacts[rows]].sum())


def _rules(listed: List, allowed: np.ndarray, budget: float, seed: int) -> dict[str, np.ndarray]:
    """Simple rules under the same budget, each with the action that the list tells."""
    order = {
        "top risk": listed.probability,
        "top value": listed.value,
        "at random": np.random.default_rng(seed).random(len(allowed)),
    }
    able = allowed & (listed.action != NOBODY)
    return {name: _first(by, listed.action, able, budget) for name, by in order.items()}


def _first(by: np.ndarray, action: np.ndarray, able: np.ndarray, budget: float) -> np.ndarray:
    """The first ones until the budget ends."""
    rows = np.argsort(-by, kind="stable")
    rows = rows[able[rows]]
    rows = rows[np.cumsum(MONEY[action[rows]]) <= budget]
    contacts = np.full(len(by), NOBODY)
    contacts[rows] = action[rows]
    return contacts


def judged(truth: Prospects, contacts: np.ndarray) -> Judged:
    """The true profit of contacts, by runs of the world that chose none of them."""
    rows = np.flatnonzero(contacts != NOBODY)
    gains = truth.gain[:, rows, contacts[rows]].sum(axis=1, dtype=np.float64)
    profit = float(truth.profit[rows, contacts[rows]].sum())
    error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    return Judged(profit, error, len(rows), float(MONEY[contacts[rows]].sum()))
