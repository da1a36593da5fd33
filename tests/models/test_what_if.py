"""What would change it: the answer holds on the model, is small, and says what cannot change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.peers import prepare
from models.training import Data, Part, fit
from models.what_if import Change, WhatIf, smallest_change

THRESHOLD = 0.25
ROWS = 1_500


def feature(name: str, group: str, says: str | None, actionable: bool, unit: str = "n") -> dict:
    told = {"name": name, "meaning": name, "unit": unit, "group": group, "actionable": actionable}
    return told | ({"says": says} if says else {})


FEATURES = (
    feature("method", "payments", None, True, "text"),
    feature("usage_count_30d", "usage", "usage", True),
    feature("usage_count_90d", "usage", "usage", True),
    feature("usage_mean_30d", "usage", "worth of usage", True),
    feature("failed_count", "payments", "failed payments", True),
    feature("open_days", "support", "open tickets", True),
    feature("sector", "profile", None, False, "text"),
    feature("tenure", "profile", "tenure", False),
)
NAMES = [each["name"] for each in FEATURES]


@pytest.fixture(scope="module")
def peers() -> pd.DataFrame:
    """Failed payments, open tickets, little usage and a sector raise the risk."""
    random = np.random.default_rng(8)
    recent = random.poisson(6, ROWS) * (random.random(ROWS) < 0.85)
    return pd.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(ROWS)],
            "usage_count_30d": recent.astype(float),
            "usage_count_90d": (recent + random.poisson(9, ROWS)).astype(float),
            "usage_mean_30d": np.where(recent > 0, random.gamma(3, 2, ROWS), np.nan),
            "failed_count": (random.random(ROWS) < 0.3) * random.integers(1, 4, ROWS) * 1.0,
            "open_days": np.where(random.random(ROWS) < 0.3, random.gamma(2, 6, ROWS), np.nan),
            "method": pd.Categorical(random.choice(["card", "debit"], ROWS)),
            "sector": pd.Categorical(random.choice(["shop", "bank", "farm"], ROWS)),
            "tenure": random.integers(20, 900, ROWS).astype(float),
        }
    )


@pytest.fixture(scope="module")
def model(peers) -> ChurnModel:
    log_odds = (
        -3.2
        + 3.0 * (peers["failed_count"] > 0)
        + 3.0 * (peers["open_days"].fillna(0) > 8)
        + 2.5 * (peers["usage_count_30d"] == 0)
        + 4.0 * (peers["sector"] == "farm")
    )
    chance = 1 / (1 + np.exp(-log_odds))
    labels = (np.random.default_rng(9).random(ROWS) < chance).to_numpy(np.int8)
    levels = find_levels(peers, ["method", "sector"])
    matrix = to_matrix(peers, NAMES, levels)
    folds = [(np.arange(750), np.arange(750, 1100)), (np.arange(1100), np.arange(1100, ROWS))]
    fitted = fit(Data(Part(matrix, labels), NAMES, ["method", "sector"], folds), seed=1)
    calibrator = fitted.calibrator
    return ChurnModel(fitted.boosters, FEATURES, levels, {}, 0.3, {}, calibrator=calibrator)


@pytest.fixture(scope="module")
def ready(model, peers):
    return prepare(model, peers)


QUIET = {
    "usage_count_30d": 6.0,
    "usage_count_90d": 15.0,
    "usage_mean_30d": 6.0,
    "failed_count": 0.0,
    "open_days": np.nan,
    "method": "card",
    "sector": "shop",
    "tenure": 300.0,
}


def customer(**values: object) -> pd.DataFrame:
    return pd.DataFrame([{**QUIET, **values}])


def changed(row: pd.DataFrame, changes: tuple[Change, ...]) -> pd.DataFrame:
    """The customer with the changes as they are told."""
    new = {name: then for change in changes for name, _, then in change.features}
    found = row[NAMES].astype(object)
    return found.assign(**{name: [np.nan if v is None else v] for name, v in new.items()})


def subjects(found: tuple[Change, ...]) -> set[str]:
    return {subject for change in found for subject in change.subjects}


def test_one_cause_is_one_change(model, ready):
    found = smallest_change(model, customer(failed_count=3.0), ready, THRESHOLD)
    assert (found.reached, found.why_not, found.lowest) == (True, "", None)
    (change,) = found.changes
    assert (change.subject, change.group) == ("failed payments", "payments")
    assert change.features == (("failed_count", 3.0, 0.0),)
    assert change.share == pytest.approx(1)


def test_two_causes_are_two_changes(model, ready):
    row = customer(failed_count=2.0, open_days=20.0)
    found = smallest_change(model, row, ready, THRESHOLD)
    assert subjects(found.changes) == {"failed payments", "open tickets"}
    assert [each.share for each in found.changes] == sorted(
        [each.share for each in found.changes], reverse=True
    )
    for each in found.changes:
        by_itself = found.before - model.predict(changed(row, (each,)))[0]
        assert each.share == pytest.approx(by_itself / (found.before - found.after))


@pytest.mark.parametrize("better", [0, 1, -1])
def test_nobody_is_advised_to_get_worse(model, peers, better):
    """Fewer failed payments lower the risk; where more of them were better, they are no advice."""
    features = tuple({**f, "better": better * (f["name"] == "failed_count")} for f in FEATURES)
    directed = replace(model, features=features)
    found = smallest_change(directed, customer(failed_count=3.0), prepare(directed, peers), 0.25)
    told = subjects(found.changes or (found.lowest.changes if found.lowest else ()))
    assert ("failed payments" in told) == (better <= 0)
    assert found.reached == (better <= 0)


def test_linked_numbers_move_together(model, ready):
    """Who used nothing has no mean: usage comes with what it was worth."""
    row = customer(usage_count_30d=0.0, usage_count_90d=9.0, usage_mean_30d=np.nan)
    found = smallest_change(model, row, ready, THRESHOLD)
    (change,) = found.changes
    assert set(change.subjects) == {"usage", "worth of usage"}
    assert change.subject in {"usage", "worth of usage"}
    old = {name: value for name, value, _ in change.features}
    assert (old["usage_count_30d"], old["usage_mean_30d"]) == (0.0, None)
    weights = model.contributions(row) - model.contributions(changed(row, found.changes))
    falls = [weights[0, NAMES.index(name)] for name, _, _ in change.features]
    assert falls == sorted(falls, reverse=True)


def test_where_only_facts_raise_the_risk_nothing_is_promised(model, ready):
    row = customer(sector="farm")
    found = smallest_change(model, row, ready, THRESHOLD)
    assert (found.reached, found.changes, found.why_not) == (False, (), "not_enough")
    assert found.after == found.before >= THRESHOLD
    assert (found.fixed[0].subject, found.fixed[0].group) == ("sector", "profile")
    assert found.fixed[0].contribution == pytest.approx(model.contributions(row)[0, 6])
    if found.lowest is not None:
        assert found.lowest.probability >= THRESHOLD


def test_how_far_one_gets_is_told(model, ready):
    row = customer(sector="farm", failed_count=2.0)
    found = smallest_change(model, row, ready, THRESHOLD)
    assert not found.reached
    assert found.lowest is not None
    assert found.lowest.changes[0].subject == "failed payments"
    told = model.predict(changed(row, found.lowest.changes))[0]
    assert told == found.lowest.probability < found.before


def test_who_is_not_at_risk_needs_no_change(model, peers):
    found = smallest_change(model, customer(), peers, THRESHOLD)
    assert (found.reached, found.changes, found.before) == (True, (), found.after)


def at_risk(model: ChurnModel, peers: pd.DataFrame) -> np.ndarray:
    return np.flatnonzero(model.predict(peers) >= THRESHOLD)


@settings(max_examples=40)
@given(pick=st.integers(0, 10**6), threshold=st.floats(0.05, 0.6))
def test_what_is_told_is_so(model, peers, ready, pick, threshold):
    """The changed customer has the told probability, its facts, and a real peer's values."""
    candidates = at_risk(model, peers)
    row = peers.iloc[[candidates[pick % len(candidates)]]].reset_index(drop=True)
    found = smallest_change(model, row, ready, threshold)
    assert found.before == model.predict(row)[0]
    assert found.reached == (found.after < threshold)
    after = changed(row, found.changes)
    assert model.predict(after)[0] == found.after
    moved = {name for each in found.changes for name, _, _ in each.features}
    assert moved <= {each["name"] for each in FEATURES if each["actionable"]}
    assert {each.subject for each in found.fixed} <= {"sector", "tenure"}
    for change in found.changes:
        assert_of_one_peer(change, after, peers)
        for name, old, new in change.features:
            assert old != new
            assert old == row[name][0] or (old is None and pd.isna(row[name][0]))
        # Without it, it would not be enough.
        others = tuple(each for each in found.changes if each is not change)
        if found.reached and others:
            assert model.predict(changed(row, others))[0] >= threshold


