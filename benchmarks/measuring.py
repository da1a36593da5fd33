"""Jobs measured side by side: alternately in one run, medians of ratios, since times are noisy."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import side
from benchmarks.jobs import RIVALS, Cost, Job

ROOT = Path(__file__).parents[1]
IN_SIDE_ENVIRONMENT = ("polars", "featuretools")


@dataclass(frozen=True)
class Rounds:
    """What jobs cost.

    Attributes
    ----------
    costs
        By round, what each job cost; slow jobs take part in the first rounds only.
    failed
        The jobs of others that could not be measured here, and why.
    """

    costs: list[dict[str, Cost]]
    failed: dict[str, str]

    def median(self, name: str, kind: str = "cpu") -> float:
        """Of what a job cost."""
        return statistics.median(getattr(costs[name], kind) for costs in self._with(name))

    def ratio(self, name: str, to: str, kind: str = "cpu") -> float:
        """The median of what a job cost against another in the same round."""
        return statistics.median(
            getattr(costs[name], kind) / getattr(costs[to], kind) for costs in self._with(name)
        )

    def table(self, against: str) -> list[str]:
        """Markdown lines: what each job cost, and its CPU time against that of one of them."""
        lines = [
            f"| job | rounds | rows | columns | CPU s | wall s | CPU against {against} | peak MB |",
            f"| --- |{' ---: |' * 7}",
        ]
        for name, first in self.costs[0].items():
            rows, columns = ("" if n is None else f"{n:,}" for n in (first.rows, first.columns))
            lines.append(
                f"| {name} | {len(self._with(name))} | {rows} | {columns} "
                f"| {self.median(name):.2f} | {self.median(name, 'wall'):.2f} "
                f"| {self.ratio(name, against):.1f} "
                f"| {self.median(name, 'peak_megabytes'):,.0f} |"
            )
        why = [f"| {name} | not measured: {said} |{' |' * 6}" for name, said in self.failed.items()]
        return lines + why

    def _with(self, name: str) -> list[dict[str, Cost]]:
        return [costs for costs in self.costs if name in costs]


class JobFailed(Exception):
    """A job ended without telling its cost."""


def measured(job: Job) -> Cost:
    """Do a job in a process of its own.

    Raises
    ------
    JobFailed
        With the last thing that it said.
    side.Missing
        When the environment that it needs cannot be made.
    """
    python = side.python() if job.what in IN_SIDE_ENVIRONMENT else Path(sys.executable)
    command = [str(python), "-m", "benchmarks.jobs", json.dumps(asdict(job))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise JobFailed(f"{job.what}: {said[0]}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def alternately(jobs: Mapping[str, tuple[Job, int]]) -> Rounds:
    """Measure jobs, each in as many rounds as told, one after the other in every round.

    Raises
    ------
    JobFailed
        When a job of ours fails; one of others is noted.
    """
    found = Rounds([], {})
    for number in range(max(rounds for _, rounds in jobs.values())):
        found.costs.append({})
        for name, (job, rounds) in jobs.items():
            if number >= rounds or name in found.failed:
                continue
            try:
                found.costs[-1][name] = measured(job)
            except (JobFailed, side.Missing) as error:
                if job.what not in RIVALS:
                    raise
                found.failed[name] = str(error).replace("|", "/")
    return found


def bar(what: str, value: float, limit: float, unit: str, *, least: bool = False) -> str:
    """A line that holds a figure against what it should be."""
    met = value >= limit if least else value <= limit
    return (
        f"- {what}: {value:,.1f}{unit}; {'at least' if least else 'at most'} {limit:,g}{unit}: "
        + ("met." if met else "**missed**.")
    )
