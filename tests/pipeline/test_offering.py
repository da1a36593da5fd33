"""Which actions a customer may be offered, and how well they fit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import UsageError
from models.calibration import probabilities
from pipeline.actions import DEFAULT_ACTIONS, Action
from pipeline.config import from_values
from pipeline.offering import USUAL, _is_one_of, fits_of, offered
from pipeline.opening import open_histories
from pipeline.progress import Progress
from pipeline.states import in_state

GROUPS = ("payments", "support", "usage")


def action(name, *drivers, **more):
    return Action(name=name, drivers=list(drivers), cost=1.0, success_rate=0.2, **more)


def drivers(*pushes, base=-3.0):
    """What fits_of asks of drivers."""
    return SimpleNamespace(groups=GROUPS, pushes=np.array(pushes, dtype=float), base=base)


def test_an_action_fits_as_far_as_its_driver_makes_the_risk():
    """Of a risk of 50 % (log-odds 0), 12 % would be left without 2 of log-odds, 27 % without 1."""
    found = fits_of(
        drivers([2.0, 1.0, 0.0]),
        [["payments", "support", None]],
        [action("dunning", "payments"), action("solve", "support"), action("teach", "usage")],
    )
    without_payments, without_support = probabilities(np.array([-2.0, -1.0])) / 0.5
    expected = [(1 - without_payments) / USUAL, (1 - without_support) / USUAL, 0.0]
    assert found[0].tolist() == pytest.approx(expected)
    assert found[0, 0] > 1 > found[0, 1]


def test_an_action_that_eases_keeps_few_of_those_who_are_almost_sure_to_leave():
    """Where half of a driver would go: as usual at log-odds that are low, less at high ones."""
    solve, ease = action("solve", "support"), action("ease", "support", relief=0.5)
    push = -np.log(1 - USUAL)
    found = fits_of(
        drivers([0.0, push, 0.0], [6.0, push, 0.0], base=-9.0),
        [["payments", "support", None]] * 2,
        [solve, ease],
    )
    assert found[0].tolist() == pytest.approx([1.0, 1.0], rel=0.001)
    lost = fits_of(drivers([0.0, 3.0, 0.0], base=-1.0), [["support", None, None]], [solve, ease])
    # 88 % would leave: 27 % without the driver, 62 % with half of it.
    without, half = probabilities(np.array([-1.0, 0.5])) / probabilities(np.array([2.0]))
    expected = [(1 - without) / USUAL, (1 - half) / (1 - np.sqrt(1 - USUAL))]
    assert lost[0].tolist() == pytest.approx(expected)
    assert lost[0, 1] < 0.9 < lost[0, 0]


def test_a_faint_driver_promises_little_even_where_it_is_the_strongest():
    found = fits_of(drivers([0.2, 0.0, 0.0]), [["payments", None, None]], [action("a", "payments")])
    assert 0 < found[0, 0] < 0.4


def test_what_is_not_told_is_not_answered():
    found = fits_of(drivers([2.0, 1.0, 0.0]), [["payments", None, None]], [action("a", "support")])
    assert found.tolist() == [[0.0]]


def test_an_action_for_two_drivers_takes_the_one_it_fits_better():
    both = action("manager", "usage", "support")
    found = fits_of(drivers([0.0, 1.0, 2.0]), [["usage", "support", None]], [both])
    alone = fits_of(drivers([0.0, 1.0, 2.0]), [["usage", None, None]], [action("teach", "usage")])
    assert found[0, 0] == alone[0, 0] > 1.0


@pytest.mark.parametrize(
    ("needs", "columns", "expected"),
    [
        ("open_payment", {"payments_last_failed": [1.0, 0.0, np.nan]}, [True, False, False]),
        ("open_ticket", {"tickets_open_count": [2.0, 0.0, np.nan]}, [True, False, False]),
        ("renewal_off", {"subscriptions_auto_renew": [0.0, 1.0, np.nan]}, [True, False, False]),
        ("newcomer", {"customers_tenure_days": [89.0, 90.0, np.nan]}, [True, False, False]),
        (
            "price_rise",
            {
                "subscriptions_last_price_change": [0.1, -0.1, 0.1],
                "subscriptions_days_since_price_change": [180.0, 10.0, 181.0],
            },
            [True, False, False],
        ),
        ("open_ticket", {"other": [1.0, 2.0, 3.0]}, [True, True, True]),
    ],
)
def test_an_action_may_need_a_state_that_it_can_change(needs, columns, expected):
    assert in_state(pd.DataFrame(columns), needs).tolist() == expected


def test_who_has_no_driver_is_offered_nothing():
    found = fits_of(drivers([0.0, 0.0, 0.0]), [[None, None, None]], [action("solve", "support")])
    assert found.tolist() == [[0.0]]


@pytest.fixture(scope="module")
def histories(tmp_path_factory, write_config):
    from pipeline.config import load

    file = write_config(tmp_path_factory.mktemp("offering"))
    found = open_histories(load(file), Progress.silent())
    yield found
    found.close()


def offers(histories, *actions, days=(np.nan, -3.0, 0.0, 60.0, 61.0), **columns):
    """Of the first five customers, the second of high value."""
    return offered(
        actions,
        histories=histories,
        customers=np.arange(5),
        frame=pd.DataFrame({"subscriptions_days_to_renewal": np.array(days), **columns}),
        high_value=np.array([False, True, False, False, False]),
    )


def test_an_action_may_be_for_customers_with_an_attribute(histories, world):
    known = pd.read_parquet(world / "customers.parquet").head(5)
    sizes = known["company_size"].dropna().astype(int).tolist()[:2]
    only = action("visit", "usage", only={"segment": ["business"], "company_size": sizes})
    found = offers(histories, only)[:, 0]
    assert found.any()
    assert found.tolist() == known["company_size"].isin(sizes).tolist()


def test_true_and_false_are_allowed_values():
    flags, texts = np.array([1.0, 0.0, None], object), np.array(["1", "x", None], object)
    assert _is_one_of(flags, [True]).tolist() == [True, False, False]
    assert _is_one_of(texts, ["x", True]).tolist() == [False, True, False]


def test_an_action_may_be_for_customers_of_high_value(histories):
    found = offers(histories, action("visit", "usage", high_value=True))[:, 0]
    assert found.tolist() == [False, True, False, False, False]


def test_an_action_may_be_for_terms_that_end_soon(histories):
    """Not where no end is known, nor where the known one has passed."""
    reminder = action("remind", "subscription", renews_within_days=60)
    assert offers(histories, reminder)[:, 0].tolist() == [False, False, True, True, False]
    frame = pd.DataFrame(index=range(5))
    found = offered(
        [reminder],
        histories=histories,
        customers=np.arange(5),
        frame=frame,
        high_value=np.zeros(5, bool),
    )
    assert not found.any()


def test_a_term_that_always_ends_soon_is_nothing_to_be_reminded_of(histories):
    """30 days before its end is always, by the month; a week before it is not."""
    long, short = (action("a", "subscription", renews_within_days=days) for days in (30, 7))
    yearly = [0.0, 0.0, 1.0, 1.0, np.nan]
    found = offers(
        histories, long, short, days=(5.0, 29.0, 5.0, 29.0, 5.0), subscriptions_is_yearly=yearly
    )
    assert found[:, 0].tolist() == [False, False, True, True, True]
    assert found[:, 1].tolist() == [True, False, True, False, True]


def test_an_attribute_that_nobody_has_is_refused_with_the_nearest(histories):
    with pytest.raises(UsageError, match="segment") as refused:
        offers(histories, action("visit", "usage", only={"segmnt": ["business"]}))
    assert "visit" in str(refused.value)
    assert "did you mean 'segment'?" in str(refused.value)


def test_the_default_actions_differ_in_name_and_fit_some_driver():
    names = [one.name for one in DEFAULT_ACTIONS]
    assert len(set(names)) == len(names)
    assert all(one.drivers for one in DEFAULT_ACTIONS)


def test_who_asks_for_a_state_or_a_kind_of_customer_is_not_for_anybody():
    names = {one.name for one in DEFAULT_ACTIONS if one.is_for_anybody}
    assert names == {"help_and_training", "gift"}
    assert action("visit", "usage").is_for_anybody
    for asks in ({"needs": "open_ticket"}, {"only": {"segment": ["b"]}}, {"high_value": True}):
        assert not action("visit", "usage", **asks).is_for_anybody
    assert not action("visit", "usage", renews_within_days=0).is_for_anybody


def test_actions_of_one_name_are_refused_by_that_name_alone(tmp_path):
    one, other = ({"name": n, "drivers": [], "cost": 1.0, "success_rate": 0.1} for n in ("a", "b"))
    values = {"data": {"source": "data"}, "outreach": {"actions": [one, other, one]}}
    with pytest.raises(UsageError) as refused:
        from_values(values, tmp_path / "churn.toml")
    told = str(refused.value)
    assert "every action needs a name of its own; several have 'a'" in told
    assert "[outreach] actions" in told
    assert "success_rate" not in told
    assert "'b'" not in told
