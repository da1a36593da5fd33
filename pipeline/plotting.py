"""What all plots of explanations need: a picture whatever the texts of a business look like."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

LONGEST = 44
DISTINCT = (
    ("#0072b2", "-"),
    ("#d55e00", "--"),
    ("#009e73", "-."),
    ("#cc79a7", ":"),
    ("#a87400", "-"),
    ("#56b4e9", "--"),
    ("#333333", ":"),
)
"""Colours and styles of lines that stay apart for whoever sees fewer colours (Okabe and Ito)."""


@dataclass(frozen=True)
class Plot:
    """What is drawn, and how large: inches across and down."""

    size: tuple[float, float]
    drawing: Callable[[Axes], None]
    layout: Literal["tight", "constrained"] = "tight"

    def figure(self) -> Figure:
        """It is drawn anew each time, on axes of its own."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=self.size, layout=self.layout)
        axes = figure.add_subplot()
        self.drawing(axes)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


@dataclass(frozen=True)
class Picture:
    """A figure that a notebook shows, whichever way its plots are set up."""

    figure: Figure

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        save(self.figure, file)
        return file.getvalue()


def label(text: str) -> str:
    """A text as a label: on one line, not too long, and no formula where it has dollars."""
    plain = " ".join(text.split())
    short = plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
    return short.replace("$", r"\$")


def in_percent(axis: Axis) -> None:
    """Shares as percentages, with as many decimals as their distance needs."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1))


def in_whole(axis: Axis) -> None:
    """Marks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def save(figure: Figure, file: Path | BytesIO) -> None:
    """Draw a figure as PNG; signs that the font lacks become boxes, without a warning."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        FigureCanvasAgg(figure).print_png(file)
