"""Whether the values of a column fit one of ours, and if not, why: in words for a comment."""

from __future__ import annotations

from features.tables import Column as Ours
from pipeline.guess_samples import Column, Profile

MOSTLY = 0.8
"""A required column fits when at least this share of its values reads; the rest is set aside."""
NEARLY = 0.98
"""An optional column must not cost rows: it fits when nearly all of its values read."""
FILLED = 0.5
"""A required column needs a value in at least this share of the rows."""
KEPT = 0.05
"""More foreign values than this in a column with fixed ones would stop every run."""


def misfit(ours: Ours, profile: Profile, theirs: str) -> str:
    """Why their column does not fit ours; empty where it does."""
    column = profile.columns[theirs]
    if not column.given:
        harmless = ours.kind != "time" or column.is_time or column.is_text
        kept = theirs == ours.name and not ours.required and not ours.never_null and harmless
        return "" if kept else "has no values"
    if ours.required and column.filled < FILLED:
        return f"is empty in {1 - column.filled:.0%} of the rows"
    if ours.allowed:
        return _foreign_values(ours, profile, column)
    wrong = _WRONG[ours.kind](profile, column, MOSTLY if ours.required else NEARLY)
    if not wrong and ours.never_null and column.filled < 1 - KEPT:
        return f"is empty in {1 - column.filled:.0%} of the rows"
    return wrong


def _foreign_values(ours: Ours, profile: Profile, column: Column) -> str:
    """Tells the commonest values, where too many are none of the accepted ones."""
    found = profile.commonest(column.name, most=1000)
    if sum(share for value, share in found if value in ours.accepted) >= 1 - KEPT:
        return ""
    told = ", ".join(f"{value!r} ({share:.0%})" for value, share in found[:4])
    more = ", …" if len(found) > 4 else ""
    return f"holds {told}{more}, not {', '.join(ours.allowed)}"


def _no_id(profile: Profile, column: Column, least: float) -> str:
    if column.is_time or column.type == "BOOLEAN" or column.times == column.given:
        return "holds no ids"
    if column.is_number and column.whole < least * column.given:
        return "holds broken numbers, not ids"
    return ""


def _no_time(profile: Profile, column: Column, least: float) -> str:
    if column.times >= least * column.given:
        return ""
    form = profile.date_form(column.name)
    such = f"such as {column.example!r}"
    if form:
        return f"holds times as {form}, {such}; what can be read is a timestamp or yyyy-mm-dd"
    return f"holds no times, {such}"


def _no_number(profile: Profile, column: Column, least: float) -> str:
    if column.is_time or column.numbers < least * column.given:
        return f"holds no plain numbers, such as {column.example!r}"
    return ""


def _no_bool(profile: Profile, column: Column, least: float) -> str:
    truths = column.type == "BOOLEAN" or (column.is_text and column.bools >= least * column.given)
    counts = column.is_number and column.distinct <= 2
    return "" if truths or counts else f"holds no truth values, such as {column.example!r}"


def _no_text(profile: Profile, column: Column, least: float) -> str:
    return "holds times, not words" if column.is_time else ""


_WRONG = {
    "id": _no_id,
    "time": _no_time,
    "number": _no_number,
    "bool": _no_bool,
    "text": _no_text,
}
