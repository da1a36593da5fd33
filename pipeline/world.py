"""The simulated business: who its customers are, and why and when they leave.

The world moves in months. Just before the first of each month every cause of churn says what it
adds to a customer's log-odds of leaving within that month, from nothing but what has happened
until then; the customer's fate is drawn from the sum, and only then does the month take place.
So the written probability is the best that any model of the histories can hope to find.

Arrays hold one entry per customer. Instants are whole seconds since 1970-01-01, `NEVER` stands
for what has not happened, months are numbered from 0, the first month of the history.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

HISTORY_END = np.datetime64("2026-11", "M")
DAY = 86_400
NEVER = np.iinfo(np.int64).max // 2
CAUSES = ("usage", "payments", "support", "subscription", "onboarding", "price")
SEGMENTS = ("consumer", "business")
CHANNELS = ("organic", "ads", "referral", "partner")
COUNTRIES = ("DE", "FR", "GB", "NL", "US")
PLANS = ("basic", "plus", "pro")
METHODS = ("card", "direct_debit", "invoice")
PRIORITIES = ("low", "normal", "high")
CATEGORIES = ("billing", "bug", "how_to", "performance", "integration")
SETUP_STEPS = 8
RETRY_DAYS = np.array([0, 3, 7, 14])
# Not before the 3rd: the 30 days from February 1st reach to March 2nd, and a customer who left
# then would be counted for two months. Not after the 28th: February has no more.
FIRST_LEAVING_DAY, LAST_LEAVING_DAY = 3, 28


@dataclass(frozen=True)
class Settings:
    """What kind of business this is; shares are 0..1, chances a month, weights log-odds.

    Pairs hold (consumer, business). The weights are set so that 3.5-5 % leave a month, the
    true probability ranks leavers with an AUC of 0.82-0.87, and no cause is a rare one.
    """

    business_share: float = 0.30
    early_share: float = 0.40  # of all customers sign up within the first tenth of the time
    year_share: tuple[float, float] = (0.28, 0.52)
    events_a_month: tuple[float, float] = (13.0, 23.0)  # median of the personal norm of usage
    base: tuple[float, float] = (-3.75, -4.0)  # log-odds of a settled organic customer
    base_channel: tuple[float, ...] = (0.0, 0.15, -0.3, -0.1)
    term_lock: float = -1.9  # a year customer outside the month in which the term ends
    january: float = 0.2
    usage: tuple[float, float] = (1.45, 1.55)  # per unit of log engagement lost
    decay_start: float = 0.03
    decay_stop: float = 0.20
    payments: tuple[float, float] = (3.0, 1.2)  # an invoice that is still open
    failure: tuple[float, float, float] = (0.022, 0.015, 0.03)  # first attempt, per method
    support: tuple[float, float] = (0.8, 2.9)  # per ticket that waits too long
    tickets_a_month: tuple[float, float] = (0.14, 0.32)
    hard_share: float = 0.20  # tickets that stay open for weeks
    term_end: tuple[float, float] = (3.0, 3.7)  # renewal month, renewal switched off
    term_end_auto: float = 0.6  # renewal month, renews by itself
    month_without_renewal: float = 0.7  # pays by the month, renewal switched off
    onboarding: tuple[float, float] = (3.3, 2.6)  # nothing set up at all
    price: tuple[float, float] = (0.85, 0.15)  # per 10 % of price rise
    rise_every: int = 9  # months between price rises
    rise_share: float = 0.35
    lasting: bool = True  # an answered contact resolves its cause for good, or for the month alone
    second_thoughts: float = 0.25  # a month: who was talked into renewal switches it off again


class Calendar:
    """First instants of the months of the history, and of 13 more for terms that run on."""

    def __init__(self, months: int) -> None:
        self.months = months
        self.names = np.arange(HISTORY_END - months, HISTORY_END + 14)
        self.first = seconds(self.names)
        self.end = int(self.first[months])

    def until(self, month: int) -> Calendar:
        """The same months, of a history that ends at the first of one of them."""
        cut = copy(self)
        cut.months, cut.end = month, int(self.first[month])
        return cut

    def month_of_year(self, month: int) -> int:
        """January is 1."""
        return int(self.names[month].astype(int)) % 12 + 1


def seconds(instants: Array) -> Array:
    """Whole seconds since 1970-01-01 of numpy instants."""
    return instants.astype("datetime64[s]").astype(np.int64)


@dataclass(frozen=True)
class People:
    """What is fixed about a customer at sign-up; `onboarding`, `norm` and the like stay hidden."""

    business: Array  # bool
    country: Array  # index into COUNTRIES
    channel: Array  # index into CHANNELS
    company_size: Array  # employees; only meant for business
    contact_allowed: Array  # bool
    started: Array
    start_month: Array
    billing_day: Array  # of the month
    plan: Array  # index into PLANS
    year: Array  # bool: pays by the year
    price: Array  # per billing period, at the start
    method: Array  # index into METHODS
    norm: Array  # usage events a month
    onboarding: Array  # 0 nothing got set up .. 1 all went well

    def by_segment(self, pair: tuple[float, float]) -> Array:
        """The entry of a (consumer, business) pair for each customer."""
        return np.where(self.business, pair[1], pair[0])


def draw_people(count: int, calendar: Calendar, s: Settings, rng: np.random.Generator) -> People:
    """`count` customers with their contract, spread over the months of the history."""
    business = rng.random(count) < s.business_share
    channel = rng.choice(len(CHANNELS), count, p=[0.40, 0.30, 0.20, 0.10])
    started = _sign_ups(count, calendar, s, rng)
    start_month = np.searchsorted(calendar.first, started, side="right") - 1
    day = (started - calendar.first[start_month]) // DAY + 1
    plan = np.minimum((rng.random(count) + 0.25 * business) // 0.45, 2).astype(int)
    year = rng.random(count) < np.where(business, s.year_share[1], s.year_share[0])
    monthly_price = np.array([9.9, 19.9, 39.9])[plan] * np.where(business, 4, 1)
    invoice = business & (rng.random(count) < 0.45)
    quality = rng.beta(4.5, 1.3, count)
    return People(
        business=business,
        country=rng.choice(len(COUNTRIES), count, p=[0.35, 0.15, 0.20, 0.10, 0.20]),
        channel=channel,
        company_size=np.ceil(np.exp(rng.normal(3.2, 1.1, count))),
        contact_allowed=rng.random(count) < 0.92,
        started=started,
        start_month=start_month,
        billing_day=np.clip(day, FIRST_LEAVING_DAY, LAST_LEAVING_DAY),
        plan=plan,
        year=year,
        price=np.round(monthly_price * np.where(year, 10, 1), 2),
        method=np.where(invoice, 2, (rng.random(count) < 0.3).astype(int)),
        norm=np.where(business, s.events_a_month[1], s.events_a_month[0])
        * np.exp(rng.normal(0.12 * (plan - 1), 0.45, count)),
        onboarding=np.where(channel == 1, rng.beta(1.6, 2.0, count), quality),
    )


def _sign_ups(count: int, calendar: Calendar, s: Settings, rng: np.random.Generator) -> Array:
    """Instants of sign-up: a crowd at the beginning, then a stream that grows by half."""
    growth, spread = 0.5, rng.random(count)
    stream = (np.sqrt(1 + 2 * growth * spread * (1 + growth / 2)) - 1) / growth
    early = rng.random(count) < s.early_share
    share = np.where(early, 0.1 * spread, 0.1 + 0.9 * stream)
    begin = int(calendar.first[0])
    return begin + (share * (calendar.end - begin)).astype(np.int64)


class Engagement:
    """How much of their norm customers use: slow noise, and declines that some never leave."""

    def __init__(self, people: People, s: Settings, rng: np.random.Generator) -> None:
        self.people, self.s, self.rng = people, s, rng
        count = len(people.started)
        self.noise = rng.normal(0, 0.12, count)
        self.decay = np.zeros(count)  # log
        self.falling = np.zeros(count, bool)
        self.level = np.zeros(count)  # log, of the month that has just passed
        self.before = np.zeros(count)  # log, of the month before that

    def log_odds(self) -> Array:
        """Grows with what was lost against the norm, and more if it was lost just now."""
        low = np.clip(-self.level - 0.25, 0, 1.8)
        fall = np.clip(self.before - self.level - 0.2, 0, 0.8)
        return self.people.by_segment(self.s.usage) * (low + 0.7 * fall)

    def advance(self, month: int, pain: Array) -> None:
        """The level throughout the month; trouble of other kinds sets off declines."""
        count, settled = len(self.level), self.people.start_month < month
        starts = self.rng.random(count) < self.s.decay_start * (1 + 0.6 * pain)
        stops = self.rng.random(count) < self.s.decay_stop
        self.falling = settled & np.where(self.falling, ~stops, starts)
        step = np.log(self.rng.uniform(0.5, 0.75, count))
        self.decay = np.where(self.falling, np.maximum(self.decay + step, -3), 0.6 * self.decay)
        self.noise = 0.7 * self.noise + self.rng.normal(0, 0.085, count)
        self.before, self.level = self.level, self.decay + self.noise


class Dunning:
    """Charges and their retries. While an invoice is open no new one is issued."""

    def __init__(self, people: People, s: Settings, rng: np.random.Generator) -> None:
        self.people, self.s, self.rng = people, s, rng
        count = len(people.started)
        self.expiry = rng.integers(0, 36, count)
        self.dead_card = np.zeros(count, bool)
        self.shaky = np.exp(rng.normal(-0.18, 0.6, count))
        self.late_days = rng.gamma(1.5, 2.0, count) * (people.method == 2)
        self.failed_at = np.full(count, NEVER)
        self.settled_at = np.full(count, -NEVER)
        self.invoice = np.zeros(count, int)  # month of issue
        self.due_at = np.zeros(count, np.int64)
        self.amount = np.zeros(count)
        self.rounds: list[dict[str, Array]] = []

    def open(self, now: int) -> Array:
        """Whether an invoice failed and is not settled yet."""
        return np.asarray((self.failed_at < now) & (self.settled_at >= now))

    def log_odds(self, now: int) -> Array:
        """An open invoice weighs more the longer it is open; a settled one is soon forgotten."""
        failed, open_ = self.failed_at < now, self.open(now)
        old = open_ & (self.failed_at < now - 20 * DAY)
        recent = failed & ~open_ & (self.settled_at >= now - 30 * DAY)
        yearly = np.where(self.people.year, 1.3, 1.0)
        points = 1.0 * open_ + 0.15 * old + 0.15 * recent
        return np.asarray(self.people.by_segment(self.s.payments) * yearly * points)

    def advance(self, month: int, calendar: Calendar, present: Array, price: Array) -> None:
        """This month's charges, each with up to three retries, whose outcomes are drawn at once."""
        people, count = self.people, len(price)
        age = month - people.start_month
        stuck = (self.failed_at < NEVER) & (self.settled_at == NEVER)
        due = present & (stuck | np.where(people.year, age % 12 == 0, True))
        expired = (people.method == 0) & ((month + self.expiry) % 36 == 0)
        self.dead_card |= expired & (self.rng.random(count) < 0.5)
        dead = self.dead_card & (age > 0)
        run = calendar.first[month] + (people.billing_day - 1) * DAY
        run = np.where(age == 0, people.started, run + self.rng.integers(10_800, 18_000, count))
        self.due_at = np.where(due & ~stuck, run, self.due_at)
        self.amount = np.where(due & ~stuck, price, self.amount)
        late = self.late_days * self.rng.uniform(0.4, 1.6, count)
        run = run + (np.minimum(late, 9) * DAY).astype(np.int64)
        success = self._success(stuck, dead, age)
        attempt = np.where(success.any(axis=1), success.argmax(axis=1), len(RETRY_DAYS))
        self._settle(month, due, stuck, run, attempt)
        who = np.flatnonzero(due)
        self.rounds.append(
            {
                "customer": who,
                "run": run[who],
                "attempt": attempt[who],
                "invoice": self.invoice[who],
                "due_at": self.due_at[who],
                "amount": self.amount[who],
                "until": np.full(len(who), NEVER),  # no attempt is made from here on
            }
        )

    def _success(self, stuck: Array, dead: Array, age: Array) -> Array:
        """(customers, attempts): whether each attempt would go through."""
        first = 1 - np.minimum(np.array(self.s.failure)[self.people.method] * self.shaky, 0.5)
        first = np.where(dead, 0.03, np.where(stuck, 0.2, first))
        first = np.where(age == 0, 1.0, first)  # no contract without a first payment
        again = np.where(dead | stuck, 0.13, 0.28)
        chance = np.column_stack([first, again, again, again])
        return np.asarray(self.rng.random(chance.shape) < chance)

    def _settle(self, month: int, due: Array, stuck: Array, run: Array, attempt: Array) -> None:
        never = attempt == len(RETRY_DAYS)
        when = run + np.append(RETRY_DAYS, 0)[attempt] * DAY
        self.invoice = np.where(due & ~stuck, month, self.invoice)
        new_failure = due & ~stuck & (attempt > 0)
        self.failed_at = np.where(new_failure, run, self.failed_at)
        changed = new_failure | (due & stuck)
        self.settled_at = np.where(changed, np.where(never, NEVER, when), self.settled_at)
        self.dead_card &= ~(due & ~never)


