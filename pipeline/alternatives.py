"""What would change it, in sentences: of each change what is and what would be, and what stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.wording import Wording
from models.drivers import LEAST_PUSH, Drivers
from models.peers import says
from models.what_if import Change, Value, WhatIf
from pipeline.explained import Altered, Alternative
from pipeline.reasons import Columns, Row

PAST = ("trend", "vs_own", "wider", "before", "earlier", "usual")
"""Fields of sentences that tell of earlier times, which nothing that comes can change."""


def told_alternative(drivers: Drivers, wording: Wording, found: WhatIf) -> Alternative:
    """The changes of the one customer that is explained, or how far they go where not far enough.

    What cannot be changed is told where it raises the risk and is not among the changes.
    """
    far = None if found.reached else found.lowest
    changes = found.changes if far is None else far.changes
    told = _Told(drivers, wording)
    changed = {subject for one in changes for subject in one.subjects}
    stays = [
        one.subject
        for one in found.fixed
        if one.contribution >= LEAST_PUSH and one.subject not in changed
    ]
    then = told.now | {name: new for one in changes for name, _, new in one.features}
    return Alternative(
        reached=found.reached,
        probability=found.after if far is None else far.probability,
        changes=tuple(told.altered(one, then) for one in changes),
        fixed=tuple(told.fixed(subject) for subject in stays),
        why_not=found.why_not,
    )


class _Told:
    """Sentences about the one customer that is explained."""

    def __init__(self, drivers: Drivers, wording: Wording) -> None:
        self.model = drivers.explanation.model
        self.wording = wording
        self.now = dict(Row(Columns(drivers.explanation.frame), 0))
        usual = [self.model.usual.features.get(name, 0.0) for name in self.model.names]
        self.excess = drivers.explanation.contributions[0] - usual

    def altered(self, change: Change, then: Mapping[str, Any]) -> Altered:
        """A sentence for each subject that reads differently then."""
        pairs = [
            pair
            for subject in change.subjects
            if (pair := self._pair(change, subject, then)) is not None
        ]
        now, whatever = zip(*(pairs or [self._by_meaning(change, then)]), strict=True)
        return Altered(change.group, self.wording.driver(change.group), now, whatever, change.share)

    def _pair(
        self, change: Change, subject: str, then: Mapping[str, Any]
    ) -> tuple[str, str] | None:
        """By the feature that matters most of those whose sentence differs."""
        for name, old, new in change.features:
            feature = self._feature(name)
            if says(feature) == subject and not _is_worse(feature, old, new):
                now, after = self._sentence(feature, self.now), self._sentence(feature, then)
                if now != after:
                    return now, after
        return None

    def _by_meaning(self, change: Change, then: Mapping[str, Any]) -> tuple[str, str]:
        """Where no sentence holds what changes, the feature that matters most by its meaning."""
        feature = {**self._feature(change.features[0][0]), "says": ""}
        return self._sentence(feature, self.now), self._sentence(feature, then)

    def fixed(self, subject: str) -> str:
        """By the feature that raises the risk most, among those that nobody can move."""
        places = [
            place
            for place, feature in enumerate(self.model.features)
            if says(feature) == subject and not feature.get("actionable", False)
        ]
        place = places[int(np.argmax(self.excess[places]))]
        return self.wording.reason(self.model.features[place], self.now, self.model.typical)

    def _sentence(self, feature: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        """Without the median customer and the past: what is compared is now and then."""
        fields = {key: name for key, name in feature.get("fields", {}).items() if key not in PAST}
        return self.wording.reason({**feature, "fields": fields}, values, {})

    def _feature(self, name: str) -> Mapping[str, Any]:
        return self.model.features[self.model.names.index(name)]


def _is_worse(feature: Mapping[str, Any], old: Value, new: Value) -> bool:
    """Whether it goes the other way than where a team succeeds."""
    if not isinstance(old, float) or not isinstance(new, float):
        return False
    return bool((new - old) * feature.get("better", 0) < 0)
