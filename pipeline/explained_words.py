"""What `churn explain` says, in the language asked for: shared by the screen and the page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from features.catalogue import spoken
from features.chronicle import DAYS_SHOWN, Happening
from pipeline.explained import Driver, Explained

BARS = "▁▂▃▄▅▆▇█"
MOST_ALIKE = 3
"""Of one kind and day, so many are told one by one."""
MOST_FIXED = 3


def headline(found: Explained) -> str:
    """Who, when, by which model."""
    return found.wording.text(
        "explain_who", customer=spoken(found.customer_id), day=str(found.as_of), model=found.model
    )


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
    """Where the customer stands among the others, and what is at stake."""
    say = found.wording.text
    if found.riskier_than is not None:
        yield say("explain_rank", share=found.riskier_than, others=float(found.customers - 1))
    if found.value is not None and math.isfinite(found.value):
        yield say("explain_value", value=found.value, lost=found.value * found.probability)


def history(found: Explained) -> str | None:
    """The scores so far as a little curve, with the ends of it; None where this is the first."""
    if len(found.history) < 2:
        return None
    (first, before), (_, now) = found.history[0], found.history[-1]
    scores = [score for _, score in found.history]
    return found.wording.text(
        "explain_history", curve=curve(scores), first=str(first), before=before, now=now
    )


def doubts(found: Explained) -> Iterator[str]:
    """What speaks against taking the first driver at its word."""
    if found.in_doubt and found.steady is not None:
        first, second = found.levers[:2]
        yield found.wording.text(
            "explain_not_steady", first=first.name, second=second.name, share=found.steady
        )


def amount(found: Explained, driver: Driver) -> str:
    """What a driver adds, in points of probability."""
    tenths = round(100 * driver.points, 1) + 0.0  # nothing has no sign
    number = f"{tenths:+.1f}".replace(".", found.wording.numbers.decimal)
    return found.wording.text("explain_points", points=number)


def happenings(found: Explained) -> Iterator[tuple[str, str]]:
    """Day and sentence of what is on record, the newest first; alike ones of a day together."""
    newest_first = reversed(found.chronicle.happenings)
    for (day, _), alike in groupby(newest_first, key=lambda one: (one.day, one.what)):
        sentences = Counter(happening(found, one) for one in alike)
        for told, times in list(sentences.items())[:MOST_ALIKE]:
            yield str(day), _times(found, told, times)
        more = sum(list(sentences.values())[MOST_ALIKE:])
        if more:
            yield str(day), found.wording.text("happened_more", more=float(more))


def _times(found: Explained, told: str, times: int) -> str:
    if times == 1:
        return told
    return found.wording.text("happened_times", told=told, times=float(times))


def happening(found: Explained, one: Happening) -> str:
    """A sentence on something that happened."""
    values = {key: _plain(found, value) for key, value in one.values.items()}
    known = {key: value for key, value in values.items() if value is not None}
    return found.wording.text(f"happened_{one.what}", **known)


def nothing_happened(found: Explained) -> str:
    """What stands where nothing is on record."""
    return found.wording.text("explain_nothing", days=float(DAYS_SHOWN))


def use(found: Explained) -> str | None:
    """Use by week as a little curve; None without any week of it."""
    counts = [count for _, count in found.chronicle.used]
    if not counts:
        return None
    return found.wording.text("explain_use", curve=curve(counts), most=float(max(counts)))


def outcome(found: Explained) -> str:
    """Whether the changes that follow would be enough, or why there are none."""
    say, other = found.wording.text, found.alternative
    if not found.at_risk:
        return say("what_if_not_needed", threshold=found.at_risk_from)
    if not other.changes:
        return say(f"what_if_{other.why_not or 'not_enough'}")
    key = "what_if_reached" if other.reached else "what_if_not_reached"
    return say(key, after=other.probability, threshold=found.at_risk_from)


def fixed(found: Explained) -> tuple[str, ...]:
    """What raises the risk and stays, the strongest first; nothing where nothing has to change."""
    return found.alternative.fixed[:MOST_FIXED] if found.at_risk else ()


def curve(values: Sequence[float]) -> str:
    """Numbers as bars of text, from nothing to the largest."""
    top = max(values, default=0) or 1
    return "".join(BARS[round(value / top * (len(BARS) - 1))] for value in values)


def _plain(found: Explained, value: object) -> str | float | None:
    """A text on one line, or a number; None for what is none."""
    if value is None or isinstance(value, date):
        return None if value is None else str(value)
    if isinstance(value, str):
        return spoken(value) or found.wording.text("blank")
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