class Support:
    """Tickets: most are solved within days, the hard ones wait for weeks."""

    def __init__(self, people: People, s: Settings, rng: np.random.Generator) -> None:
        self.people, self.s = people, s
        self.rng: Any = rng  # or a RowStream, in worlds that are compared
        self.rate = people.by_segment(s.tickets_a_month) * np.exp(
            rng.normal(-0.12, 0.5, len(people.started))
        )
        self.tickets: list[dict[str, Array]] = []

    def log_odds(self, now: int) -> Array:
        """Tickets open for more than a week, and those badly solved within the last 30 days."""
        total = np.zeros(len(self.rate))
        for t in self.tickets[-6:]:  # nothing waits longer than 120 days
            waits = (t["opened"] < now - 7 * DAY) & (t["closed"] >= now)
            age = np.clip((now - t["opened"]) / (28 * DAY), 0, 1)
            weight = np.array([0.75, 1.0, 1.35])[t["priority"]] * (0.7 + 0.3 * age)
            known = (t["closed"] >= now - 30 * DAY) & (t["closed"] < now)
            bad = known & ((t["closed"] - t["opened"] > 14 * DAY) | (t["csat"] <= 2))
            points = waits * weight + 0.4 * bad
            total += np.bincount(t["customer"], points, minlength=len(total))
        return self.people.by_segment(self.s.support) * np.minimum(total, 2.0)

    def advance(self, month: int, calendar: Calendar, present: Array, pain: Array) -> None:
        """The tickets opened this month: more by newcomers and by those in trouble."""
        rng, age = self.rng, month - self.people.start_month
        newcomer = np.where(age <= 1, 1.6, 1.0)
        counts = rng.poisson(self.rate * newcomer * (1 + 0.15 * pain)) * present
        who = np.repeat(np.arange(len(counts)), counts)
        first, size = calendar.first, len(who)
        rng = rng if isinstance(rng, np.random.Generator) else rng.of(who)
        opened = rng.integers(first[month], first[month + 1], size)
        hard, reopened = rng.random(size) < self.s.hard_share, rng.random(size) < 0.08
        days = np.exp(np.where(hard, rng.normal(3.2, 0.45, size), rng.normal(0.2, 0.8, size)))
        days = np.minimum(days * np.where(reopened, 1.5, 1.0), 120)
        liking = 4.8 - 0.85 * np.log1p(days) + rng.normal(0, 0.6, size)
        answered = rng.random(size) < 0.5
        ticket = {
            "customer": who,
            "opened": opened,
            "closed": opened + (days * DAY).astype(np.int64),
            "responded": opened + (days * DAY * rng.uniform(0.02, 0.5, size)).astype(np.int64),
            "priority": np.digitize(rng.random(size) + 0.15 * hard, [0.3, 0.85]),
            "category": rng.integers(0, len(CATEGORIES), size),
            "reopened": reopened,
            "csat": np.where(answered, np.clip(np.round(liking), 1, 5), np.nan),
        }
        begun = opened >= self.people.started[who]
        self.tickets.append({name: values[begun] for name, values in ticket.items()})


