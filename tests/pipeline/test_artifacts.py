"""The files of a training run: plots of whatever rows there are."""

from __future__ import annotations

import numpy as np

from models.drivers import Drivers
from models.explanation import explain
from pipeline.artifacts import _explanations
from pipeline.explaining import explain_all


def test_a_feature_without_any_value_is_drawn_without_a_warning(found, tmp_path):
    model = found.candidate.model
    frame = found.candidate.frame.head(200).copy()
    strongest = max((n for n in model.names if n not in model.levels), key=model.gains.__getitem__)
    frame[strongest] = np.nan
    _explanations(explain_all(Drivers.of(explain(model, frame)), seed=1), tmp_path)
    assert (tmp_path / "features.png").stat().st_size > 10_000
    assert (tmp_path / "drivers.png").is_file()
