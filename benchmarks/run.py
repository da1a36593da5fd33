"""The benchmarks, into docs/benchmarks.md and the README: `make bench`.

Each section of the page tells on which machine and with which versions it was measured, so that one
can be measured anew (`make bench ONLY=vectors`) while the others stay as they are.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    allocation,
    campaigns,
    checking,
    effects_coverage,
    engines,
    explaining,
    features,
    fitting,
    kpis,
    levers,
    model,
    policy,
    quality,
    reasons,
    side,
    value,
    vectors,
    worlds,
)

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
OURS = (
    *("churn-risk", "lightgbm", "duckdb", "ibis-framework", "numba", "numpy", "pandas"),
    "pyarrow",
)
SIDE = ("polars", "featuretools", "pandas")
HEAD = """# Benchmarks

Written by `make bench`. Every timed job runs in a process of its own, in turn with the others; its
imports and a first run on a tiny world are not counted. CPU seconds are those of all threads;
figures are medians over the rounds; the peak is that of the whole process.
"""


@dataclass(frozen=True)
class Section:
    """A part of the page, and what measures it; `scale` is the share of the events taken."""

    title: str
    measure: Callable[[float], str]


SECTIONS = {
    "quality": Section("Quality", lambda scale: quality.run()),
    "worlds": Section(
        "Against the truth", lambda scale: worlds.run(round(worlds.CUSTOMERS * scale))
    ),
    "model": Section("What was tried with the model", lambda scale: model.run()),
    "reasons": Section(
        "Whether reasons are right", lambda scale: reasons.run(round(reasons.CUSTOMERS * scale))
    ),
    "coverage": Section(
        "Whether intervals of effects hold",
        lambda scale: effects_coverage.run(round(effects_coverage.CAMPAIGNS * scale)),
    ),
    "value": Section(
        "Whether values come true", lambda scale: value.run(round(value.CUSTOMERS * scale))
    ),
    "campaigns": Section(
        "Whether the measured effect is the true one",
        lambda scale: campaigns.run(round(campaigns.CUSTOMERS * scale)),
    ),
    "policy": Section(
        "What the outreach list truly earns",
        lambda scale: policy.run(round(policy.CUSTOMERS * scale)),
    ),
    "levers": Section("Whether levers are right", lambda scale: levers.run()),
    "fitting": Section("Cost of training", lambda scale: fitting.run()),
    "explaining": Section("Cost of explanations", explaining.run),
    "allocation": Section(
        "Sharing out a budget", lambda scale: allocation.run(round(allocation.CUSTOMERS * scale))
    ),
    "features": Section("What each group of features brings", lambda scale: features.run()),
    "engines": Section("Spark and DuckDB", lambda scale: engines.run()),
    "check": Section("Cost of the check", checking.check),
    "kpis": Section("Cost of key figures", kpis.run),
    "vectors": Section("Cost of vectors", vectors.comparison),
    "cutoffs": Section("Cost of more cutoffs", vectors.growth),
    "large": Section("A hundred million events", vectors.large),
}


def main() -> None:
    """Measure the sections asked for, and write them into the page."""
    parser = argparse.ArgumentParser(description="Measure, and write docs/benchmarks.md.")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument(
        "--scale", type=float, help="try out with this share of the events; the page stays as it is"
    )
    asked = parser.parse_args()
    os.environ.setdefault("GOMP_SPINCOUNT", "100")
    for name in asked.only:
        section = SECTIONS[name]
        figures = section.measure(asked.scale or 1.0)
        text = f"## {section.title}\n\n{_machine()}\n\n{figures}"
        print(text, end="\n\n", flush=True)
        if asked.scale is None:
            old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
            PAGE.write_text(page(old, section.title, text), encoding="utf-8")


def page(old: str, title: str, text: str) -> str:
    """The page with one section anew, in the order of `SECTIONS`; sections of the past go."""
    parts = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", old, flags=re.M)[1:]}
    there = {name: "## " + part.strip() for name, part in parts.items()} | {title: text}
    kept = [there[s.title] for s in SECTIONS.values() if s.title in there]
    return "\n\n".join([HEAD.strip(), *kept]) + "\n"


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in OURS)
    beside = side.versions()
    others = ", ".join(f"{name} {beside[name]}" for name in SIDE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores of {_processor()}, {memory:.0f} GB; "
        f"Python {platform.python_version()}, {versions}; beside ours {others}."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    told = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.is_file() else None
    return told[1] if told else platform.machine()


if __name__ == "__main__":
    main()
