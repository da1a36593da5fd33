"""One customer as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from features.catalogue import slug
from pipeline import explained_words as words
from pipeline.explain import Driver, Explained
from pipeline.files import whole_file

STYLE = """
:root { --ink: #1d2733; --soft: #5b6b7c; --line: #e3e8ee; --up: #b5483a; --down: #3d8a5f;
  --accent: #3b6ea5; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0; } .soft { color: var(--soft); }
.risk { font-size: 1.15rem; font-weight: 600; margin: .6rem 0; }
.doubt { border-left: 3px solid #c9902c; padding-left: .7rem; }
table { border-collapse: collapse; width: 100%; }
td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.bar { width: 30%; } .bar span { display: block; height: .9rem; border-radius: 2px;
  margin-top: .25rem; }
svg { display: block; margin: .4rem 0; } li { margin: .3rem 0; }
@media print { body { margin: 0; } }
"""
WIDTH, HEIGHT = 560, 90


def write_page(found: Explained, out: Path) -> Path:
    """Write the page into the output folder; returns its path."""
    file = out / "explained" / f"as_of={found.as_of}" / f"{_file_name(found.customer_id)}.html"
    with whole_file(file) as draft:
        draft.write_text(page(found), encoding="utf-8")
    return file


def _file_name(customer_id: str) -> str:
    """The id, or where it has signs that are not for files, its letters and a hash."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", customer_id):
        return customer_id
    return f"{slug(customer_id)}-{hashlib.sha256(customer_id.encode()).hexdigest()[:8]}"


def page(found: Explained) -> str:
    """The page of one customer."""
    say = found.wording.text
    levers = [one for one in found.drivers if one.is_lever]
    facts = [one for one in found.drivers if not one.is_lever]
    standing = "".join(f'<p class="soft">{escape(line)}</p>' for line in words.standing(found))
    doubts = "".join(f'<p class="doubt">{escape(line)}</p>' for line in words.doubts(found))
    parts = [
        f"<h1>{escape(words.headline(found))}</h1>",
        f'<p class="risk">{escape(words.risk(found))}</p>',
        standing,
        _section(say("explain_scores"), _line([p for _, p in found.history], _days(found))),
        _section(say("explain_drivers", usual=found.usual), _drivers(found, levers) + doubts),
        _section(say("explain_facts"), _drivers(found, facts)),
        _section(say("explain_happened"), _happened(found)),
        _section(say("explain_what_if"), _alternative(found)),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="{found.wording.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(words.headline(found))}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}" if body else ""


def _days(found: Explained) -> list[str]:
    return [str(day) for day, _ in found.history]


def _drivers(found: Explained, drivers: Sequence[Driver]) -> str:
    if not drivers:
        return ""
    widest = max(abs(one.points) for one in found.drivers) or 1.0
    rows = []
    for one in drivers:
        colour = "var(--up)" if one.points > 0 else "var(--down)"
        share = 100 * abs(one.points) / widest
        rows.append(
            f"<tr><td>{escape(one.name)}</td>"
            f'<td class="number">{escape(words.amount(found, one))}</td>'
            f'<td class="bar"><span style="width:{share:.1f}%;background:{colour}"></span></td>'
            f"<td>{escape(one.reason or '')}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _happened(found: Explained) -> str:
    rows = "".join(
        f'<tr><td class="number">{escape(day)}</td><td>{escape(told)}</td></tr>'
        for day, told in words.happenings(found)
    )
    counts = [float(count) for _, count in found.chronicle.used]
    weeks = [str(day) for day, _ in found.chronicle.used]
    use = found.wording.text("explain_use_weeks", weeks=len(counts)) if counts else ""
    told = f'<p class="soft">{escape(use)}</p>{_line(counts, weeks)}' if counts else ""
    return told + (f"<table>{rows}</table>" if rows else "")


def _alternative(found: Explained) -> str:
    outcome, *changes = words.alternative(found)
    items = "".join(f"<li>{escape(line)}</li>" for line in changes)
    told = f"<p>{escape(outcome)}</p>" + (f"<ul>{items}</ul>" if items else "")
    fixed = "".join(f"<li>{escape(line)}</li>" for line in words.fixed(found))
    if found.at_risk and fixed:
        told += f'<p class="soft">{escape(found.wording.text("what_if_fixed"))}</p>'
        told += f'<ul class="soft">{fixed}</ul>'
    return told


def _line(values: Sequence[float], labels: Sequence[str]) -> str:
    """A curve of numbers over time, from nothing to the largest; each dot tells its own."""
    if not values:
        return ""
    top = max(values) or 1.0
    step = (WIDTH - 20) / max(len(values) - 1, 1)
    at = [
        (10 + n * step, HEIGHT - 12 - value / top * (HEIGHT - 24)) for n, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="var(--accent)">'
        f"<title>{escape(label)}: {value:.3g}</title></circle>"
        for (x, y), label, value in zip(at, labels, values, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f'<polyline points="{path}" fill="none" stroke="var(--accent)" stroke-width="2"/>{dots}'
        f'<text x="10" y="{HEIGHT}" font-size="10" fill="var(--soft)">{escape(labels[0])}</text>'
        f'<text x="{WIDTH - 10}" y="{HEIGHT}" font-size="10" fill="var(--soft)" '
        f'text-anchor="end">{escape(labels[-1])}</text></svg>'
    )
