"""The manuscript's tables and sentences of competing risks; as in `tables`, only keys.

How large a difference is called is decided here too: the text asks for it by condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sarcoma_sbrt.reporting.competing_statistics import (
    CAUSES,
    competing_endpoints,
    gap_name,
    gaps,
)
from sarcoma_sbrt.reporting.numbers import TRANSFORMS, capitalised, is_estimated
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
    landmark,
    listed,
    not_estimable_note,
    num,
    table_div,
    under_header,
    with_interval,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["EVENTS", "competing_tables"]

# What the event of interest is called, and death without it.
EVENTS = {"local_failure": "local failure", "progression": "progression"}


def competing_tables(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, str]:
    """Markdown of every table and sentence of competing risks that the registry can fill.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    analysis : Analysis
        Endpoints, groups, models and gaps, in order.
    cohort : CohortSettings
        Its label stands under each table of a reconstructed cohort.
    endpoints : mapping of EndpointSettings
        Which of them a death competes with.

    Returns
    -------
    dict of str
        Of ``incidence``, ``fine_gray`` and ``competing_gap`` those that have rows, as
        `tables.tables` makes them, and for each endpoint the sentences
        ``incidence_<endpoint>``, ``complement_<endpoint>`` and ``gap_<endpoint>``.
    """
    names = competing_endpoints(endpoints, analysis)
    chosen = {name: endpoints[name] for name in names if f"{name}.n" in numbers}
    made = (
        _incidence(numbers, analysis, cohort, chosen),
        _fine_gray(numbers, analysis, cohort, chosen),
        _gaps(numbers, analysis, cohort, chosen),
        *(_incidence_sentence(numbers, analysis, e) for e in chosen.values()),
        *(_complement_sentence(numbers, analysis, e) for e in chosen.values()),
        *(_gap_sentence(numbers, analysis, e) for e in chosen.values()),
    )
    return dict(one for one in made if one is not None)


def _words(endpoint: EndpointSettings) -> dict[int, str]:
    """What either outcome is called."""
    event = EVENTS[endpoint.event]
    return {1: event, 2: f"death without {event}"}


def _title(endpoint: EndpointSettings, text: str, alone: bool) -> str:
    """A block's title; with the endpoint's name where the table has several."""
    if alone:
        return capitalised(text)
    return f"{num(f'endpoint.{endpoint.name}.label')}: {text}"


# --- cumulative incidence -----------------------------------------------------------------


def _incidence(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    landmarks = analysis.landmarks_months
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in endpoints.values():
        for cause, words in _words(endpoint).items():
            block, keys = _incidence_block(numbers, analysis, endpoint.name, cause)
            title = _title(endpoint, words, len(endpoints) == 1)
            rows += under_header(title, block, 4 + len(landmarks))
            named += [*keys, *_tests_named(numbers, analysis, endpoint.name, cause, words)]
    strata = {name for endpoint in endpoints for name in analysis.strata.get(endpoint, ())}
    caption = (
        f"Cumulative incidence in per cent (Aalen-Johansen), with {LEVEL}s "
        f"{TRANSFORMS[analysis.transform]}, and Gray’s tests.",
        "An incidence has no interval before the first event.",
        confounded_note(analysis, strata),
        not_estimable_note(numbers, named),
    )
    header = ["Group", "n", "Events", *(f"At {landmark(i)} months" for i in range(len(landmarks)))]
    widths = (34, 5, 9, *[19] * len(landmarks), 8)
    layout = Layout("incidence", (*header, "*p*"), widths)
    return table_div(layout, rows, caption, cohort)


def _incidence_block(
    numbers: Numbers, analysis: Analysis, endpoint: str, cause: int
) -> tuple[list[Row], list[tuple[str, str]]]:
    """Rows of one outcome, and its incidences that may have no value, with their groups."""
    rows, named = [], []
    groups = [(endpoint, f"All {_unit(numbers, endpoint)}", "")]
    for name in analysis.strata.get(endpoint, ()):
        test = _gray(endpoint, name, cause)
        for side in ("level", "reference"):
            label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.{side}')}"
            groups.append((f"{endpoint}.{name}_{side}", label, test if side == "level" else ""))
    for prefix, label, test in groups:
        keys = [f"{prefix}.{CAUSES[cause]}_{t:g}m" for t in analysis.landmarks_months]
        if all(key in numbers for key in (*keys, f"{prefix}.n")):
            counted = f"{prefix}.{'events' if cause == 1 else 'competing'}"
            cells = [with_interval(numbers, key) for key in keys]
            p = num(test) if test in numbers else ""
            rows.append((label, num(f"{prefix}.n"), num(counted), *cells, p))
            named += [(key, label) for key in keys]
    return rows, named


def _gray(endpoint: str, name: str, cause: int) -> str:
    """Key of the p of a covariate's test of one outcome."""
    return f"{endpoint}.{name}.{'gray' if cause == 1 else 'gray_death'}.p"


