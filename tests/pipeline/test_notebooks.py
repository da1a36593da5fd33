"""The notebooks: every cell runs, on the demo and on a business that lacks what the demo has."""

from __future__ import annotations

import ast
import io
import json
import re
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(file.name for file in FOLDER.glob("*.ipynb"))
WHY, TRUST = "why_customers_leave.ipynb", "how_far_to_trust_the_reasons.ipynb"
NUMBERS = "the_numbers_of_churn.ipynb"
Outputs = dict[str, list[Any]]


def read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def code_cells(name: str) -> dict[str, str]:
    """The code of each cell, by its id."""
    cells = read(name)["cells"]
    return {c["id"]: "".join(c["source"]) for c in cells if c["cell_type"] == "code"}


@pytest.fixture(scope="module")
def outputs(trained, bare):
    """What each cell of a notebook shows, by its id: ``outputs(name, "demo")`` or ``"bare"``.

    Cells run as in Jupyter, but here, where every warning is an error; each notebook once.
    """
    configs = {"demo": trained[0], "bare": bare}

    @cache
    def run(name: str, business: str) -> Outputs:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MPLBACKEND", "Agg")
            patch.delenv("DISPLAY", raising=False)
            patch.chdir(FOLDER)
            patch.setenv("CHURN_CONFIG", str(configs[business]))
            return run_all(code_cells(name), name)

    return run


def run_all(cells: dict[str, str], name: str) -> Outputs:
    import pandas as pd

    found: Outputs = {}
    shown: list[Any] = []
    namespace = {"display": shown.append}
    with pd.option_context("display.max_colwidth", 50, "display.float_format", None):
        for id_, code in cells.items():
            with redirect_stdout(io.StringIO()) as printed:
                run_cell(code, f"{name}#{id_}", namespace, shown)
            found[id_] = [*shown, *printed.getvalue().splitlines(), *drawn()]
            shown.clear()
    return found


def run_cell(code: str, where: str, namespace: dict[str, Any], shown: list[Any]) -> None:
    """Runs a cell; its last expression is shown."""
    body = ast.parse(code, where).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), where, "exec"), namespace)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), where, "eval"), namespace)
        if value is not None:
            shown.append(png if (png := as_png(value)) else value)


def as_png(value: Any) -> bytes | None:
    draw = getattr(value, "_repr_png_", None)
    return draw() if draw else None


def drawn() -> list[bytes]:
    """The pictures that are open in pyplot, which Jupyter shows at the end of a cell."""
    import matplotlib.pyplot as plt

    found = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        plt.figure(number).savefig(file, format="png")
        found.append(file.getvalue())
    plt.close("all")
    return found


def pictures(outputs: Outputs) -> set[str]:
    """The ids of the cells that show a picture with something on it."""
    return {
        id_
        for id_, shown in outputs.items()
        if any(isinstance(one, bytes) and len(one) > 5_000 for one in shown)
    }


@pytest.fixture(scope="module")
def bare(tmp_path_factory, write_config, world) -> Path:
    """A trained config of a few customers without payments, tickets, surveys or attributes."""
    import pandas as pd

    from pipeline.config import load
    from pipeline.progress import Progress
    from pipeline.train import train

    folder = tmp_path_factory.mktemp("bare")
    (folder / "data").mkdir()
    usage = pd.read_parquet(world / "usage.parquet")
    few = usage["customer_id"].isin(sorted(usage["customer_id"].unique())[::6])
    usage[few].assign(event="use")[["customer_id", "occurred_at", "event"]].to_parquet(
        folder / "data" / "usage.parquet"
    )
    churn = '[churn]\ndefinition = "inactivity"\nactive_days = 60\nactivity = ["usage"]\n'
    file = write_config(folder, churn + "[points]\nfirst = 2026-02-01\n", source="data")
    train(load(file), Progress(), force_promote=True)
    return file


