"""What features tell together: subjects, each a sentence and the columns that it is told from.

A subject is declared beside its features. Its columns are patterns: ``{window}`` is the window of
the feature that is told, ``{wider}`` the next wider one, ``{longest}`` the longest of all, and
``{slug}`` the value from the data that a feature's name holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from features.catalogue import Feature
from features.tables import FIRST_DAYS

USUAL_DAYS = 90
"""A feature without a window is told with the others of its subject in the window next to this:
long enough for a few payments or answers, and not yet history."""

NEWCOMER_DAYS = 90
"""Who signed up fewer days ago is still beginning."""

TENURE = "customers_tenure_days"
"""Who was no customer yet did nothing before: sentences that look back need to know."""


@dataclass(frozen=True)
class Subject:
    """What some features tell in one sentence.

    Attributes
    ----------
    sentence
        Its key in the language files.
    fields
        By name within the sentence, the pattern of a column.
    """

    sentence: str
    fields: Mapping[str, str]

    def of(
        self, feature: Feature, *, slug: str = "", actionable: bool = False, **words: str | int
    ) -> Feature:
        """The feature as one that tells of this; with a slug, of this value from the data."""
        says, fields = self.sentence, self.fields
        if slug:
            says = f"{says}/{slug}"
            fields = {name: each.replace("{slug}", slug) for name, each in fields.items()}
        return replace(feature, says=says, fields=fields, words=words, actionable=actionable)


def settled(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Features with the columns that there are, in place of patterns.

    A column that the plan leaves out (no priorities, no due dates) is no field of any sentence.
    The words get ``days``, the window that is told, and ``wider_days``.
    """
    features = tuple(features)
    names = {feature.name for feature in features}
    windows = sorted({feature.window_days for feature in features if feature.window_days})
    return tuple(_settled(feature, names, windows) for feature in features)


def _settled(feature: Feature, names: set[str], windows: Sequence[int]) -> Feature:
    days = feature.window_days or _usual(windows)
    wider = next((each for each in windows if days and each > days), None)
    longest = windows[-1] if windows else None
    chosen = {"{window}": days, "{wider}": wider, "{longest}": longest}
    columns = {name: _column(each, chosen) for name, each in feature.fields.items()}
    fields = {name: column for name, column in columns.items() if column in names}
    words = dict(feature.words)
    for word, place in (("days", "{window}"), ("wider_days", "{wider}")):
        told = [name for name in fields if place in feature.fields[name]]
        number = chosen[place]
        if told and number:
            words[word] = number
    return replace(
        feature,
        fields=fields,
        words=words,
        better=_better(feature),
        onboarding_below=_onboarding_below(feature),
    )


UP, DOWN = 1, -1
BETTER = {"usage": UP, "satisfaction": UP, "payments": DOWN, "support": DOWN, "price": DOWN}
"""By driver group, which way its actionable features go for the better: more use and liking, less
of what failed, waits or costs."""

OTHERWISE = {"subscriptions_auto_renew": UP, "subscriptions_renewal_overdue": DOWN}
SILENCE = re.compile("days_since|silence")


def _better(feature: Feature) -> int:
    """Which way it goes where a team succeeds; silence is not use."""
    if not feature.actionable:
        return 0
    if feature.group == "usage" and SILENCE.search(feature.name):
        return DOWN
    return OTHERWISE.get(feature.name) or BETTER.get(feature.group, 0)


def _onboarding_below(feature: Feature) -> int | None:
    """Use in a window that begins before the customer did is all its use so far: its beginning.

    Windows of the first days and shorter ones tell of the present, of newcomers too.
    """
    if feature.group != "usage":
        return None
    if feature.window_days:
        longer = feature.window_days > FIRST_DAYS
        return min(feature.window_days, NEWCOMER_DAYS) if longer else None
    return NEWCOMER_DAYS if feature.name.endswith(("_ever", "_days_since_first")) else None


def _usual(windows: Sequence[int]) -> int | None:
    return min(windows, key=lambda days: abs(days - USUAL_DAYS), default=None)


def _column(pattern: str, chosen: Mapping[str, int | None]) -> str:
    for place, days in chosen.items():
        pattern = pattern.replace(place, f"{days}d") if days else pattern
    return pattern
