"""The tables of the notebook of the numbers; words where there is nothing to list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.exposure import Range
from pipeline import one_score
from pipeline.kpi_survival import MONTH
from pipeline.lever_plots import excesses
from pipeline.levers import LACKING
from pipeline.looking_numbers import NOTHING, Numbers

if TYPE_CHECKING:
    import pandas as pd

RATES = (
    *("customers_start", "churned", "churn_rate", "churn_rate_low", "churn_rate_high"),
    *("annualised", "new", "reactivated", "growth_rate"),
)
MOVEMENTS = (
    *("start", "new", "expansion", "contraction", "churned", "reactivated", "end"),
    *("gross_retention", "net_retention"),
)


class Words(str):
    """What a cell says instead of a table."""

    def __repr__(self) -> str:
        return str(self)


def rates(numbers: Numbers, most: int) -> pd.DataFrame:
    """Customers in the newest periods."""
    import pandas as pd

    periods = numbers.values["periods"][-most:]
    return pd.DataFrame([{name: one[name] for name in RATES} for one in periods], _starts(periods))


def revenue(numbers: Numbers, most: int) -> pd.DataFrame | Words:
    """Money in the newest periods, by currency."""
    import pandas as pd

    rows = [(one, of) for one in numbers.values["periods"][-most:] for of in one["revenue"]]
    if not rows:
        return Words(NOTHING["revenue"])
    found = pd.DataFrame([{name: of[name] for name in MOVEMENTS} for _, of in rows])
    found.index = _starts([one for one, _ in rows])
    if any(of["currency"] for _, of in rows):
        found.insert(0, "currency", [of["currency"] for _, of in rows])
    return found


def parts(numbers: Numbers) -> pd.DataFrame | Words:
    """The newest period that is over, by everything that parts customers."""
    import pandas as pd

    rows = []
    for name, figures in numbers.parts.figures.items():
        over = [one for one in figures if one.complete and one.rate.there]
        for one in over:
            if one.period == over[-1].period:
                low, high = one.rate.interval or (None, None)
                told = (name, one.part, one.rate.there, one.rate.gone, one.rate.value, low, high)
                rows.append(told)
    if not rows:
        return Words(NOTHING["groups"])
    columns = ["by", "part", "customers", "churned", "churn_rate", "low", "high"]
    found = pd.DataFrame(rows, columns=columns).set_index(["by", "part"])
    return found.sort_values("churn_rate", ascending=False, kind="stable").sort_index(
        level="by", sort_remaining=False, kind="stable"
    )


def lifetimes(numbers: Numbers) -> pd.DataFrame | Words:
    """Every group's stay in months; `p` is that its grouping differs by chance."""
    import pandas as pd

    rows = [
        {
            "by": grouping.name,
            "group": group.label,
            "customers": group.table.customers,
            "left": group.left,
            "half left after": _months(group.as_json()["median_days"]),
            "mean": _months(group.as_json()["mean_days"]),
            "p": grouping.p_value,
        }
        for grouping in numbers.survival.groupings
        for group in grouping.groups
    ]
    return pd.DataFrame(rows).set_index(["by", "group"]) if rows else Words(NOTHING["groups"])


def ahead(numbers: Numbers) -> pd.DataFrame | Words:
    """Who is expected to be gone after one, two and three months."""
    import pandas as pd

    if numbers.forecast.lacking is not None:
        return Words(numbers.forecast.lacking)
    rows = [
        {"until": one.until, **_plain(one.customers.customers)} for one in numbers.forecast.ahead
    ]
    return pd.DataFrame(rows).set_index("until")


def levers(numbers: Numbers) -> pd.DataFrame | Words:
    """Churn beyond that of customers alike, the most first; `leavers` and `margin` with it."""
    import pandas as pd

    found = {} if numbers.levers is None else excesses(numbers.levers)
    rows = [
        {
            "what": name,
            "points": one.points,
            "churn": one.rate,
            "expected": one.expected,
            "excess": one.churn.estimate,
            "low": one.churn.low,
            "high": one.churn.high,
            "leavers": one.leavers.estimate,
            "margin": None if one.money is None else one.money.estimate,
        }
        for name, one in found.items()
        if one is not None
    ]
    if not rows:
        return Words(NOTHING["levers"])
    return pd.DataFrame(rows).set_index("what").sort_values("excess", ascending=False)


def dunning(numbers: Numbers) -> pd.DataFrame | Words:
    """What dunning periods keep, in customers, and how many more by extrapolation."""
    import pandas as pd

    found = numbers.recovery
    if found is None:
        return Words(NOTHING["recovery"])
    rows = [
        {
            "days": one.days,
            **(_plain(one.recovered, "recovered") if one.recovered else {}),
            "kept": one.seen,
            "more": one.more.estimate if one.more else None,
        }
        for one in found.kept
    ]
    return pd.DataFrame(rows).set_index("days")


def behaviours(numbers: Numbers) -> pd.DataFrame | Words:
    """What those who stay did in their first days, the most telling first."""
    import pandas as pd

    found = None if numbers.levers is None else numbers.levers.onboarding
    if found is None or not found.behaviours:
        return Words(f"Nothing is told of first days: {LACKING['onboarding']}.")
    rows = [
        {
            "did": one.event,
            "left, did": one.difference.rate_with,
            "left, did not": one.difference.rate_without,
            **_plain(one.difference.adjusted, "difference"),
            "clear": one.clear,
        }
        for one in found.behaviours
    ]
    return pd.DataFrame(rows).set_index("did")


def audience(numbers: Numbers) -> pd.DataFrame | Words:
    """Churn and value by what was known at sign-up, the worst first."""
    import pandas as pd

    found = None if numbers.levers is None else numbers.levers.audience
    if found is None:
        return Words(f"Nothing is told of the audience: {LACKING['audience']}.")
    rows = [
        {
            "by": by,
            "value": one.name,
            "customers": one.customers,
            **_plain(one.churn, "churn"),
            f"margin in {found.value_days} days": None if one.value is None else one.value.estimate,
        }
        for by, origins in found.by.items()
        for one in origins
    ]
    return pd.DataFrame(rows).set_index(["by", "value"])


def score(numbers: Numbers) -> pd.DataFrame | Words:
    """The points score beside the model, as training shows it."""
    import pandas as pd

    if not numbers.score:
        return Words(NOTHING["score"])
    head, rows = one_score.table(numbers.score)
    names = [name for name, _ in rows]
    return pd.DataFrame([cells for _, cells in rows], index=names, columns=head)


def weights(numbers: Numbers) -> pd.DataFrame | Words:
    """The points of each rule: by hand, and fitted to all and to each segment."""
    import pandas as pd

    if not numbers.score or not numbers.score["weights"]:
        return Words(NOTHING["score"])
    found = pd.DataFrame.from_dict(numbers.score["weights"], orient="index").round(1)
    return found.rename(columns=lambda name: name.removeprefix(one_score.PREFIX).replace("_", " "))


def _starts(periods: list[dict[str, Any]]) -> pd.Index:
    import pandas as pd

    return pd.Index([str(one["start"]) for one in periods], name="from")


def _months(days: float | None) -> float | None:
    return None if days is None else days / MONTH


def _plain(one: Any, name: str = "expected") -> dict[str, float]:
    """A figure with its interval."""
    middle = one.estimate if isinstance(one, Range) else one.expected
    return {name: middle, "low": one.low, "high": one.high}