def test_there_are_notebooks():
    assert {WHY, TRUST, NUMBERS} <= set(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_runs_on_the_demo_world(name, outputs):
    found = outputs(name, "demo")
    assert set(found) == set(code_cells(name))
    assert {id_ for id_, shown in found.items() if not shown} == {"config"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_runs_on_a_business_that_has_little(name, outputs):
    found = outputs(name, "bare")
    assert {id_ for id_, shown in found.items() if not shown} <= {"config", "record"}
    assert len(pictures(found)) >= 2


def test_the_walk_has_real_plots(outputs):
    assert {
        *("rate", "features", "points", "drivers", "shape", "pairs", "pair", "parts"),
        *("time", "cohorts", "one-history", "waterfall"),
    } <= pictures(outputs(WHY, "demo"))


def test_the_numbers_are_plots_and_those_of_the_command(outputs, trained, churn):
    found = outputs(NUMBERS, "demo")
    assert {
        *("rate", "revenue", "cohorts", "survival", "groups", "forecast", "recovery", "renewals"),
        *("levers", "score"),
    } <= pictures(found)
    ended = churn("kpis", "-c", trained[0], "--by", "channel", "--json")
    (rates,), (parts,) = found["rate-table"], found["parts"]
    newest = ended.json["periods"][-len(rates) :]
    assert rates["churn_rate"].tolist() == [one["churn_rate"] for one in newest]
    channels = [one for one in ended.json["by"]["channel"] if one["complete"]]
    last = {
        one["part"]: one["churned"] for one in channels if one["start"] == channels[-1]["start"]
    }
    assert parts.loc["channel", "churned"].to_dict() == last
    assert parts.loc["channel", "churn_rate"].is_monotonic_decreasing


def test_numbers_that_a_business_lacks_are_told_in_words_and_nothing_is_written(outputs, bare):
    found = outputs(NUMBERS, "bare")
    for cell in ("revenue-table", "dunning", "parts", "audience"):
        assert str(found[cell][0]).startswith("No"), cell
    assert len(found["rate-table"][0]) > 3
    assert not (bare.parent / "out" / "kpis.json").exists()


def test_the_truth_is_told_of_simulated_histories_alone(outputs):
    named, weights = outputs(TRUST, "demo")["truth"]
    assert named.loc["all", "points"] > 100
    assert named.loc["all", "named"] > 0.7
    assert weights["model"].corr(weights["truth"], method="spearman") > 0.5
    assert outputs(TRUST, "bare")["truth"][0].startswith("Nobody knows the truth")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_committed_is_what_people_wrote(name):
    """No outputs, no counters, no machine's paths; ids that stay."""
    text, book = (FOLDER / name).read_text(encoding="utf-8"), read(name)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert set(book["metadata"]) == {"kernelspec", "language_info"}
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", id_) for id_ in ids)
    for cell in book["cells"]:
        assert cell["metadata"] == {}
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert not re.search(r"/(home|tmp|Users|work|root|mnt)/|[A-Z]:\\\\", text)
    assert text == json.dumps(book, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_one_cell_names_the_config_and_no_other_knows_it(name):
    cells = code_cells(name)
    first = next(iter(cells))
    assert re.search(r"^CONFIG = Path\(.*\"\.\./churn\.toml\"\)", cells[first], re.MULTILINE)
    assert sum("churn.toml" in code for code in cells.values()) == 1
    assert sum("CONFIG =" in code for code in cells.values()) == 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_are_short_and_each_step_is_explained(name):
    assert max(code.count("\n") + 1 for code in code_cells(name).values()) <= 15
    cells = read(name)["cells"]
    assert cells[0]["cell_type"] == "markdown"
    sections = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    guiding = [text for text in sections if "**Do not misread.**" in text]
    assert all("**Look for**" in text or "start from" in text for text in guiding)
    assert len(guiding) >= 5


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_lead_somewhere(name):
    for link in re.findall(r"\]\((?!http)([^)#]+)", (FOLDER / name).read_text(encoding="utf-8")):
        assert (FOLDER / link).exists(), link
