"""What every feature means, as loops over rows: slow, obvious, and without the engine.

Rows are dictionaries with times on the histories' own clock. What is not known strictly before the
cutoff is dropped first; everything after that may look at all it gets.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from math import log, nan, sqrt

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TIMES = {
    "usage": "occurred_at",
    "payments": "occurred_at",
    "tickets": "opened_at",
    "surveys": "occurred_at",
    "contacts": "occurred_at",
}


def vector(tables, customer, cutoff, plan):
    """Every feature of a customer at a cutoff, by name; missing values as NaN."""
    own = {
        name: [row for row in rows if row["customer_id"] == customer]
        for name, rows in tables.items()
    }
    signed_up_at = own["customers"][0]["signed_up_at"]
    found = {"customers_tenure_days": (cutoff - signed_up_at) / DAY}
    families = {
        "subscriptions": lambda rows: subscription(rows, cutoff, plan),
        "usage": lambda rows: usage(rows, cutoff, plan, signed_up_at),
        "payments": lambda rows: payments(rows, cutoff, plan),
        "tickets": lambda rows: tickets(rows, cutoff, plan),
        "surveys": lambda rows: surveys(rows, cutoff, plan),
        "contacts": lambda rows: contacts(rows, cutoff, plan),
    }
    for table, family in families.items():
        if plan.has(table):
            found |= family(known(own[table], table, cutoff))
    return {name: nan if value is None else value for name, value in found.items()}


def known(rows, table, cutoff):
    """The rows that were known strictly before the cutoff; versions are told apart later."""
    if table == "subscriptions":
        return rows
    return [
        row
        for row in rows
        if row[TIMES[table]] < cutoff
        and (row.get("available_at") is None or row["available_at"] < cutoff)
    ]


# Usage


def usage(rows, cutoff, plan, signed_up_at):
    kinds = plan.levels["usage.event"]
    times = [row["occurred_at"] for row in rows]
    since = (cutoff - max(times)) / DAY if times else None
    lifetime = max((cutoff - min(times)) / DAY, 1) if times else None
    days_active = active_days(rows)
    days = (max(times).date() - min(times).date()).days if times else 0
    gap = days / (days_active - 1) if days_active > 1 else None
    values = {
        "days_since_last": since,
        "count_ever": len(rows),
        "gap_mean": gap,
        "days_since_last_vs_gap": None if gap is None else since / max(gap, 1),
    }
    midnight = datetime.combine(signed_up_at, time())
    early = [row for row in rows if midnight <= row["occurred_at"] < signed_up_at + 30 * DAY]
    values["count_first_30d"] = len(early)
    for kind in kinds:
        values[f"{kind}_count_first_30d"] = sum(row["event"] == kind for row in early)
    for days in plan.windows:
        now, before = windows(rows, "occurred_at", cutoff, days)
        found = usage_window(now, before, kinds, has_value=plan.has("usage", "value"))
        usual = len(rows) / lifetime * min(lifetime, days) if rows else 0
        found["count_vs_own"] = len(now) / usual if usual else None
        values |= {f"{name}_{days}d": value for name, value in found.items()}
    values |= rhythm([row["occurred_at"] for row in rows], cutoff)
    return {f"usage_{name}": value for name, value in values.items()}


def rhythm(moments, cutoff):
    """Gaps between days with something, and the present silence against them."""
    days = sorted({moment.date() for moment in moments})
    gaps = [(later - day).days for day, later in pairwise(days)]
    if not gaps:
        names = ("gap_spread", "gap_max", "silence_vs_spread", "silence_vs_longest")
        return dict.fromkeys(names)
    since = (cutoff - max(moments)) / DAY
    mean = sum(gaps) / len(gaps)
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    return {
        "gap_spread": spread,
        "gap_max": max(gaps),
        "silence_vs_spread": (since - mean) / max(spread, 1),
        "silence_vs_longest": since / max(gaps),
    }


def usage_window(now, before, kinds, *, has_value):
    counts = {f"{kind}_count": sum(row["event"] == kind for row in now) for kind in kinds}
    found = {
        "count": len(now),
        "active_days": active_days(now),
        "per_active_day": ratio(len(now), active_days(now)),
        "count_trend": trend(len(now), len(before)),
        "active_days_trend": trend(active_days(now), active_days(before)),
        **counts,
    }
    if kinds:
        found["breadth"] = sum(count > 0 for count in counts.values())
    if has_value:
        found |= {
            "value_sum": total(now, "value"),
            "value_mean": ratio(total(now, "value"), len(given(now, "value"))),
            "value_max": max(given(now, "value"), default=None),
            "value_trend": trend(total(now, "value"), total(before, "value")),
        }
    return found


def active_days(rows):
    return len({row["occurred_at"].date() for row in rows})


# Payments


def payments(rows, cutoff, plan):
    paid, failed, refunded = (
        [row for row in rows if row["status"] == status]
        for status in ("paid", "failed", "refunded")
    )
    money, back = total(paid, "amount"), sum(abs(row["amount"]) for row in refunded)
    since, since_failed = days_since_last(paid, cutoff), days_since_last(failed, cutoff)
    first = (cutoff - min(row["occurred_at"] for row in paid)) / DAY if paid else None
    gap = (first - since) / (len(paid) - 1) if len(paid) > 1 else None
    mean = abs(money / len(paid)) if paid else 0
    values = {
        "paid_count_ever": len(paid),
        "paid_sum_ever": money,
        "last_amount_vs_own": last(paid, "occurred_at", "amount") / mean if mean else None,
        "refunded_share_ever": ratio(back, max(money, back)),
        "days_since_failed": since_failed,
        "last_failed": float(since_failed is not None and (since is None or since_failed < since)),
        "days_since_last": since,
        "days_since_first": first,
        "gap_mean": gap,
        "days_since_last_vs_gap": None if gap is None else since / max(gap, 1),
    }
    for method in plan.levels.get("payments.method", ()):
        by_it = sum(row["method"] == method for row in rows)
        values[f"method_{method}_share"] = ratio(by_it, len(rows))
    for days in plan.windows:
        now, before = windows(rows, "occurred_at", cutoff, days)
        found = payments_window(now, before, has_due=plan.has("payments", "due_at"))
        values |= {f"{name}_{days}d": value for name, value in found.items()}
    values |= rhythm([row["occurred_at"] for row in paid], cutoff)
    values |= failures(rows, cutoff)
    return {f"payments_{name}": value for name, value in values.items()}


def failures(rows, cutoff):
    """One row after the other; of the same moment failures come before what went through."""
    run, longest, began = 0, 0, None
    for at, status in sorted((row["occurred_at"], row["status"]) for row in rows):
        if status == "failed":
            began = began if run else at
            run += 1
            longest = max(longest, run)
        elif status == "paid":
            run = 0
    return {
        "failed_run": run,
        "failed_run_days": (cutoff - began) / DAY if run else None,
        "failed_run_max": longest,
    }


def payments_window(now, before, *, has_due):
    paid = [row for row in now if row["status"] == "paid"]
    was = [row for row in before if row["status"] == "paid"]
    failed = sum(row["status"] == "failed" for row in now)
    found = {
        "paid_count": len(paid),
        "paid_sum": total(paid, "amount"),
        "paid_mean": ratio(total(paid, "amount"), len(paid)),
        "paid_max": max(given(paid, "amount"), default=None),
        "paid_trend": trend(total(paid, "amount"), total(was, "amount")),
        "refunded_sum": sum(abs(row["amount"]) for row in now if row["status"] == "refunded"),
        "failed_count": failed,
        "failed_share": ratio(failed, failed + len(paid)),
    }
    if has_due:
        late = [
            max((row["occurred_at"].date() - row["due_at"].date()).days, 0)
            for row in paid
            if row["due_at"] is not None
        ]
        found |= {
            "late_share": ratio(sum(days >= 1 for days in late), len(late)),
            "days_late_mean": ratio(sum(late), len(late)),
            "days_late_max": max(late, default=None),
        }
    return found


def days_since_last(rows, cutoff):
    times = [row["occurred_at"] for row in rows]
    return (cutoff - max(times)) / DAY if times else None


# Tickets


def tickets(rows, cutoff, plan):
    closed = [row for row in rows if row["closed_at"] is not None and row["closed_at"] < cutoff]
    running = [row for row in rows if row not in closed]
    opened = [row["opened_at"] for row in rows]
    answered = [row for row in closed if row["csat"] is not None]
    oldest = min((row["opened_at"] for row in running), default=None)
    values = {
        "opened_count_ever": len(rows),
        "days_since_last": (cutoff - max(opened)) / DAY if opened else None,
        "csat_last": last(answered, "closed_at", "csat"),
        "open_count": len(running),
        "open_oldest_days": None if oldest is None else (cutoff - oldest) / DAY,
        "open_urgent_count": sum(is_urgent(row) for row in running),
    }
    for days in plan.windows:
        now, before = windows(rows, "opened_at", cutoff, days)
        done, _ = windows(closed, "closed_at", cutoff, days)
        hours = [hours_to_close(row) for row in done]
        found = {
            "opened_count": len(now),
            "opened_trend": trend(len(now), len(before)),
            "urgent_count": sum(is_urgent(row) for row in now),
            "closed_count": len(done),
            "hours_to_close_mean": ratio(sum(hours), len(hours)),
            "hours_to_close_max": max(hours, default=None),
            "reopened_count": sum(row["reopened"] is True for row in done),
            "csat_mean": ratio(total(done, "csat"), len(given(done, "csat"))),
            "csat_min": min(given(done, "csat"), default=None),
        }
        for category in plan.levels["tickets.category"]:
            found[f"{category}_count"] = sum(row["category"] == category for row in now)
        values |= {f"{name}_{days}d": value for name, value in found.items()}
    return {f"tickets_{name}": value for name, value in values.items()}


def is_urgent(row):
    return (row["priority"] or "").lower() in ("high", "urgent", "critical")


def hours_to_close(row):
    """The seconds of the clock that were begun; on its way back in autumn it may count none."""
    opened, closed = (row[name].replace(microsecond=0) for name in ("opened_at", "closed_at"))
    return max((closed - opened) / HOUR, 0)


# Surveys


def surveys(rows, cutoff, plan):
    values = {}
    for kind in plan.levels["surveys.kind"]:
        answers = [row for row in rows if row["kind"] == kind]
        mean = ratio(total(answers, "score"), len(answers))
        newest = last(answers, "occurred_at", "score")
        scores = [score for _, score in sorted((r["occurred_at"], r["score"]) for r in answers)]
        found = {
            "count_ever": len(answers),
            "mean_ever": mean,
            "last_score": newest,
            "last_score_vs_own": newest - mean if answers else None,
            "score_change": scores[-1] - scores[-2] if len(scores) > 1 else None,
            "days_since_last": days_since_last(answers, cutoff),
        }
        for days in plan.windows:
            now, _ = windows(answers, "occurred_at", cutoff, days)
            found[f"count_{days}d"] = len(now)
            found[f"mean_{days}d"] = ratio(total(now, "score"), len(now))
            found[f"min_{days}d"] = min(given(now, "score"), default=None)
        values |= {f"surveys_{kind}_{name}": value for name, value in found.items()}
    return values


# Contacts


def contacts(rows, cutoff, plan):
    treated = [row for row in rows if row["group"] == "treated"]
    found = {
        "contacts_count_ever": len(treated),
        "contacts_days_since_last": days_since_last(treated, cutoff),
    }
    for days in plan.windows:
        found[f"contacts_count_{days}d"] = len(windows(treated, "occurred_at", cutoff, days)[0])
    return found


# Subscriptions


def subscription(rows, cutoff, plan):
    by_id = {}
    for row in sorted(rows, key=version_order):
        by_id.setdefault(row["subscription_id"], []).append(row)
    told = [[row for row in versions if known_since(row) < cutoff] for versions in by_id.values()]
    running = [versions[-1] for versions in told if versions and runs(versions[-1], cutoff)]
    begun = [
        versions[0]["started_at"]
        for versions in told
        if versions and versions[0]["started_at"] < cutoff
    ]
    prices = [row["price"] for row in running if row["price"] is not None]
    found = {
        "running_count": len(running),
        "begun_count_ever": len(begun),
        "days_since_first": (cutoff - min(begun)) / DAY if begun else None,
        "monthly_price": sum(monthly(row) for row in running if row["price"] is not None)
        if prices
        else None,
        **main_one(running, cutoff),
        **price_changes(by_id.values(), cutoff, plan),
    }
    return {f"subscriptions_{name}": value for name, value in found.items()}


def version_order(row):
    return (known_since(row), row["valid_from"] is not None)


def known_since(row):
    return row["valid_from"] or row["started_at"]


def runs(row, cutoff):
    return row["started_at"] < cutoff and (row["ended_at"] is None or row["ended_at"] >= cutoff)


def monthly(row):
    return row["price"] / 12 if row["billing_period"] == "year" else row["price"]


def main_one(running, cutoff):
    """Of several the dearest, then the newest, then the one with the smaller id."""
    names = (
        "days_since_start", "plan", "is_yearly", "auto_renew", "renewal_overdue",
        "days_to_renewal", "term_phase", "days_to_end_unless_renewed", "days_to_known_end",
    )  # fmt: skip
    if not running:
        return dict.fromkeys(names) | {"notice_given": 0}
    cheap = float("-inf")
    row = max(
        running,
        key=lambda row: (
            cheap if row["price"] is None else row["price"],
            row["started_at"],
            -row["subscription_id"],
        ),
    )
    noticed = row["cancelled_at"] is not None and row["cancelled_at"] < cutoff
    ends = (row["ended_at"] - cutoff) / DAY if noticed and row["ended_at"] else None
    period = row["billing_period"]
    return {
        "days_since_start": (cutoff - row["started_at"]) / DAY,
        "plan": row["plan"],
        "is_yearly": None if period is None else float(period == "year"),
        "auto_renew": row["auto_renew"],
        "notice_given": float(noticed),
        "days_to_known_end": ends,
        **renewal(row, cutoff),
    }


def renewal(row, cutoff):
    """The date that the version tells goes before the one that the billing period gives."""
    until = length = None
    if row["billing_period"]:
        due, before = next_due(row, cutoff.date())
        until, length = (due - cutoff.date()).days, (due - before).days
    told = row["renews_at"]
    if told is not None and told >= cutoff:
        until = (told - cutoff) / DAY
    if until is not None and length is None:
        length = until + (cutoff - row["started_at"]) / DAY
    return {
        "renewal_overdue": None if told is None else float(told < cutoff),
        "days_to_renewal": until,
        "term_phase": None if until is None else min(max(1 - until / length, 0), 1),
        "days_to_end_unless_renewed": until if row["auto_renew"] is False else None,
    }


def next_due(row, today):
    """When the running term ends that is not over, and when it began."""
    months = 12 if row["billing_period"] == "year" else 1
    terms = 1
    while months_later(row["started_at"].date(), terms * months) < today:
        terms += 1
    start = row["started_at"].date()
    return months_later(start, terms * months), months_later(start, (terms - 1) * months)


def months_later(day, months):
    month = day.year * 12 + day.month - 1 + months
    year, month = month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def price_changes(subscriptions, cutoff, plan):
    changes = []
    for versions in subscriptions:
        for before, row in pairwise(versions):
            if not same_sold(before, row):
                continue
            if before["price"] and row["price"] is not None and row["price"] != before["price"]:
                changes.append((row["valid_from"], row["price"] / before["price"] - 1))
    changes = [change for change in changes if change[0] is not None and change[0] < cutoff]
    newest = max(changes, default=(None, None))
    found = {
        "days_since_price_change": (cutoff - newest[0]) / DAY if changes else None,
        "last_price_change": newest[1],
    }
    for days in plan.windows:
        recent = [change for change in changes if change[0] >= cutoff - days * DAY]
        found[f"price_change_{days}d"] = max(recent, default=(None, 0))[1]
    return found


def same_sold(before, row):
    """Whether two versions are of the same plan, billed alike; what one does not tell is alike."""
    pairs = [(before[name], row[name]) for name in ("plan", "billing_period")]
    return all(one is None or other is None or one == other for one, other in pairs)


# What they share


def windows(rows, time, cutoff, days):
    """The rows of the last days, and those of as many days before."""
    since = cutoff - days * DAY
    now = [row for row in rows if since <= row[time] < cutoff]
    before = [row for row in rows if since - days * DAY <= row[time] < since]
    return now, before


def given(rows, column):
    return [row[column] for row in rows if row[column] is not None]


def total(rows, column):
    return sum(given(rows, column))


def last(rows, time, column):
    """The value of the last row; of several at the same moment the largest."""
    return max(((row[time], row[column]) for row in rows), default=(None, None))[1]


def ratio(part, whole):
    return part / whole if whole > 0 else None


def trend(now, before):
    return log((max(now, 0) + 1) / (max(before, 0) + 1))
