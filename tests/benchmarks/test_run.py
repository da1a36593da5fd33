"""The page of benchmarks, section by section."""

from __future__ import annotations

from benchmarks.run import HEAD, page

OLD = "# Benchmarks\n\nOld.\n\n## Quality\n\ngood\n\n## Cost of vectors\n\nold\n\n## Gone\n\nx\n"


def test_a_section_is_replaced_and_the_others_stay():
    new = page(OLD, "Cost of vectors", "## Cost of vectors\n\nnew")
    assert new == f"{HEAD}\n## Quality\n\ngood\n\n## Cost of vectors\n\nnew\n"


def test_a_new_section_comes_in_its_place():
    new = page(OLD, "Cost of the check", "## Cost of the check\n\ncheap")
    assert new == (
        f"{HEAD}\n## Quality\n\ngood\n\n## Cost of the check\n\ncheap\n\n"
        "## Cost of vectors\n\nold\n"
    )
