"""The manuscript's tables and sentences of dose and local control; as in `tables`, only keys."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from sarcoma_sbrt.reporting.dose_statistics import (
    STAGE,
    plan_cut,
    ratio_name,
)
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.small_cells import is_withheld
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    LEVEL,
    Layout,
    Numbers,
    Row,
    firth_note,
    hazard_cells,
    listed,
    not_estimable_note,
    num,
    of_the_drawn,
    table_div,
    under_header,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["MARK", "NAMES", "cut_keys", "dose_tables", "is_reciprocal", "plan_cut_key"]

NAMES = {"bed": "BED", "eqd2": "EQD2"}
MARK = "\\*"


def dose_tables(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
) -> dict[str, str]:
    """Markdown of every table and sentence of dose that the registry can fill.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    analysis : Analysis
        Ratios, rules of the cuts and the plan's own cut.
    cohort : CohortSettings
        Its label stands under each table of a reconstructed cohort.

    Returns
    -------
    dict of str
        Of ``dose_measures``, ``dose_response`` and ``cut_points`` those that have rows, as
        `tables.tables` makes them, and the sentences ``dose_ranks`` (how the ratios order the
        lesions) and ``cut_search`` (the best cut, and its p corrected for the choice).
    """
    names = [name for name in analysis.dose_endpoints if f"{STAGE}.{name}.n" in numbers]
    made = (
        _measures(numbers, analysis, cohort),
        _ranks(numbers, analysis),
        _response(numbers, analysis, cohort, names),
        _cuts(numbers, analysis, cohort, names),
        _search(numbers, analysis, cohort, names),
    )
    return dict(one for one in made if one is not None)


def cut_keys(numbers: Numbers, endpoint: str, alpha_beta_gy: float) -> tuple[str, ...]:
    """Keys of the cuts of an endpoint at one ratio, ascending, without the quantity's name."""
    key = f"{STAGE}.{endpoint}.{ratio_name(alpha_beta_gy)}"
    count = int(numbers.get(f"{key}.cuts.n", {}).get("value") or 0)
    return tuple(f"{key}.cut_{at + 1}" for at in range(count))


def plan_cut_key(analysis: Analysis) -> str | None:
    """Key of the plan's own cut, in Gy; None where it splits by no BED."""
    found = plan_cut(analysis)
    if found is None:
        return None
    covariate, side, threshold = found
    return f"config.models.covariates.{covariate.name}.{side}.{threshold}"


def is_reciprocal(numbers: Numbers, endpoint: str, analysis: Analysis) -> bool:
    """Whether the plan's own model of the cut has the hazard ratio the other way round."""
    found = plan_cut(analysis)
    protocol = numbers.get("config.endpoints.alpha_beta_gy", {}).get("value")
    if found is None or protocol is None:
        return False
    stem = f"{STAGE}.{endpoint}.{ratio_name(protocol)}"
    key = f"{stem}.cut_{numbers.get(f'{stem}.marked', {}).get('value')}.hr"
    own = f"cox.{endpoint}.univariable.{found[0].name}.hr"
    if not (is_estimated(numbers, key) and is_estimated(numbers, own)):
        return False
    return math.isclose(numbers[key]["value"] * numbers[own]["value"], 1.0, rel_tol=1e-6)


def _ratio(at: int) -> str:
    """An alpha/beta of the plan, by its place."""
    return f"{num(f'config.models.dose.alpha_beta_gy.{at}')} Gy"


# --- doses --------------------------------------------------------------------------------


