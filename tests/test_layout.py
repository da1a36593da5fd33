"""The structure: what imports what, and what no import does."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_packages_has_no_effects(tmp_path):
    """No folder is made, no heavy library loaded, nothing printed."""
    code = (
        "import importlib, pkgutil, sys\n"
        "import features, models, pipeline\n"
        "for package in (features, models, pipeline):\n"
        "    for module in pkgutil.iter_modules(package.__path__):\n"
        "        if module.name != 'serving':\n"
        "            importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "heavy = {'mlflow', 'shap', 'lightgbm', 'ibis', 'sklearn', 'optuna'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_imports_run_one_way():
    """The rules are in pyproject.toml: pipeline uses features and models, which are strangers."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        capture_output=True,
        text=True,
        check=False,
        cwd=__import__("pathlib").Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stdout + done.stderr
