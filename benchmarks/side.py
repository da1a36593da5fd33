"""The environment for tools that do not fit into ours: featuretools needs an older pandas.

Made on demand below `build/`, from the pinned `benchmarks/rivals/requirements.txt`.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "rivals" / "requirements.txt"
PLACE = Path(__file__).parents[1] / "build" / "rivals"


class Missing(Exception):
    """The environment cannot be made on this machine."""


@functools.cache
def python() -> Path:
    """Its Python, with everything installed.

    Raises
    ------
    Missing
        When the packages cannot be had.
    """
    found = PLACE / "bin" / "python"
    made_from = PLACE / "made_from.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if made_from.is_file() and made_from.read_text(encoding="utf-8") == wanted:
        return found
    shutil.rmtree(PLACE, ignore_errors=True)
    install = [str(found), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]
    for command in ([sys.executable, "-m", "venv", str(PLACE)], [*install, str(REQUIREMENTS)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            raise Missing(said[0])
    made_from.write_text(wanted, encoding="utf-8")
    return found


def versions() -> dict[str, str]:
    """The packages that the requirements name, with their versions."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)
