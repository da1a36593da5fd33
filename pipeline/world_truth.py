"""The simulated business from its first month to its last, and the truth about each customer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.world import CAUSES, Array, Calendar, Settings
from pipeline.world_campaigns import Campaign, Rule, contacts_table, plan_campaign
from pipeline.world_life import Outlook, Streams, World
from pipeline.world_outreach import ACTIONS, NOBODY
from pipeline.world_tables import History, ids, numbers, texts

MAIN_FROM = 0.4  # a cause that adds less log-odds than this is no main cause
CLEAR_FROM = 1.0  # a clear one adds at least this much, and twice as much as the second


@dataclass(frozen=True)
class Lived:
    """What happened, the truth about it, the campaigns (None: there were none), and the world."""

    history: History
    truth: pa.Table
    contacts: pa.Table | None
    world: World


def live(
    count: int,
    calendar: Calendar,
    s: Settings,
    streams: Streams,
    *,
    campaigns: Collection[int] = (),
    rule: Rule | None = None,
    until: int | None = None,
) -> Lived:
    """The months of the world; `campaigns` are run at the first of those named.

    The history ends at the first of the month `until`, at which the world stands then.
    """
    world = World(count, calendar, s, streams)
    levels, satisfaction, truth, run = [], [], [], []
    months = calendar.months if until is None else until
    for month in range(months):
        campaign = None
        if month in campaigns:
            campaign = plan_campaign(world, month, rule or Rule(), streams["campaigns"])
            run.append(campaign)
        outlook = world.look_ahead(month, None if campaign is None else campaign.contacts)
        world.take_place(month, outlook)
        levels.append(world.engagement.level)
        satisfaction.append(world.satisfaction(outlook))
        truth.append(_truth(calendar.names[month], outlook, campaign, told=bool(campaigns)))
    history = _history(world, calendar.until(months), np.array(levels), np.array(satisfaction))
    contacts = contacts_table(world, run) if campaigns else None
    return Lived(history, pa.concat_tables(truth), contacts, world)


def _history(world: World, calendar: Calendar, level: Array, satisfaction: Array) -> History:
    return History(
        people=world.people,
        calendar=calendar,
        ended=world.ended,
        cancelled=world.cancelled,
        level=level,
        satisfaction=satisfaction,
        changes=world.contract.changes,
        rounds=world.dunning.rounds,
        tickets=world.support.tickets,
        lifts=world.lifts,
    )


def _truth(
    month: np.datetime64, outlook: Outlook, campaign: Campaign | None, *, told: bool
) -> pa.Table:
    """A row per active customer: the probability, its parts, the cause and the outcome.

    Where there are campaigns at all, it is `told` what they did.
    """
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
    return pa.table(columns | (_contacted(who, outlook, campaign) if told else {}))


def _contacted(who: Array, outlook: Outlook, campaign: Campaign | None) -> dict[str, pa.Array]:
    """What a campaign meant to do to each customer; nulls where there was none."""
    action, treated = np.full(len(who), NOBODY), np.zeros(len(who), bool)
    chance = np.zeros(len(who))
    if campaign is not None and outlook.reached is not None:
        action, treated = campaign.action[who], campaign.treated[who]
        chance = outlook.reached.answers.chance[who, action]
    named = action != NOBODY
    return {
        "contact_action": _some(texts(ACTIONS, np.where(named, action, 0)), named),
        "contact_group": _some(texts(("holdout", "treated"), treated), named),
        "churn_probability_contacted": numbers(chance, known=named),
    }


def _some(values: pa.Array, known: Array) -> pa.Array:
    """The values, null where they are not known."""
    return pa.array(values.to_numpy(zero_copy_only=False), pa.string(), mask=~known)
