"""What is to be said of contacts beside their figures: why there are none, verdicts that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from models.expected_profit import DO_NOT_RUN, RUN
from models.outreach import BUDGET, HOLDOUT, Outreach
from pipeline.config import Outreach as Settings
from pipeline.consoles import amount


def notes_of(settings: Settings, found: Outreach) -> Iterator[str]:
    """A sentence for each thing to know, none where the figures say it all."""
    if not found.total.contacts:
        yield f"Nobody is contacted: {_why_nobody(settings, found)}."
    elif settings.holdout_share == 0:
        yield "holdout_share is 0: with nobody held out, what these contacts do cannot be proven."
    yield from _differing(found)


def _why_nobody(settings: Settings, found: Outreach) -> str:
    """The setting that leaves nobody, or else what stands against each customer."""
    if not settings.actions:
        return "there are no [[outreach.actions]]"
    counts = Counter(why for why in found.why_not if why)
    held_out = found.group.count(HOLDOUT)
    if not counts[BUDGET] and not held_out:
        return ", ".join(f"{why} {count:,}" for why, count in sorted(counts.items()))
    if settings.holdout_share == 1:
        return "holdout_share is 1, so all who could be are held out"
    if settings.capacity == 0:
        return "capacity is 0"
    if settings.budget == 0:
        return "budget is 0"
    return "budget and capacities leave room for nobody but those held out"


def _differing(found: Outreach) -> Iterator[str]:
    """Why the verdict on all is not that on each action."""
    doubtful = [name for name, one in found.by_action.items() if one.verdict == DO_NOT_RUN]
    sound = [name for name, one in found.by_action.items() if one.verdict == RUN]
    if found.total.verdict == RUN and doubtful:
        brings = amount(sum(found.by_action[name].expected for name in doubtful))
        yield (
            f"All contacts together pay, though {_named(doubtful)} by itself may be a loss: what "
            "is wrong with single success rates partly evens out over the actions. To leave out "
            f"what may be a loss (capacity = 0) is safer, and forgoes {brings} if the rates are "
            "right."
        )
    if found.total.verdict == DO_NOT_RUN and sound:
        yield (
            f"All contacts together may be a loss, though {_named(sound)} by itself pays: run that "
            "alone, and leave out the other actions (capacity = 0)."
        )


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"each of {', '.join(names[:-1])} and {names[-1]}"
