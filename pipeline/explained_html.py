"""One customer as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from features.catalogue import slug
from pipeline import explained_words as words
from pipeline.explained import Driver, Explained
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
td, th { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; text-align: left; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.bar { width: 30%; } .bar span { display: block; height: .9rem; border-radius: 2px;
  margin-top: .25rem; }
svg { display: block; margin: .4rem 0; } li { margin: .3rem 0; }
@media print { body { margin: 0; } }
"""
WIDTH, HEIGHT, EDGE = 560, 100, 16


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
    title = escape(words.headline(found))
    return (
        f'<!doctype html>\n<html lang="{found.wording.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n{_body(found)}\n</body>\n</html>\n"
    )


def _body(found: Explained) -> str:
    say = found.wording.text
    standing = "".join(_said("p", line, "soft") for line in words.standing(found))
    doubts = "".join(_said("p", line, "doubt") for line in words.doubts(found))
    drivers = _drivers(found, found.levers) + doubts
    parts = [
        _said("p", words.risk(found), "risk"),
        standing,
        _section(say("explain_scores"), _scores(found)),
        _section(say("explain_drivers", usual=found.usual), drivers),
        _section(say("explain_facts"), _drivers(found, found.facts)),
        _section(say("explain_happened"), _happened(found)),
        _section(say("explain_what_if"), _alternative(found)),
    ]
    return "\n".join(part for part in parts if part)


def _said(tag: str, text: str, kind: str = "") -> str:
    """A text as an element; whatever signs it holds, it stays text."""
    named = f' class="{kind}"' if kind else ""
    return f"<{tag}{named}>{escape(text)}</{tag}>"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _section(title: str, body: str) -> str:
    return f"{_said('h2', title)}\n{body}" if body else ""


def _scores(found: Explained) -> str:
    """The scores over time; nothing where this is the first."""
    if len(found.history) < 2:
        return ""
    told = [f"{day}: {found.wording.numbers.share(score)}" for day, score in found.history]
    return _curve(found.wording.text("explain_scores"), [p for _, p in found.history], told)


def _drivers(found: Explained, drivers: Sequence[Driver]) -> str:
    """A table of names, points, bars and reasons."""
    widest = max((abs(one.points) for one in found.drivers), default=0) or 1.0
    rows = [
        _row(
            _said("td", one.name),
            _said("td", words.amount(found, one), "number"),
            _bar(one.points / widest),
            _said("td", one.reason or ""),
        )
        for one in drivers
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _bar(share: float) -> str:
    colour = "var(--up)" if share > 0 else "var(--down)"
    style = f"width:{100 * abs(share):.1f}%;background:{colour}"
    return f'<td class="bar"><span style="{style}"></span></td>'


def _happened(found: Explained) -> str:
    """Use by week, and all that is on record, the newest first."""
    rows = [
        _row(_said("td", day, "number"), _said("td", told)) for day, told in words.happenings(found)
    ]
    table = f"<table>{''.join(rows)}</table>"
    return _use(found) + (table if rows else _said("p", words.nothing_happened(found), "soft"))


def _use(found: Explained) -> str:
    used = found.chronicle.used
    if not used:
        return ""
    title = found.wording.text("explain_use_weeks", weeks=float(len(used)))
    told = [f"{day}: {found.wording.numbers.number(float(count))}" for day, count in used]
    return _said("p", title, "soft") + _curve(title, [float(count) for _, count in used], told)


def _alternative(found: Explained) -> str:
    """The outcome, a table of what is and would be, and what stays."""
    say = found.wording.text
    now, then = _said("th", say("what_if_now")), _said("th", say("what_if_then"))
    rows = [
        _row(_said("td", one.name), *(_said("td", text) for text in pair))
        for one in (found.alternative.changes if found.at_risk else ())
        for pair in zip(one.now, one.then, strict=True)
    ]
    told = _said("p", words.outcome(found))
    if rows:
        told += f"<table>{_row('<th></th>', now, then)}{''.join(rows)}</table>"
    if fixed := words.fixed(found):
        items = "".join(_said("li", text) for text in fixed)
        told += f'{_said("p", say("what_if_fixed"), "soft")}<ul class="soft">{items}</ul>'
    return told


def _curve(title: str, values: Sequence[float], told: Sequence[str]) -> str:
    """Numbers over time as a line, from nothing to the largest; each dot tells its own."""
    top = max(values) or 1.0
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    height = HEIGHT - 2 * EDGE
    at = [(EDGE + n * step, EDGE + (1 - value / top) * height) for n, value in enumerate(values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="var(--accent)">{_said("title", text)}'
        "</circle>"
        for (x, y), text in zip(at, told, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
        f'<polyline points="{path}" fill="none" stroke="var(--accent)" stroke-width="2"/>{dots}'
        f"{_end(EDGE, told[0], 'start')}{_end(WIDTH - EDGE, told[-1], 'end')}</svg>"
    )


def _end(x: int, text: str, anchor: str) -> str:
    """What stands below the first and the last dot."""
    return (
        f'<text x="{x}" y="{HEIGHT - 1}" font-size="10" fill="var(--soft)" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