def _measures(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    rows: list[Row] = []
    for measure, label in NAMES.items():
        block = [
            _spread(numbers, f"{STAGE}.{ratio_name(ratio)}.{measure}", at)
            for at, ratio in enumerate(analysis.dose.alpha_beta_gy)
            if is_estimated(numbers, f"{STAGE}.{ratio_name(ratio)}.{measure}.median")
        ]
        rows += under_header(label, block, 4)
    missing = f"{STAGE}.missing.n"
    caption = (
        f"BED and EQD2 of the first course of {num(f'{STAGE}.n')} lesions at several alpha/beta, "
        "in Gy.",
        f"Lesions without a recorded dose: {num(missing)}."
        if numbers.get(missing, {}).get("value")
        else "",
    )
    header = ("Alpha/beta", "Median", "Quartiles", "Range")
    return table_div(Layout("dose_measures", header, (28, 20, 26, 26)), rows, caption, cohort)


def _spread(numbers: Numbers, key: str, at: int) -> Row:
    pairs = (("quartile_1", "quartile_3"), ("min", "max"))
    spans = (_span(numbers, f"{key}.{low}", f"{key}.{high}") for low, high in pairs)
    return (_ratio(at), num(f"{key}.median"), *spans)


def _span(numbers: Numbers, low: str, high: str) -> str:
    """Two values as an interval; least and greatest ones may be withheld."""
    return num(low) if is_withheld(numbers, low) else f"{num(low)}–{num(high)}"


def _ranks(numbers: Numbers, analysis: Analysis) -> tuple[str, str] | None:
    """Sentence on how far the ratios agree which of two lesions had more."""
    pairs = [
        (one, other, f"{STAGE}.{ratio_name(a)}_{ratio_name(b)}")
        for (one, a), (other, b) in itertools.combinations(
            enumerate(analysis.dose.alpha_beta_gy), 2
        )
    ]
    told = [
        f"{num(f'{key}.reversed.n')} between {_ratio(one)} and {_ratio(other)} "
        f"(Kendall’s tau {num(f'{key}.tau')})"
        for one, other, key in pairs
        if is_estimated(numbers, f"{key}.tau")
    ]
    if not told:
        return None
    return "dose_ranks", (
        f"Pairs of lesions that are ordered the other way round, of {num(f'{STAGE}.pairs.n')}: "
        f"{listed(told)}.\n"
    )


# --- hazard ratios ------------------------------------------------------------------------


def _naive(numbers: Numbers, key: str) -> tuple[str, str, str]:
    """Interval and p of lesions taken as independent, and the ratio of standard errors."""
    if not is_estimated(numbers, f"{key}.naive"):
        return ABSENT, ABSENT, ABSENT
    limits = f"{num(f'{key}.naive.low')}–{num(f'{key}.naive.high')}"
    return limits, num(f"{key}.naive_p"), num(f"{key}.se_ratio")


def _response(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, names: Sequence[str]
) -> tuple[str, str] | None:
    rows: list[Row] = []
    keys: list[tuple[str, str]] = []
    for name, (measure, label) in itertools.product(names, NAMES.items()):
        block = []
        for at, ratio in enumerate(analysis.dose.alpha_beta_gy):
            key = f"{STAGE}.{name}.{ratio_name(ratio)}.{measure}"
            block.append((_ratio(at), *hazard_cells(numbers, f"{key}.hr"), *_naive(numbers, key)))
            keys.append((f"{key}.hr", f"{label} at {_ratio(at)}"))
        rows += under_header(_title(names, name, label), block, 6)
    caption = (
        f"Hazard ratio of local failure per {num('config.models.dose.step_gy')} Gy more, with "
        "standard errors (SE) clustered by patient and, beside them, as if lesions were "
        "independent.",
        *(_size(name) for name in names),
        "A ratio below unity favours the higher dose; *p* does not depend on the unit of dose.",
        firth_note(rows, ", not clustered"),
        not_estimable_note(numbers, keys),
    )
    header = (
        *("Alpha/beta", f"HR ({LEVEL})", "*p*"),
        *("Interval, independent", "*p*, independent", "Ratio of SE"),
    )
    layout = Layout("dose_response", header, (22, 26, 9, 19, 13, 11))
    return table_div(layout, rows, caption, cohort)


def _title(names: Sequence[str], name: str, text: str) -> str:
    return text if len(names) == 1 else f"{num(f'endpoint.{name}.label')}: {text}"


def _size(name: str) -> str:
    key = f"{STAGE}.{name}"
    return (
        f"Models are of {num(f'{key}.n')} lesions of {num(f'{key}.patients')} patients, with "
        f"{num(f'{key}.events')} failures."
    )


# --- cuts ---------------------------------------------------------------------------------


def _cuts(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, names: Sequence[str]
) -> tuple[str, str] | None:
    rows: list[Row] = []
    keys: list[tuple[str, str]] = []
    for name, (at, ratio) in itertools.product(names, enumerate(analysis.dose.alpha_beta_gy)):
        cuts = cut_keys(numbers, name, ratio)
        title = _title(names, name, f"BED at an alpha/beta of {_ratio(at)}")
        rows += under_header(title, [_cut(numbers, key) for key in cuts], 7)
        keys += [(f"{key}.hr", f"the cut at {num(f'{key}.gy')} Gy") for key in cuts]
    rules = "config.models.dose.cut_points"
    caption = (
        "Local failure by a cut of the BED, Gy: lesions (failures) on either side, and hazard "
        "ratio of the higher against the lower dose, clustered by patient.",
        "A ratio below unity favours the higher dose.",
        f"Every cut is shown that leaves a share of {num(f'{rules}.least_share')} of the lesions "
        f"and {num(f'{rules}.least_events')} failures on each side.",
        *_mark_note(numbers, analysis, names),
        "Corrected: by permutation, for the choice among the cuts of the same alpha/beta.",
        firth_note(rows, ", not clustered"),
        not_estimable_note(numbers, keys),
    )
    header = (
        *("Cut", "Below", "At or above", f"HR ({LEVEL})", "*p*"),
        *("Log-rank *p*", "Corrected"),
    )
    layout = Layout("cut_points", header, (14, 14, 14, 28, 9, 11, 11))
    return table_div(layout, rows, caption, cohort)


def _cut(numbers: Numbers, key: str) -> Row:
    stem, _, place = key.rpartition(".cut_")
    is_marked = numbers.get(f"{stem}.marked", {}).get("value") == int(place)
    sides = [f"{num(f'{key}.{side}.n')} ({num(f'{key}.{side}.events')})" for side in _SIDES]
    corrected = f"{key}.corrected_p"
    return (
        num(f"{key}.gy") + (f" {MARK}" if is_marked else ""),
        *sides,
        *hazard_cells(numbers, f"{key}.hr"),
        num(f"{key}.logrank_p"),
        num(corrected) if is_estimated(numbers, corrected) else ABSENT,
    )


_SIDES = ("below", "above")


def _mark_note(numbers: Numbers, analysis: Analysis, names: Sequence[str]) -> Iterator[str]:
    """What the mark means, and where the cut marked does not split as the plan's does."""
    plans = plan_cut_key(analysis)
    if plans is None:
        return
    protocol = num("config.endpoints.alpha_beta_gy")
    yield (
        f"{MARK} Splits the lesions most nearly as {num(plans)} Gy at an alpha/beta of "
        f"{protocol} Gy, the plan’s cut, does."
    )
    for name, (at, ratio) in itertools.product(names, enumerate(analysis.dose.alpha_beta_gy)):
        key = f"{STAGE}.{name}.{ratio_name(ratio)}.otherwise"
        if numbers.get(key, {}).get("value"):
            yield f"Lesions that it puts on the other side at {_ratio(at)}: {num(key)}."


def _search(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, names: Sequence[str]
) -> tuple[str, str] | None:
    """What the cuts of each ratio show, and what is left of the best of them."""
    told = [
        sentence
        for name in names
        for sentence in (
            *(
                _searched(numbers, f"{STAGE}.{name}.{ratio_name(ratio)}", at)
                for at, ratio in enumerate(analysis.dose.alpha_beta_gy)
            ),
            _overall(numbers, analysis, f"{STAGE}.{name}.search.corrected_p"),
        )
    ]
    text = " ".join(sentence for sentence in told if sentence)
    return ("cut_search", f"{of_the_drawn(cohort, text)}\n") if text else None


def _searched(numbers: Numbers, key: str, at: int) -> str:
    where, corrected = f"At an alpha/beta of {_ratio(at)}", f"{key}.search.corrected_p"
    if not is_estimated(numbers, f"{key}.search.p"):
        return f"{where} there is no cut to examine, because {num(f'{corrected}.reason')}."
    ends = [f"{key}.cuts.hr_{end}" for end in ("least", "greatest")]
    spread = ""
    if all(end in numbers for end in ends):
        spread = f"hazard ratios run from {num(ends[0])} to {num(ends[1])} (number of cuts: "
        spread += f"{num(f'{key}.cuts.n')}); "
    after = (
        f"corrected for the choice it is {num(corrected)}"
        if is_estimated(numbers, corrected)
        else f"it cannot be corrected for the choice, because {num(f'{corrected}.reason')}"
    )
    least = f'[the least log-rank *p*]{{.claim name="dose_least_p" of="{key}"}}'
    return (
        f"{where} {spread}{least}, at {num(f'{key}.search.gy')} Gy, is "
        f"{num(f'{key}.search.p')}, and {after}."
    )


def _overall(numbers: Numbers, analysis: Analysis, key: str) -> str:
    if len(analysis.dose.alpha_beta_gy) < 2 or not is_estimated(numbers, key):
        return ""
    return f"Corrected for the choice of the cut and of the alpha/beta, *p* is {num(key)}."
