"""The manuscript's table of imputed covariates beside complete cases; as in `tables`, only keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sarcoma_sbrt.reporting.imputation_statistics import models_of
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    LEVEL,
    Layout,
    Numbers,
    Row,
    confounded_note,
    covariate_label,
    firth_note,
    hazard_cells,
    listed,
    not_estimable_note,
    num,
    table_div,
    under_header,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["imputation_tables"]


def imputation_tables(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, str]:
    """Markdown of the table and the sentence of imputation that the registry can fill.

    Parameters
    ----------
    numbers : mapping
        The registry.
    analysis : Analysis
        Endpoints, models and covariates, in order.
    cohort : CohortSettings
        Its label stands under the table of a reconstructed cohort.
    endpoints : mapping of EndpointSettings
        Their unit of analysis.

    Returns
    -------
    dict of str
        ``imputation`` and ``imputation_missing`` (for how many each covariate is missing), or
        nothing where no model leaves anybody out.
    """
    made = (
        _hazard_ratios(numbers, analysis, cohort, endpoints),
        _missing(numbers, analysis, endpoints),
    )
    return dict(one for one in made if one is not None)


def _hazard_ratios(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    shown: dict[str, None] = {}
    for endpoint in analysis.endpoints:
        for key, terms in models_of(endpoint, analysis).items():
            if f"imputation.{key}.lost" in numbers:
                title = f"{num(f'endpoint.{endpoint}.label')}, {_called(key, terms)}"
                rows += under_header(title, [*_model(numbers, analysis, key, terms)], 6)
                shown |= dict.fromkeys(terms)
                named += [(f"imputation.{term}.hr", f"{title}, imputed") for term in terms.values()]
                named += [(f"cox.{term}.hr", f"{title}, complete cases") for term in terms.values()]
    if rows:
        # Under a header with empty cells the first row is the header's second (tables.lua).
        rows = [("Covariate", *(f"HR ({LEVEL})", "*p*") * 2, "Missing information, %"), *rows]
    clustered = [
        num(f"endpoint.{e}.label")
        for e in _imputed(numbers, analysis)
        if endpoints[e].unit == "lesion"
    ]
    caption = (
        "Hazard ratios (HR) of the Cox models that leave somebody out because a covariate was not "
        "recorded: of the complete cases, and with the missing values imputed.",
        _drawn(numbers, analysis),
        "The last column is the fraction of the information on a hazard ratio that is missing.",
        f"Standard errors of {listed(clustered)} are clustered by patient." if clustered else "",
        confounded_note(analysis, shown),
        firth_note(rows),
        not_estimable_note(numbers, named),
    )
    header = ("", "Complete cases", "", "Imputed", "", "")
    return table_div(Layout("imputation", header, (36, 21, 8, 21, 8, 12)), rows, caption, cohort)


def _called(key: str, terms: Mapping[str, str]) -> str:
    """A model in words: a covariate by itself, or which others it is adjusted for."""
    model = key.split(".")[1]
    if model == "univariable":
        return f"univariable: {num(f'covariate.{next(iter(terms))}.label')}"
    if model == "multivariable":
        return "multivariable"
    return f"model of {listed([num(f'covariate.{name}.label') for name in terms])}"


def _model(
    numbers: Numbers, analysis: Analysis, key: str, terms: Mapping[str, str]
) -> Iterator[Row]:
    """Row of each covariate, and of how many stand behind either column."""
    for name, term in terms.items():
        cells = [
            cell for kind in ("cox", "imputation") for cell in _hazard(numbers, f"{kind}.{term}.hr")
        ]
        share = f"imputation.{term}.missing_information"
        known = is_estimated(numbers, share)
        label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"
        yield (label, *cells, num(share) if known else ABSENT)
    base = f"imputation.{key}"
    counts = [
        f"{num(f'{base}.{kind}.n')} ({num(f'{base}.{kind}.events')})"
        for kind in ("complete", "imputed")
    ]
    yield ("Analysed (events)", counts[0], "", counts[1], "", "")
    yield ("Left out, a covariate missing", num(f"{base}.lost"), "", ABSENT, "", "")


def _hazard(numbers: Numbers, key: str) -> tuple[str, str]:
    return hazard_cells(numbers, key) if key in numbers else (ABSENT, ABSENT)


def _imputed(numbers: Numbers, analysis: Analysis) -> list[str]:
    return [e for e in analysis.endpoints if f"imputation.{e}.datasets" in numbers]


def _drawn(numbers: Numbers, analysis: Analysis) -> str:
    """Into how many data sets, of each endpoint where they differ."""
    names = _imputed(numbers, analysis)
    if not names:
        return ""
    keys = {e: f"imputation.{e}.datasets" for e in names}
    if len({numbers[key]["text"] for key in keys.values()}) == 1:
        return f"Estimates are pooled over {num(keys[names[0]])} completed data sets."
    each = [f"{num(key)} for {num(f'endpoint.{e}.label')}" for e, key in keys.items()]
    return f"Estimates are pooled over completed data sets: {listed(each)}."


def _missing(
    numbers: Numbers, analysis: Analysis, endpoints: Mapping[str, EndpointSettings]
) -> tuple[str, str] | None:
    """For how many each covariate is missing, of the first endpoint of either unit."""
    said: dict[str, str] = {}
    for endpoint in _imputed(numbers, analysis):
        unit = endpoints[endpoint].unit
        lost: dict[str, str] = {}  # two ways to split one column lack the same values
        for name, covariate in analysis.covariates.items():
            key = f"imputation.{endpoint}.missing.{name}"
            if key in numbers:
                label = num(f"covariate.{name}.label")
                lost.setdefault(covariate.column, f"{label} for {num(key)}")
        said.setdefault(unit, f"{listed([*lost.values()])} of {num(f'{endpoint}.n')} {unit}s")
    if not said:
        return None
    return "imputation_missing", f"Not recorded: {'; '.join(said.values())}.\n"
