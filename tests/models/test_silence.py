"""What is written past Python does not appear, and what comes before and after does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from models.silence import silenced

pytestmark = pytest.mark.skipif(os.name != "posix", reason="writes with C's library")


def test_only_what_is_written_within_is_lost(capfd):
    c = ctypes.CDLL(None)
    c.puts(b"before in C")
    print("before")
    with silenced():
        c.puts(b"within in C")
        os.write(1, b"within\n")
    c.puts(b"after in C")
    c.fflush(None)
    print("after")
    told = capfd.readouterr().out.split("\n")
    assert sorted(filter(None, told)) == ["after", "after in C", "before", "before in C"]


def test_the_output_comes_back_after_a_fault(capfd):
    with pytest.raises(ValueError), silenced():
        raise ValueError
    print("after")
    assert capfd.readouterr().out == "after\n"


def test_a_closed_output_is_silent_already():
    code = "import os; os.close(1)\nfrom models.silence import silenced\nwith silenced(): pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
