"""What all plots of explanations need: a picture whatever the texts of a business look like."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 44


def label(text: str) -> str:
    """A text as a label: on one line, not too long, and no formula where it has dollars."""
    plain = " ".join(text.split())
    short = plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
    return short.replace("$", r"\$")


def save(figure: Figure, file: Path) -> None:
    """Draw a figure as PNG; signs that the font lacks become boxes, without a warning."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        FigureCanvasAgg(figure).print_png(str(file))
