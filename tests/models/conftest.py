"""Properties of the models' figures are repeatable, and no clock judges them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("models", deadline=None, derandomize=True, database=None)
settings.load_profile("models")
