"""The life of the simulated business: month by month, with the causes, the fates and the contacts.

Months can be told apart from their streams of random numbers, and a world can be copied at the
first of a month, so that the same months can take place again with other contacts.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.world import (
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
from pipeline.world_outreach import (
    ACTIONS,
    CONTACT_HOUR,
    NOBODY,
    Answers,
    Causes,
    answers_of,
    draw_temper,
    resolve,
)
from pipeline.world_streams import RowStream

Streams = dict[str, np.random.Generator]

PARTS = ("engagement", "dunning", "contract")


@dataclass(frozen=True)
class Reached:
    """The contacts of a month and what they are good for, one entry per customer."""

    action: Array  # index into ACTIONS, NOBODY: not contacted
    answers: Answers
    answered: Array  # bool


@dataclass(frozen=True)
class Outlook:
    """What is true at the first of a month, one entry per customer."""

    active: Array  # bool
    base: Array  # log-odds
    causes: Causes  # log-odds that each cause adds
    chance: Array  # of leaving within the month, if nobody contacts the customer
    leaving: Array  # bool: what came of it
    reached: Reached | None = None

    def felt(self) -> Causes:
        """The causes that are left after the contacts."""
        if self.reached is None:
            return self.causes
        felt = dict(self.causes)
        for number, relief in enumerate(self.reached.answers.relief):
            eased = self.reached.answered & (self.reached.action == number)
            for cause in relief.keys() & felt.keys():
                felt[cause] = np.where(eased, relief[cause], felt[cause])
        return felt


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
        self.answer_rng = streams["answers"]
        self.temper = draw_temper(self.people, streams["temper"])
        self.onboarding = self.people.onboarding.copy()
        self.managed_until = np.zeros(count, int)  # month
        self.lifts: list[dict[str, Array]] = []

    def look_ahead(self, month: int, contacts: Array | None = None) -> Outlook:
        """Who will leave in this month, decided by nothing but what came before it.

        `contacts` holds what each customer is contacted with at the first of the month, as an
        index into ACTIONS, or NOBODY.
        """
        now = int(self.calendar.first[month])
        managed = np.where(self.managed_until > month, 0.5, 1.0)
        causes = {
            "usage": self.engagement.log_odds() * managed,
            "payments": self.dunning.log_odds(now),
            "support": self.support.log_odds(now) * managed,
            "subscription": self.contract.log_odds_term(month),
            "onboarding": self.onboarding_log_odds(month, self.onboarding),
            "price": self.contract.log_odds_price(month),
        }
        active = (self.people.started < now) & (self.ended >= now)
        base = base_log_odds(self.people, self.calendar, month, self.s)
        chance = decides = 1 / (1 + np.exp(-(base + sum(causes.values()))))
        reached = None
        if contacts is not None:
            answers = answers_of(self, month, base, causes)
            reached, decides = self._reach(np.where(active, contacts, NOBODY), answers, chance)
        leaving = active & (self.leave_rng.random(len(active)) < decides)
        return Outlook(active, base, causes, chance, leaving, reached)

    def _reach(self, action: Array, answers: Answers, chance: Array) -> tuple[Reached, Array]:
        """Who answers, and the probability of leaving after that."""
        rows, contacted = np.arange(len(action)), action != NOBODY
        answered = contacted & (
            self.answer_rng.random(len(action)) < answers.response[rows, action]
        )
        after = np.where(answered, answers.answered[rows, action], answers.ignored)
        return Reached(action, answers, answered), np.where(contacted, after, chance)

    def take_place(self, month: int, outlook: Outlook) -> None:
        """The month itself: contacts, ends, declines, renewals, charges, tickets."""
        if outlook.reached is not None:
            self._answer(month, outlook.reached)
        end, notice = _leave(self.people, self.calendar, month, self.leave_rng)
        self.ended = np.where(outlook.leaving, end, self.ended)
        self.cancelled = np.where(outlook.leaving, notice, self.cancelled)
        first = self.calendar.first[month]
        present = (self.people.start_month <= month) & (self.ended >= first)
        causes = outlook.felt()
        trouble = causes["support"] + causes["price"]
        self.engagement.advance(month, trouble)
        staying = outlook.active & ~outlook.leaving
        self.contract.advance(month, staying, trouble + causes["usage"])
        # After the contract: charges are at this month's price.
        self.dunning.advance(month, self.calendar, present, self.contract.price)
        self.support.advance(month, self.calendar, present, causes["payments"])

    def _answer(self, month: int, reached: Reached) -> None:
        """Answers come within half a day, before anybody leaves."""
        begin = int(self.calendar.first[month]) + CONTACT_HOUR
        at = begin + self.answer_rng.integers(600, DAY // 2, len(reached.action))
        for number, name in enumerate(ACTIONS):
            who = np.flatnonzero(reached.answered & (reached.action == number))
            if len(who) and self.s.lasting:
                resolve(self, month, name, who, at[who])

    def satisfaction(self, outlook: Outlook) -> Array:
        """0..10 before noise; payments and terms are no matter of liking."""
        causes = outlook.felt()
        felt = causes["usage"] + causes["support"] + causes["price"] + 0.5 * causes["onboarding"]
        return np.asarray(self.mood - 0.9 * felt)

    def onboarding_log_odds(self, month: int, onboarding: Array) -> Array:
        """A poor start weighs in full for two months and is forgotten after five."""
        days = (int(self.calendar.first[month]) - self.people.started) / DAY
        weight = np.clip(days / 14, 0.2, 1) * np.clip((150 - days) / 90, 0, 1)
        poor = np.clip(0.65 - onboarding, 0, None) / 0.65
        return np.asarray(self.people.by_segment(self.s.onboarding) * poor * weight)

    def copy(self) -> World:
        """The same state, of which nothing is shared that ever changes.

        What was written down of the past stays behind, but for what the months to come look at.
        """
        fixed: tuple[Any, ...] = (self.people, self.calendar, self.s, self.temper, self.mood)
        memo: dict[int, Any] = {id(each): each for each in fixed}
        memo[id(self.dunning.rounds)] = deepcopy(self.dunning.rounds[-2:])
        memo[id(self.support.tickets)] = deepcopy(self.support.tickets[-6:])
        memo[id(self.contract.changes)], memo[id(self.lifts)] = [], []
        return deepcopy(self, memo)

    def reseed(self, seed: int, month: int) -> None:
        """Give each part a stream of its own for a month, so that other worlds can share it."""
        streams = [np.random.default_rng([seed, month, n]) for n in range(len(PARTS) + 2)]
        for name, stream in zip(PARTS, streams, strict=False):
            getattr(self, name).rng = stream
        self.support.rng = RowStream(seed, month)
        self.leave_rng, self.answer_rng = streams[-2:]


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
