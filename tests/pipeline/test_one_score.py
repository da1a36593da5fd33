"""The points score by segment, in rows and sentences that anybody can check."""

from __future__ import annotations

from rich.console import Console

from pipeline.card import _one_score
from pipeline.evaluation_plots import points_score_plot
from pipeline.one_score import sentences, table
from pipeline.show_score import points_score


def segment(model, score, churned=10):
    def figures(auc):
        return {"auc": auc, "lift_10": 2.0, "ece": 0.0, "mean_prediction": 0.1, "base_rate": 0.1}

    both = {"model": figures(model), "points_score": figures(score)}
    return {"points": 100, "churned": churned, **both}


KIND = "customers_profile_kind"
FOUND = {
    "by_segment": {
        "all points": {"all": segment(0.8, 0.7, 35)},
        KIND: {"[a]": segment(0.8, 0.7, 20), "b|": segment(0.9, 0.75, 15)},
        "value": {"high": segment(0.9, 0.6), "other": segment(None, None, 0)},
    },
    "weights": {
        "silent": {"by_hand": 2.0, "all": 2.0, f"{KIND} = [a]": 1.0, f"{KIND} = b|": 5.5},
        "failed": {"by_hand": 3.0, "all": 3.0, f"{KIND} = [a]": 3.0, f"{KIND} = b|": None},
    },
    "apart": [
        {
            "rule": "silent",
            "by": KIND,
            "p_value": 0.001,
            "low": {"value": "[a]", "points": 1.0},
            "high": {"value": "b|", "points": 5.5},
        }
    ],
}
ALIKE = {**FOUND, "apart": []}


def test_the_segments_that_differ_and_the_worst_one_are_told():
    head, rows = table(FOUND)
    assert head[:3] == ["points", "churned", "AUC: model"]
    assert head[-1] == "needs: silent"
    assert rows == [
        ("all", ["100", "35.0%", "0.800", "0.700", "10.0%", "10.0%", "2.0"]),
        ("kind = [a]", ["100", "20.0%", "0.800", "0.700", "10.0%", "10.0%", "1.0"]),
        ("kind = b|", ["100", "15.0%", "0.900", "0.750", "10.0%", "10.0%", "5.5"]),
        ("value = high", ["100", "10.0%", "0.900", "0.600", "10.0%", "10.0%", "–"]),
        ("points by hand", ["", "", "", "", "", "", "2"]),
    ]


def test_sentences_say_where_and_why():
    assert sentences(FOUND) == [
        "The points score falls furthest behind at value = high: AUC 0.600 against 0.900.",
        "No one weight fits all: silent counts 2 by hand, and would need 1.0 points at kind = [a] "
        "and 5.5 at kind = b|.",
    ]


def test_a_difference_within_chance_is_no_reason():
    """The weights differ as before, but nothing says that it is more than chance."""
    head, rows = table(ALIKE)
    assert "needs" not in "".join(head)
    assert [name for name, _ in rows] == ["all", "value = high", "value = other"]
    assert rows[-1][1][2:4] == ["–", "–"]
    assert sentences(ALIKE)[1:] == [
        "That a rule weighs unlike in two segments is not beyond chance."
    ]


def test_values_of_the_data_are_neither_markup_nor_borders(capsys):
    points_score(Console(width=140, highlight=False), FOUND)
    assert "kind = [a] " in capsys.readouterr().out
    lines = _one_score({"points_score": FOUND})
    assert next(line for line in lines if "kind = b" in line).startswith(r"| kind = b\| | 100 |")


def test_without_a_score_nothing_is_told(capsys):
    points_score(Console(width=140), None)
    assert capsys.readouterr().out == ""
    assert _one_score({"points_score": None}) == []


def test_segments_without_an_auc_are_not_drawn():
    (axes,) = points_score_plot(FOUND).figure().axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["all (35)", "kind = [a] (20)", "kind = b| (15)", "value = high (10)"]
    score, model = (places.get_offsets()[:, 0].tolist() for places in axes.collections)
    assert (score, model) == ([0.7, 0.7, 0.75, 0.6], [0.8, 0.8, 0.9, 0.9])
