"""What `churn explain` says, in the language asked for: shared by the screen and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from features.chronicle import Happening
from pipeline.explain import Driver, Explained

BARS = "▁▂▃▄▅▆▇█"
MOST_HAPPENINGS = 15


def headline(found: Explained) -> str:
    """Who, when, by which model."""
    say = found.wording.text
    return say("explain_who", customer=found.customer_id, day=str(found.as_of), model=found.model)


def risk(found: Explained) -> str:
    """The probability, its band, and what it is held against."""
    say = found.wording.text
    return say(
        "explain_risk",
        risk=found.probability,
        horizon=float(found.horizon_days),
        band=say(f"band_{found.band}"),
        usual=found.usual,
        threshold=found.at_risk_from,
    )


def standing(found: Explained) -> Iterator[str]:
    """Where the customer stands among all, and what is at stake."""
    say = found.wording.text
    yield say("explain_rank", share=found.riskier_than, customers=found.customers)
    if found.value is not None:
        yield say("explain_value", value=found.value, lost=found.value * found.probability)


def history(found: Explained) -> str:
    """The scores so far as a little curve, with the ends of it."""
    (first, low), (_, now) = found.history[0], found.history[-1]
    return found.wording.text(
        "explain_history", curve=curve([p for _, p in found.history]), first=str(first), low=low,
        now=now,
    )  # fmt: skip


def doubts(found: Explained) -> Iterator[str]:
    """What speaks against taking the first driver at its word."""
    levers = [one for one in found.drivers if one.is_lever]
    if found.at_risk and found.steady is not None and not found.is_steady and len(levers) > 1:
        yield found.wording.text(
            "explain_not_steady", first=levers[0].name, second=levers[1].name, share=found.steady
        )


def amount(found: Explained, driver: Driver) -> str:
    """What a driver adds, in points of probability."""
    return found.wording.text(
        "explain_points",
        points=f"{100 * driver.points:+.1f}".replace(".", found.wording.numbers.decimal),
    )


def happenings(found: Explained) -> Iterator[tuple[str, str]]:
    """Day and sentence of the newest that is on record, the newest first."""
    for one in found.chronicle.happenings[: -MOST_HAPPENINGS - 1 : -1]:
        yield str(one.day), happening(found, one)


def happening(found: Explained, one: Happening) -> str:
    """A sentence on something that happened."""
    values = {key: _plain(value) for key, value in one.values.items()}
    known = {key: value for key, value in values.items() if value is not None}
    return found.wording.text(f"happened_{one.what}", **known)


def use(found: Explained) -> str | None:
    """Use by week as a little curve; None without a table of it."""
    counts = [count for _, count in found.chronicle.used]
    if not counts:
        return None
    return found.wording.text("explain_use", curve=curve(counts), weeks=len(counts))


def alternative(found: Explained) -> Iterator[str]:
    """What would change it: the outcome first, then each change, then what stays."""
    say, other = found.wording.text, found.alternative
    if not found.at_risk:
        yield say("what_if_not_needed", threshold=found.at_risk_from)
        return
    if other.changes:
        key = "what_if_reached" if other.reached else "what_if_not_reached"
        yield say(key, after=other.probability, threshold=found.at_risk_from)
    else:
        yield say(f"what_if_{other.why_not or 'not_enough'}")
    for one in other.changes:
        yield say("what_if_change", driver=one.name, now=one.now, then=one.then)


def fixed(found: Explained, most: int = 3) -> Iterator[str]:
    """What raises the risk and cannot be changed."""
    yield from found.alternative.fixed[:most]


def curve(values: Sequence[float]) -> str:
    """Numbers as bars of text, from nothing to the largest."""
    top = max(values, default=0) or 1
    return "".join(BARS[round(value / top * (len(BARS) - 1))] for value in values)


def _plain(value: object) -> str | float | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return str(value.date())
    return str(value) if isinstance(value, date) else float(value)  # type: ignore[arg-type]