def assert_of_one_peer(change: Change, after: pd.DataFrame, peers: pd.DataFrame) -> None:
    names = [f["name"] for f in FEATURES if f.get("says", f["name"]) in change.subjects]
    same = np.ones(len(peers), dtype=bool)
    for name in names:
        value = after[name][0]
        same &= (peers[name].isna() if pd.isna(value) else peers[name] == value).to_numpy()
    assert same.any()


def test_it_is_repeatable_whatever_was_asked_before(model, peers, ready):
    for position in at_risk(model, peers)[:12]:
        row = peers.iloc[[position]]
        again = smallest_change(model, row, peers, THRESHOLD)
        assert again == smallest_change(model, row, ready, THRESHOLD)


def test_the_nearest_of_all_donors_is_taken(model, peers, ready, monkeypatch):
    """However few are searched, once the bundles are known nobody nearer is enough."""
    row = customer(open_days=25.0)
    (open_before,) = smallest_change(model, row, ready, THRESHOLD).changes[0].features
    monkeypatch.setattr("models.what_if.MOST_DONORS", 4)
    few = smallest_change(model, row, ready, THRESHOLD)
    assert few.changes[0].features == (open_before,)
    # By hand: the longest wait that is enough, of those that are not at risk.
    waits = np.sort(peers["open_days"][model.predict(peers) < THRESHOLD].dropna())
    risk = model.predict(pd.concat([customer(open_days=wait) for wait in waits]))
    assert open_before[2] == waits[(risk < THRESHOLD) & (waits < 25)].max()


