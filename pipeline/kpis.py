"""`churn kpis`: what a company asks before any model: how many leave, and how much money that is.

Every section answers one question of the same `Business`, so that all of them mean the same by
customer and by churn. A further one is a module with a function and a line in `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.business import Business, Question
from pipeline.config import Config
from pipeline.files import to_json, whole_file
from pipeline.kpi_cohorts import cohorts_of
from pipeline.kpi_forecast import forecast_of
from pipeline.kpi_levers import levers_of, recovered_of
from pipeline.kpi_parts import parts_of
from pipeline.kpi_periods import periods_of
from pipeline.kpi_revenue import basis_of
from pipeline.kpi_survival import survival_of
from pipeline.opening import definition_of, open_histories
from pipeline.progress import Progress


class Answer(Protocol):
    """What a section found, and what people should know of it."""

    @property
    def notes(self) -> tuple[str, ...]: ...

    def as_json(self) -> Any: ...


@dataclass(frozen=True)
class Section:
    """A part of the key figures: its key in kpis.json, and what finds it."""

    name: str
    find: Callable[[Business], Answer]


SECTIONS = (
    Section("periods", periods_of),
    Section("by", parts_of),
    Section("cohorts", cohorts_of),
    Section("survival", survival_of),
    Section("payment_recovery", recovered_of),
)


@dataclass(frozen=True)
class Kpis:
    """All sections' answers, by name, with what they are told of."""

    path: Path
    head: dict[str, Any]
    answers: dict[str, Answer]

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(note for answer in self.answers.values() for note in answer.notes)

    def as_json(self) -> dict[str, Any]:
        answers = {name: answer.as_json() for name, answer in self.answers.items()}
        return {**self.head, **answers, "notes": self.notes}


def kpis(
    config: Config,
    progress: Progress,
    question: Question,
    *,
    forecast: bool = False,
    levers: bool = False,
) -> Kpis:
    """Compute all sections, and write ``kpis.json`` into the output folder.

    Parameters
    ----------
    forecast
        Tell the next quarter, too: it needs the model in charge, and vectors.
    levers
        Tell what each lever would hold, too: it needs vectors.

    Raises
    ------
    UserError
        When what is asked for makes no sense, or the histories do not allow it.
    """
    question.refuse_odd()
    histories = open_histories(config, progress)
    try:
        business = Business.of(histories, definition_of(config), question)
        found = answered(business, config, progress, forecast=forecast, levers=levers)
    finally:
        histories.close()
    with whole_file(found.path) as draft:
        draft.write_text(to_json(found.as_json()) + "\n", encoding="utf-8")
    return found


def answered(
    business: Business, config: Config, progress: Progress, *, forecast: bool, levers: bool
) -> Kpis:
    """All sections' answers of a business; writes nothing."""
    dear = [
        (forecast, Section("forecast", lambda of: forecast_of(of, config, progress))),
        (levers, Section("levers", lambda of: levers_of(of, config, progress))),
    ]
    answers = {}
    for section in (*SECTIONS, *(section for asked, section in dear if asked)):
        with progress.stage(f"key figures: {section.name}"):
            answers[section.name] = section.find(business)
    return Kpis(config.out / "kpis.json", head_of(business), answers)


def head_of(business: Business) -> dict[str, Any]:
    """What all sections are told of: the churn definition, the span, what revenue is."""
    histories = business.histories
    return {
        "definition": business.definition.as_dict(),
        "every": business.question.every,
        "observed_from": histories.observed_from.isoformat(sep=" "),
        "observed_until": histories.observed_until.isoformat(sep=" "),
        "customers": histories.customers,
        "revenue_basis": basis_of(business),
    }
