"""All plots of the key figures, by the name of their file, and the folder that they go into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from pipeline import kpi_plots, lever_plots, survival_plots
from pipeline.files import make_folder, refuse_unwritable, whole_file
from pipeline.kpi_levers import Pulled, Recovered
from pipeline.plotting import Plot, save

if TYPE_CHECKING:
    from pipeline.kpis import Kpis


def plots_of(result: Kpis) -> dict[str, Plot]:
    """By name, each plot that there are figures for."""
    values: dict[str, Any] = result.as_json()
    named = [*kpi_plots.plots_of(values), *survival_plots.plots_of(values)]
    recovered, pulled = (result.answers.get(name) for name in ("payment_recovery", "levers"))
    if isinstance(recovered, Recovered) and recovered.found is not None:
        named.append(("recovery", lever_plots.recovery_plot(recovered.found)))
    if isinstance(pulled, Pulled) and pulled.found is not None:
        levers = lever_plots.plots_of(pulled.found)
        named += [(name, plot) for name, plot in levers.items() if name != "recovery"]
    found: dict[str, Plot] = {}
    for name, plot in named:
        found[_unlike(found, "".join(c if c.isalnum() else "_" for c in name))] = plot
    return found


def _unlike(taken: dict[str, Plot], name: str) -> str:
    """A name that no other plot has: two currencies may be signs alone."""
    number = 2
    tried = name
    while tried in taken:
        tried, number = f"{name}_{number}", number + 1
    return tried


def refuse_no_folder(folder: Path) -> None:
    """Stop before the work begins where plots could not be written.

    Raises
    ------
    UsageError
        When something else than a folder has that name, or it may not be written.
    """
    try:
        refuse_unwritable(folder)
    except UsageError as error:
        raise UsageError(
            error.what.replace("output folder", "folder of the plots"),
            where="--plots",
            value=str(folder),
            allowed="a folder that may be written",
            fix="choose another one, such as --plots out/kpis",
        ) from None


def draw(result: Kpis, folder: Path) -> list[Path]:
    """Write each plot as PNG; other files of the folder stay."""
    make_folder(folder)
    files = []
    for name, plot in plots_of(result).items():
        files.append(folder / f"{name}.png")
        with whole_file(files[-1]) as draft:
            save(plot.figure(), draft)
    return files
