"""P-values of many questions: by hand."""

from __future__ import annotations

import pytest

from models.many import holm


def test_p_values_allow_for_how_many_there_are():
    """0.01 x 3, 0.02 x 2, then 0.03 x 1, which is not below the one before it."""
    assert holm([0.02, None, 0.01, 0.03]) == pytest.approx([0.04, None, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