def test_no_donor_no_lever_no_peer(model, peers):
    row = customer(failed_count=3.0)
    risky = peers.iloc[at_risk(model, peers)]
    nothing = replace(model, features=tuple({**f, "actionable": False} for f in FEATURES))
    bare = replace(
        model, features=tuple({k: f[k] for k in ("name", "group", "unit")} for f in FEATURES)
    )
    for told, mates, why in (
        (model, risky, "no_peer_below"),
        (model, peers.head(0), "no_peer_below"),
        (model, row, "no_peer_below"),
        (nothing, peers, "nothing_actionable"),
        (bare, peers, "nothing_actionable"),
    ):
        found = smallest_change(told, row, mates, THRESHOLD)
        assert (found.reached, found.why_not, found.changes) == (False, why, ())
        assert found.after == found.before
    assert bare.features[0].get("says") is None
    (fixed, *_) = smallest_change(bare, row, peers, THRESHOLD).fixed
    assert fixed.subject == "failed_count"


def test_one_peer_is_a_donor_too(model):
    found = smallest_change(model, customer(failed_count=3.0), customer(), THRESHOLD)
    assert subjects(found.changes) == {"failed payments"}


def test_columns_without_any_value(model, peers):
    mates = peers.assign(open_days=np.nan, usage_mean_30d=np.nan)
    for value in (np.nan, 30.0):
        row = customer(failed_count=3.0, open_days=value, usage_mean_30d=np.nan)
        assert isinstance(smallest_change(model, row, mates, THRESHOLD), WhatIf)
        assert smallest_change(model, row, mates, THRESHOLD).reached


@pytest.mark.parametrize("threshold", [0.0, 1.0, float("nan"), -1.0])
def test_a_threshold_is_a_probability(model, peers, threshold):
    with pytest.raises(ValueError, match="threshold"):
        smallest_change(model, customer(), peers, threshold)


def test_one_customer_is_asked_about(model, peers):
    with pytest.raises(ValueError, match="not of 2"):
        smallest_change(model, peers.head(2), peers, THRESHOLD)
    with pytest.raises(ValueError, match="lack features"):
        smallest_change(model, customer(failed_count=3.0), peers.drop(columns="tenure"), THRESHOLD)