def _tests_named(
    numbers: Numbers, analysis: Analysis, endpoint: str, cause: int, words: str
) -> list[tuple[str, str]]:
    """Keys of the tests of one outcome with what a note calls them: together where none is made."""
    names = analysis.strata.get(endpoint, ())
    keys = {_gray(endpoint, name, cause): name for name in names}
    if len({str(numbers.get(key, {}).get("reason")) for key in keys}) == 1 and len(keys) > 1:
        return [(key, f"Gray’s tests of {words}") for key in keys]
    return [
        (key, f"Gray’s test of {words} by {num(f'covariate.{name}.label')}")
        for key, name in keys.items()
    ]


def _unit(numbers: Numbers, endpoint: str) -> str:
    return f"{numbers[f'config.endpoints.endpoints.{endpoint}.unit']['text']}s"


def _incidence_sentence(
    numbers: Numbers, analysis: Analysis, endpoint: EndpointSettings
) -> tuple[str, str] | None:
    """Sentence with either incidence at every landmark that both have."""
    keys = {
        cause: [f"{endpoint.name}.{name}_{t:g}m" for t in analysis.landmarks_months]
        for cause, name in CAUSES.items()
    }
    marks = [i for i, pair in enumerate(zip(*keys.values(), strict=True)) if _all(numbers, pair)]
    if not marks:
        return None
    words = _words(endpoint)
    event = [f"{num(f'{keys[1][i]}.stated')} at {landmark(i)}" for i in marks]
    death = [num(f"{keys[2][i]}.stated") for i in marks]
    return f"incidence_{endpoint.name}", (
        f"The cumulative incidence of {words[1]} was {listed(event)} months; that of {words[2]} "
        f"was {listed(death)}.\n"
    )


def _all(numbers: Numbers, keys: Iterable[str]) -> bool:
    return all(is_estimated(numbers, key) for key in keys)


def _complement_sentence(
    numbers: Numbers, analysis: Analysis, endpoint: EndpointSettings
) -> tuple[str, str] | None:
    """Sentence with one minus Kaplan-Meier at every landmark, and how much more that is."""
    name = endpoint.name
    pairs = {
        i: (f"{name}.cif_complement_{t:g}m", f"{name}.cif_difference_{t:g}m")
        for i, t in enumerate(analysis.landmarks_months)
        if is_estimated(numbers, f"{name}.cif_difference_{t:g}m")
    }
    if not pairs:
        return None
    values = [f"{num(f'{key}.stated')} at {landmark(i)}" for i, (key, _) in pairs.items()]
    more = [num(key) for _, key in pairs.values()]
    says = f'[percentage points more]{{.claim name="complement_more" of="{name}"}}'
    return f"complement_{name}", (
        "One minus the Kaplan-Meier estimate, which treats these deaths as censored, is "
        f"{listed(values)} months: {listed(more)} {says}.\n"
    )


# --- models -------------------------------------------------------------------------------

_MODELS = ("univariable", "multivariable")


