"""What a sentence tells and no column holds, though it follows from columns exactly.

A change is kept in vectors as log((now + 1) / (before + 1)), which tells what was before; two
windows that begin apart tell what lies between. Names are those within sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Get = Callable[[str], float | None]
"""The number of a name; None where there is none."""

LARGEST_LOG = 50.0
"""Beyond that a change is no longer one of numbers that histories may have."""

DIGITS = 6
"""Of what is computed back from a logarithm; a count is whole again."""


def before(get: Get) -> float | None:
    """What `now` was in as many days before, from its `trend`; None for who was not there yet."""
    now, trend = get("now"), get("trend")
    if now is None or trend is None or now < 0 or abs(trend) > LARGEST_LOG or _is_new(get):
        return None
    return max(round((now + 1) / math.exp(trend) - 1, DIGITS), 0.0)


def change(get: Get) -> float | None:
    """From `before` to `now`, as a share; None for who was not there all the time."""
    return _change(get("now"), before(get), whole=_was_there(get, 2 * (get("days") or 0)))


def earlier(get: Get) -> float | None:
    """What `wider`, the count of a wider window, has besides `now`."""
    now, wider = get("now"), get("wider")
    if now is None or wider is None or wider < now or _is_new(get):
        return None
    return wider - now


def earlier_days(get: Get) -> float | None:
    """The days of the wider window before those of `now`."""
    days, wider_days = get("days"), get("wider_days")
    return None if days is None or wider_days is None else wider_days - days


def earlier_change(get: Get) -> float | None:
    """From `earlier` to `now`, where both are of as many days."""
    return _since_earlier(get) if get("days") == earlier_days(get) else None


def daily_change(get: Get) -> float | None:
    """From `earlier` a day to `now` a day, where they are not of as many days."""
    return _since_earlier(get) if get("days") != earlier_days(get) else None


def usual(get: Get) -> float | None:
    """What would be the customer's own mean, from `now` in times of it (`vs_own`)."""
    now, ratio = get("now"), get("vs_own")
    if not now or not ratio or ratio < 0 or not _was_there(get, get("days") or 0):
        return None
    return now / ratio


def longest_gap(get: Get) -> float | None:
    """The longest gap between days, where it says more than the usual one: by a day at least."""
    gap, longest = get("gap"), get("longest")
    return None if gap is None or longest is None or longest < gap + 1 else longest


def first_so_far(get: Get) -> float | None:
    """Days since sign-up, while the first days are not over."""
    tenure, first = get("tenure"), get("first")
    return tenure if tenure is not None and first is not None and tenure < first else None


def tried(get: Get) -> float | None:
    """Payments that went through or failed."""
    failed, paid = get("failed"), get("paid")
    return None if failed is None or paid is None else failed + paid


def worse_run(get: Get) -> float | None:
    """The longest run of failures, where it is longer than the present one."""
    run, longest = get("run"), get("longest_run")
    return longest if longest is not None and longest > max(run or 0, 1) else None


def previous(get: Get) -> float | None:
    """The value before the last one, from the `step` between them."""
    last, step = get("last"), get("step")
    return None if last is None or step is None else round(last - step, DIGITS)


def rise(get: Get) -> float | None:
    """How much a `step` goes up."""
    step = get("step")
    return step if step is not None and step > 0 else None


def fall(get: Get) -> float | None:
    """How much a `step` goes down."""
    step = get("step")
    return -step if step is not None and step < 0 else None


DERIVED: Mapping[str, Callable[[Get], float | None]] = {
    each.__name__: each
    for each in (
        *(before, change, earlier, earlier_days, earlier_change, daily_change, usual),
        *(longest_gap, first_so_far, tried, worse_run, previous, rise, fall),
    )
}
"""By name within sentences."""


def _change(now: float | None, then: float | None, *, whole: bool) -> float | None:
    if now is None or not then or not whole:
        return None
    return now / then - 1


def _since_earlier(get: Get) -> float | None:
    now, then, days, wider_days = get("now"), earlier(get), get("days"), get("wider_days")
    if now is None or not then or not days or not wider_days or wider_days <= days:
        return None
    return _change(now / days, then / (wider_days - days), whole=_was_there(get, wider_days))


def _is_new(get: Get) -> bool:
    """Whether the customer came within the days that are told: before, there was none."""
    tenure, days = get("tenure"), get("days")
    return tenure is not None and days is not None and tenure <= days


def _was_there(get: Get, days: float) -> bool:
    tenure = get("tenure")
    return tenure is None or tenure >= days
