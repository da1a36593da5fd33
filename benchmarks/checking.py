"""What the check of 20 million rows costs, and how much memory it takes."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.jobs import Job
from benchmarks.measuring import alternately
from benchmarks.vectors import EVENTS, ONE_PASS, ROUNDS, about, worlds


def check(scale: float = 1.0) -> str:
    """Measure the whole of `churn check`, and return a Markdown table."""
    with worlds(int(EVENTS * scale)) as (folder, warm_up):
        job = Job("one pass", str(folder), str(warm_up))
        found = alternately(
            {ONE_PASS: (job, ROUNDS), "the whole check": (replace(job, what="check"), ROUNDS)}
        )
    return "\n".join(
        [
            about(int(EVENTS * scale)),
            "The check: contract, findings, leak suspects.",
            "",
            *found.table(ONE_PASS),
        ]
    )