class Contract:
    """Terms, their renewal and the price: what changes becomes a new version of the row."""

    def __init__(self, people: People, s: Settings, rng: np.random.Generator, c: Calendar) -> None:
        self.people, self.s, self.rng, self.calendar = people, s, rng, c
        count = len(people.started)
        self.auto_renew = rng.random(count) < np.where(people.year, 0.70, 0.86)
        self.price, self.price_before = people.price.copy(), people.price.copy()
        self.rise = np.zeros(count)  # share of the old price
        self.rise_month = np.full(count, -99)
        self.agreed_at = np.zeros(count, np.int64)  # with the team, on renewal
        self.talked_into = np.zeros(count, bool)  # renewal, by the team
        self.changes: list[dict[str, Array]] = []
        everyone, renews_at = np.arange(count), self._term_date(people.start_month + 12)
        known = np.where(people.year, renews_at, np.nan)
        self.record(everyone, people.started, self.price, self.auto_renew, known)

    def _term_date(self, month: Array) -> Array:
        return np.asarray(self.calendar.first[month] + (self.people.billing_day - 1) * DAY)

    def record(self, who: Array, at: Array, price: Any, auto_renew: Any, renews_at: Any) -> None:
        """Remember a change; NaN stands for what stays as it was."""
        fields = {"price": price, "auto_renew": auto_renew, "renews_at": renews_at}
        values = {name: np.broadcast_to(v, who.shape).astype(float) for name, v in fields.items()}
        self.changes.append({"customer": who, "valid_from": at, **values})

    def renewal(self, month: int) -> Array:
        """Whether the year's term ends this month."""
        age = month - self.people.start_month
        return np.asarray(self.people.year & (age > 0) & (age % 12 == 0))

    def log_odds_term(self, month: int) -> Array:
        """A term that ends and does not renew by itself; a little also where it does."""
        by_hand = np.where(self.auto_renew, 0.0, self.s.month_without_renewal)
        ends = self.people.by_segment(self.s.term_end)
        ends = np.where(self.auto_renew, self.s.term_end_auto, ends)
        return np.where(self.people.year, self.renewal(month) * ends, by_hand)

    def log_odds_price(self, month: int) -> Array:
        """A rise is felt for three months, more by ads customers, less within a year's term."""
        fade = np.array([0.0, 1.0, 0.75, 0.4, 0.0])[np.clip(month - self.rise_month, 0, 4)]
        ads = np.where(self.people.channel == 1, 1.2, 1.0)
        bound = np.where(self.people.year & ~self.renewal(month), 0.4, 1.0)
        weight = self.people.by_segment(self.s.price) * ads * bound
        return np.asarray(weight * self.rise / 0.10 * fade)

    def advance(self, month: int, staying: Array, pain: Array) -> None:
        """Renewals, price rises and switches of renewal among those who stay on."""
        renewing = np.flatnonzero(staying & self.renewal(month))
        date = self._term_date(np.full(len(staying), month))
        following = self._term_date(np.full(len(staying), month + 12))
        self.record(renewing, date[renewing], np.nan, np.nan, following[renewing])
        self._switch(month, staying, pain)
        if month >= 3 and (self.calendar.months - 3 - month) % self.s.rise_every == 0:
            self._raise_prices(month, staying, date)

    def _switch(self, month: int, staying: Array, pain: Array) -> None:
        """Some of those in trouble switch renewal off, most of all shortly before it is due."""
        rng, count = self.rng, len(staying)
        soon = self.renewal(month + 1) | self.renewal(month + 2)
        off = 0.006 * (1 + np.minimum(pain, 3)) * np.where(soon, 5, 1)
        off = np.where(self.talked_into, self.s.second_thoughts, off)
        chance = np.where(self.auto_renew, off, 0.03)
        who = np.flatnonzero(staying & (rng.random(count) < chance))
        first = self.calendar.first
        at = np.maximum(rng.integers(first[month], first[month + 1], count), self.agreed_at)
        self.auto_renew[who], self.talked_into[who] = ~self.auto_renew[who], False
        self.record(who, at[who], np.nan, self.auto_renew[who], np.nan)

    def _raise_prices(self, month: int, staying: Array, billing: Array) -> None:
        """A share of customers pays 8-30 % more from their billing day on."""
        rng, count = self.rng, len(staying)
        settled = staying & (self.people.start_month < month - 1)
        share = self.s.rise_share + 0.1 * (self.people.plan == 0)
        who = np.flatnonzero(settled & (rng.random(count) < share))
        size = rng.uniform(0.08, 0.30, count)[who]
        self.rise[who], self.rise_month[who] = size, month
        self.price_before[who] = self.price[who]
        self.price[who] = np.round(self.price[who] * (1 + size), 2)
        self.record(who, billing[who], self.price[who], np.nan, np.nan)
