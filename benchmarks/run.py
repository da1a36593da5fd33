"""All benchmarks, into docs/benchmarks.md and the README: `make bench`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks import checking, quality, vectors

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PACKAGES = ("churn-risk", "lightgbm", "duckdb", "ibis-framework", "numpy", "pandas")


def main() -> None:
    """Run everything and write the page."""
    os.environ.setdefault("GOMP_SPINCOUNT", "100")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    page = f"""# Benchmarks

Written by `make bench`. Python {platform.python_version()}, {versions}; {os.cpu_count()} cores.

## Quality

On the newest cutoffs, which no training saw; the configs are `churn.toml` and those in `examples/`.

{quality.run()}

## Cost of the check

{checking.run()}

## Cost of vectors

{vectors.run()}
"""
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