def _fine_gray(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    sizes = []
    shown: dict[str, None] = {}
    for endpoint in endpoints.values():
        for model in _MODELS:
            found = _hazard_rows(numbers, analysis, endpoint.name, model)
            title = _title(endpoint, model, len(endpoints) == 1)
            rows += under_header(title, list(found.values()), 5)
            key = f"fine_gray.{endpoint.name}.{model}"
            kind = f"{model} subdistribution hazard ratio of"
            named += [(f"{key}.{c}.hr", f"{kind} {num(f'covariate.{c}.label')}") for c in found]
            shown |= dict.fromkeys(found)
            if found and model != "univariable":
                sizes.append(_size(endpoint, key))
    if rows:
        rows = [("Covariate", *(f"HR ({LEVEL})", "*p*") * 2), *rows]
    clustered = any(endpoint.unit == "lesion" for endpoint in endpoints.values())
    errors = " clustered by patient" if clustered else ""
    caption = (
        "Cause-specific hazard ratios (Cox) beside subdistribution hazard ratios (Fine and Gray), "
        f"with Wald intervals from robust standard errors{errors}.",
        *sizes,
        confounded_note(analysis, shown),
        firth_note(rows, ", not clustered"),
        not_estimable_note(numbers, named),
    )
    header = ("", "Cause-specific hazard", "", "Subdistribution hazard", "")
    return table_div(Layout("fine_gray", header, (38, 22, 8, 22, 8)), rows, caption, cohort)


def _hazard_rows(numbers: Numbers, analysis: Analysis, endpoint: str, model: str) -> dict[str, Row]:
    """Row of each covariate of a model."""
    rows = {}
    for name in analysis.covariates:
        keys = [f"{kind}.{endpoint}.{model}.{name}.hr" for kind in ("cox", "fine_gray")]
        if keys[1] in numbers:
            label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"
            cells = [cell for key in keys for cell in _hazard(numbers, key)]
            rows[name] = (label, *cells)
    return rows


def _hazard(numbers: Numbers, key: str) -> tuple[str, str]:
    return hazard_cells(numbers, key) if key in numbers else (ABSENT, ABSENT)


def _size(endpoint: EndpointSettings, key: str) -> str:
    words = EVENTS[endpoint.event]
    return (
        f"The multivariable model is of {num(f'{key}.n')} {endpoint.unit}s with "
        f"{num(f'{key}.events')} events ({words}) and {num(f'{key}.competing')} deaths without it."
    )


# --- another gap --------------------------------------------------------------------------


def _gaps(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Results with the configured gap and with others, side by side."""
    across = _columns(analysis, endpoints)
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in endpoints.values():
        prefixes = [
            endpoint.name
            if gap == endpoint.death_gap_months
            else f"{endpoint.name}.{gap_name(gap)}"
            for gap in across
        ]
        if any(f"{prefix}.competing" in numbers for prefix in prefixes[1:]):
            alone = len(endpoints) == 1
            rows += _gap_rows(numbers, analysis, endpoint, prefixes, alone)
            named += [
                (f"{prefix}.{quantity}_{t:g}m", words)
                for words, quantity in _gap_blocks(endpoint).items()
                for prefix in prefixes
                for t in analysis.landmarks_months
            ]
            named += [
                (f"{prefix}.{name}.gray.p", "Gray’s test")
                for prefix in prefixes
                for name in analysis.strata.get(endpoint.name, ())
            ]
    caption = (
        f"Cumulative incidences in per cent with {LEVEL}s, and the *p* of Gray’s tests, by the "
        "gap: the longest time between the last image and a death that lets the death compete.",
        "A death that comes later is not counted, and the observation ends with the last image.",
        "Intervals of one minus Kaplan-Meier are those of survival, turned round, so that the same "
        "incidence has other limits there.",
        not_estimable_note(numbers, named),
    )
    header = ("", *(_gap_label(analysis, endpoints, gap) for gap in across))
    return table_div(
        Layout("competing_gap", header, (36, *[20] * len(across))), rows, caption, cohort
    )


def _columns(
    analysis: Analysis, endpoints: Mapping[str, EndpointSettings]
) -> tuple[float | None, ...]:
    """Gaps of the table: the endpoints' own first."""
    own = [endpoint.death_gap_months for endpoint in endpoints.values()]
    others = [gap for endpoint in endpoints.values() for gap in gaps(endpoint, analysis)]
    return tuple(dict.fromkeys((*own, *others)))


def _gap_label(
    analysis: Analysis, endpoints: Mapping[str, EndpointSettings], gap: float | None
) -> str:
    """A gap in words; the number is a key of the configuration."""
    for name, endpoint in endpoints.items():
        if gap == endpoint.death_gap_months:
            key = f"config.endpoints.endpoints.{name}.death_gap_months"
            said = "No limit" if gap is None else f"{num(key)} months"
            return f"{said} (as defined)"
    if gap is None:
        return "No limit"
    at = analysis.competing_gaps_months.index(gap)
    return f"{num(f'config.models.competing.death_gap_months.{at}')} months"


def _gap_rows(
    numbers: Numbers,
    analysis: Analysis,
    endpoint: EndpointSettings,
    prefixes: Sequence[str],
    alone: bool,
) -> list[Row]:
    """Rows of one endpoint: counts, incidences, one minus Kaplan-Meier, and tests."""
    words = _words(endpoint)
    columns = 1 + len(prefixes)
    counts = [_cell(numbers, f"{prefix}.competing") for prefix in prefixes]
    rows: list[Row] = [(_title(endpoint, "deaths that compete", alone), *counts)]
    for title, quantity in _gap_blocks(endpoint).items():
        block = [
            (
                f"At {landmark(i)} months",
                *(_cell(numbers, f"{prefix}.{quantity}_{t:g}m") for prefix in prefixes),
            )
            for i, t in enumerate(analysis.landmarks_months)
        ]
        rows += under_header(_title(endpoint, title, alone), block, columns)
    tests = [
        (
            covariate_label(analysis, name),
            *(_cell(numbers, f"{prefix}.{name}.gray.p") for prefix in prefixes),
        )
        for name in analysis.strata.get(endpoint.name, ())
    ]
    return rows + under_header(
        _title(endpoint, f"Gray’s test of {words[1]}", alone), tests, columns
    )


def _gap_blocks(endpoint: EndpointSettings) -> dict[str, str]:
    """What is estimated with every gap, by what the table calls it."""
    words = _words(endpoint)
    return {
        words[1]: "cif",
        words[2]: "cif_death",
        f"{words[1]} by one minus Kaplan-Meier": "cif_complement",
    }


def _cell(numbers: Numbers, key: str) -> str:
    return with_interval(numbers, key) if key in numbers else ABSENT


def _gap_sentence(
    numbers: Numbers, analysis: Analysis, endpoint: EndpointSettings
) -> tuple[str, str] | None:
    """Sentence with the incidence at the last landmark that every gap has."""
    name = endpoint.name
    others = {gap: f"{name}.{gap_name(gap)}" for gap in gaps(endpoint, analysis)}
    keys = {
        i: [f"{prefix}.cif_{t:g}m" for prefix in (name, *others.values())]
        for i, t in enumerate(analysis.landmarks_months)
    }
    marks = [i for i, found in keys.items() if _all(numbers, found)]
    if not (others and marks):
        return None
    own, *varied = keys[marks[-1]]
    told = [
        f"{num(f'{key}.stated')} {_with_gap(analysis, {name: endpoint}, gap)} "
        f"({_deaths(numbers, f'{prefix}.competing')})"
        for key, (gap, prefix) in zip(varied, others.items(), strict=True)
    ]
    return f"gap_{name}", (
        f"The incidence of {_words(endpoint)[1]} at {landmark(marks[-1])} months, "
        f"{num(f'{own}.stated')} as defined ({_deaths(numbers, f'{name}.competing')}), would be "
        f"{listed(told)}.\n"
    )


def _with_gap(
    analysis: Analysis, endpoints: Mapping[str, EndpointSettings], gap: float | None
) -> str:
    if gap is None:
        return "without a limit of the gap"
    return f"with a gap of {_gap_label(analysis, endpoints, gap)}"


def _deaths(numbers: Numbers, key: str) -> str:
    # By the text: where "< 5" is printed, the word must not tell that there is one.
    return f"{num(key)} competing {'death' if numbers[key]['text'] == '1' else 'deaths'}"
