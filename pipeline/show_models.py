"""Changes of the registry for people: who is in charge now, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.charge import Change
    from pipeline.unsent import Sent


def changed(change: Change) -> str:
    """Who is in charge now, and instead of whom."""
    if change.is_none:
        return f"{change.model.label} is in charge already: nothing changed."
    instead = "" if change.before is None else f" instead of {change.before.label}"
    return f"{change.model.label} is in charge now{instead}: {change.reason}"


def sent(runs: Sequence[Sent]) -> str:
    """Each run with the model it became, and how to put one in charge that is not."""
    if not runs:
        return "No run is waiting to be sent."
    lines = []
    for one in runs:
        state = "in charge" if one.promoted else "challenger"
        lines.append(f"{one.run} is {one.model.label} now, {state}: {one.reason}")
        if not one.promoted:
            lines.append(f"  to put it in charge: churn promote {one.model.version}")
    return "\n".join(lines)
