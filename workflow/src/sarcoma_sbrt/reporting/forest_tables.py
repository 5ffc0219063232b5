"""The manuscript's tables of the random survival forests, and the sentences that read them.

As in `tables`, every digit is a shortcode. The sentences are made here because their words
follow from the numbers: which model predicted better, which covariate mattered, which of the
demands of `performance.capacity` these data meet. Words that judge or count are claims of
``manuscript/claims.yaml``, whose conditions ask the numbers once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import NormalDist

from sarcoma_sbrt.reporting.forest_statistics import DEMANDS, TRIED
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    Layout,
    Numbers,
    Row,
    listed,
    num,
    of_the_drawn,
    table_div,
    under_header,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["forest_tables"]

_MODELS = {"forest": "Forest", "cox": "Cox", "kaplan_meier": "Kaplan-Meier"}
_CONFIG = "config.models.forest"
_THRESHOLDS = f"{_CONFIG}.thresholds"


def forest_tables(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of what the registry can fill of the forests, by name.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    analysis : Analysis
        `Analysis.forest`: endpoints and covariates; landmarks.
    cohort : CohortSettings
        Its label stands under each table of a reconstructed cohort.

    Returns
    -------
    dict of str
        Tables ``forest`` (how well each model predicts) and ``forest_capacity`` (what is asked
        of the data, what there is); without a div ``forest_words`` and ``forest_capacity_words``
        (what they say) and ``forest_grid`` (what tuning chose from). Empty without a forest.
    """
    endpoints = [e for e in analysis.forest if f"forest.{e}.n" in numbers]
    if not endpoints:
        return {}
    made = (
        _performance(numbers, analysis, cohort, endpoints),
        _capacity(cohort, endpoints),
        (
            "forest_words",
            "\n\n".join(_words(numbers, analysis, cohort, e) for e in endpoints) + "\n",
        ),
        ("forest_capacity_words", " ".join(_capacity_words(numbers, endpoints)) + "\n"),
        _grid(analysis),
    )
    return dict(table for table in made if table is not None)


def _value(numbers: Numbers, key: str) -> float:
    return float(numbers[key]["value"])


def _claim(text: str, name: str, of: str) -> str:
    """Span of a claim that speaks for part of the registry."""
    return f'[{text}]{{.claim name="{name}" of="{of}"}}'


def _label(endpoint: str) -> str:
    return num(f"endpoint.{endpoint}.label")


def _label_lower(endpoint: str) -> str:
    return num(f"endpoint.{endpoint}.label_lower")


# --- performance --------------------------------------------------------------------------


def _performance(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoints: Sequence[str]
) -> tuple[str, str] | None:
    rows: list[Row] = []
    for endpoint in endpoints:
        block = list(_measures(numbers, analysis, endpoint))
        horizon = f"forest.{endpoint}.cv.horizon"
        until = f", up to {num(horizon)} months" if horizon in numbers else ""
        rows += under_header(f"{_label(endpoint)}{until}", block, 4)
    caption = (
        "How well each model predicts held-out patients: mean over the repeats of the "
        f"cross-validation, with the central {num('config.models.confidence_level')}% of the "
        "repeats in round brackets.",
        "They show the variation between random splits of these patients; the standard error shows "
        "that between samples of patients, with the models held fixed.",
        "C and area under the curve (AUC): higher is better, one half is chance. Brier score: "
        "lower is better; where it falls against Kaplan-Meier, the covariates help.",
        f"{ABSENT}: no estimate; the Kaplan-Meier curve predicts the same for every patient and "
        "has no concordance."
        if any(ABSENT in row for row in rows)
        else "",
        *_not_made(numbers, endpoints),
        _unscored(numbers, analysis, endpoints),
    )
    layout = Layout("forest", ("Measure", *_MODELS.values()), (34, 22, 22, 22))
    return table_div(layout, rows, caption, cohort)


def _measures(numbers: Numbers, analysis: Analysis, endpoint: str) -> Iterator[Row]:
    plain = (
        ("Harrell’s C", "harrell"),
        ("&emsp;Standard error", "harrell.se"),
        ("Uno’s C", "uno"),
        ("Integrated Brier score", "integrated_brier"),
        ("&emsp;Fall against Kaplan-Meier, %", "gain"),
    )
    measures = list(plain)
    for index, month in enumerate(analysis.landmarks_months):
        at = f"at {num(f'config.models.kaplan_meier.landmarks_months.{index}')} months"
        measures += [(f"Brier score {at}", f"brier_{month:g}m"), (f"AUC {at}", f"auc_{month:g}m")]
    for label, measure in measures:
        keys = [f"forest.{endpoint}.cv.{model}.{measure}" for model in _MODELS]
        if any(is_estimated(numbers, key) for key in keys):
            yield (label, *(_cell(numbers, key) for key in keys))


def _cell(numbers: Numbers, key: str) -> str:
    if not is_estimated(numbers, key):
        return ABSENT
    if f"{key}.low" not in numbers:
        return num(key)
    # A dash beside a minus sign is hard to read.
    between = " to " if _value(numbers, f"{key}.low") < 0 else "–"
    return f"{num(key)} ({num(f'{key}.low')}{between}{num(f'{key}.high')})"


def _not_made(numbers: Numbers, endpoints: Sequence[str]) -> Iterator[str]:
    """Say of a model without any estimate why it has none."""
    for endpoint in endpoints:
        for model in ("forest", "cox"):
            key = f"forest.{endpoint}.cv.{model}.harrell"
            if not is_estimated(numbers, key) and f"{key}.reason" in numbers:
                reason = num(f"{key}.reason")
                yield f"{_label(endpoint)}, {_MODELS[model]}: not estimable, because {reason}."


def _unscored(numbers: Numbers, analysis: Analysis, endpoints: Sequence[str]) -> str:
    """Landmarks without rows where the others have some, and why."""
    reasons: dict[str, str] = {}
    for endpoint in endpoints:
        made = is_estimated(numbers, f"forest.{endpoint}.cv.forest.harrell")
        for month in analysis.landmarks_months:
            key = f"forest.{endpoint}.cv.forest.brier_{month:g}m"
            if made and not is_estimated(numbers, key) and f"{key}.reason" in numbers:
                reasons.setdefault(str(numbers[key]["reason"]), num(f"{key}.reason"))
    if not reasons:
        return ""
    return f"A time without rows is not scored, because {' or '.join(reasons.values())}."


# --- what the data carry ------------------------------------------------------------------

_ASKED = {
    "regression": ("Events per candidate, for a Cox model", "capacity.events_per_candidate"),
    "forest": ("Events per candidate, for a forest", "capacity.events_per_candidate"),
    "validation": ("Events, for a validation", "events"),
    "calibration": ("Patients, for calibration", "patients"),
    "optimism": ("Patients, for optimism", "patients"),
}


def _capacity(cohort: CohortSettings, endpoints: Sequence[str]) -> tuple[str, str] | None:
    def present(name: str) -> list[str]:
        return [num(f"forest.{endpoint}.{name}") for endpoint in endpoints]

    rows: list[Row] = [("Candidate covariates", "", *present("candidates"))]
    for demand, (label, name) in _ASKED.items():
        met = present(f"capacity.{demand}.met")
        cells = [f"{here} ({says})" for here, says in zip(present(name), met, strict=True)]
        rows.append((label, num(f"{_THRESHOLDS}.{DEMANDS[demand]}"), *cells))
    caption = (
        "What is asked of the data, what there is of it in the complete cases of each endpoint, "
        "and whether it is enough.",
        "Events per candidate: per covariate that is offered to a model, chosen or not.",
    )
    header = ("", "At least", *(_label(endpoint) for endpoint in endpoints))
    layout = Layout("forest_capacity", header, (36, 10, *[18] * len(endpoints)))
    return table_div(layout, rows, caption, cohort)


def _capacity_words(numbers: Numbers, endpoints: Sequence[str]) -> Iterator[str]:
    asked = {demand: num(f"{_THRESHOLDS}.{name}") for demand, name in DEMANDS.items()}
    yield (
        f"A Cox model asks for at least {asked['regression']} events per candidate covariate "
        f"[@peduzzi1995]: {_met(numbers, endpoints, 'regression')}."
    )
    short = [e for e in endpoints if not _meets(numbers, e, "regression")]
    if short:
        carried = [
            f"{num(f'forest.{e}.capacity.covariates')} of the {num(f'forest.{e}.candidates')} "
            f"candidates for {_label_lower(e)}"
            for e in short
        ]
        yield f"By that rule the events carry {listed(carried)}."
    yield (
        f"In simulations a forest was still optimistic with {asked['forest']} events per candidate "
        f"covariate [@vanderploeg2014]: {_met(numbers, endpoints, 'forest')}."
    )
    yield (
        f"A validation asks for {asked['validation']} events [@vergouwe2005]: "
        f"{_met(numbers, endpoints, 'validation')}."
    )
    yield (
        f"We estimate calibration with at least {asked['calibration']} patients "
        f"({_met(numbers, endpoints, 'calibration')}), and optimism with at least "
        f"{asked['optimism']} patients ({_met(numbers, endpoints, 'optimism')})."
    )
    if not any(_meets(numbers, e, "forest") for e in endpoints):
        only = _claim("describe these data", "capacity_describes", "forest")
        yield (
            f"So the forests {only}. They are no means of predicting another patient’s course, "
            "and a covariate that they do not use is not shown to be without effect."
        )


def _meets(numbers: Numbers, endpoint: str, demand: str) -> bool:
    return bool(numbers[f"forest.{endpoint}.capacity.{demand}.met"]["value"] == "yes")


def _met(numbers: Numbers, endpoints: Sequence[str], demand: str) -> str:
    """Which endpoints have as much as is asked."""
    met = {endpoint: _meets(numbers, endpoint, demand) for endpoint in endpoints}
    if not any(met.values()):
        return _claim("no endpoint has them", "capacity_none", demand)
    if all(met.values()):
        return _claim("every endpoint has them", "capacity_every", demand)
    told = {True: ("has them", "capacity_met"), False: ("has not", "capacity_unmet")}
    return listed(
        [
            f"{_label_lower(endpoint)} {_claim(*told[has], f'{endpoint}.capacity.{demand}')}"
            for endpoint, has in met.items()
        ]
    )


# --- what the forests say -----------------------------------------------------------------


def _words(numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoint: str) -> str:
    """Paragraph on one endpoint's forest."""
    key = f"forest.{endpoint}"
    if not is_estimated(numbers, f"{key}.concordance"):
        reason = num(f"{key}.concordance.reason")
        return f"For {_label_lower(endpoint)} no forest was grown, because {reason}."
    grown = (
        f"For {_label_lower(endpoint)} tuning on all patients chose leaves of at least "
        f"{num(f'{key}.tuned.min_samples_leaf')} with {num(f'{key}.tuned.max_features')} tried at "
        f"each split; the out-of-bag concordance was {num(f'{key}.concordance')} (standard error "
        f"{num(f'{key}.concordance.se')}), {num(f'{key}.untuned.concordance')} without tuning."
    )
    if not is_estimated(numbers, f"{key}.cv.forest.harrell"):
        reason = num(f"{key}.cv.forest.harrell.reason")
        return f"{grown} It was not cross-validated, because {reason}."
    mattered = _mattered(numbers, analysis, endpoint)
    said = (grown, _ordered(numbers, key), _predicted(numbers, key), mattered)
    return of_the_drawn(cohort, " ".join(filter(None, said)))


def _ordered(numbers: Numbers, key: str) -> str:
    """How the forest orders patients it has not seen, beside Cox."""
    forest, cox = f"{key}.cv.forest.harrell", f"{key}.cv.cox.harrell"
    own = (
        f"In held-out patients Harrell’s C was {num(forest)} (standard error "
        f"{num(f'{forest}.se')}; {num('config.models.confidence_level')}% limits from that "
        f"standard error {_beside_chance(numbers, key)}"
    )
    if not is_estimated(numbers, cox):
        return f"{own}); the Cox model’s is not estimable, because {num(f'{cox}.reason')}."
    return f"{own}) and the Cox model’s {num(cox)}, {_apart(numbers, key)}."


def _beside_chance(numbers: Numbers, key: str) -> str:
    """Whether the forest's concordance lies beyond its standard error from chance."""
    forest = f"{key}.cv.forest.harrell"
    level = _value(numbers, "config.models.confidence_level")
    limit = NormalDist().inv_cdf((1 + level) / 2) * _value(numbers, f"{forest}.se")
    endpoint = key.removeprefix("forest.")
    if abs(_value(numbers, forest) - 0.5) > limit:
        return _claim("exclude one half", "forest_beyond_chance", endpoint)
    return _claim("include one half", "forest_at_chance", endpoint)


def _apart(numbers: Numbers, key: str) -> str:
    """How far the concordances of forest and Cox are apart, beside their standard errors."""
    keys = [f"{key}.cv.{model}.harrell" for model in ("forest", "cox")]
    gap = abs(_value(numbers, keys[0]) - _value(numbers, keys[1]))
    endpoint = key.removeprefix("forest.")
    if gap < min(_value(numbers, f"{k}.se") for k in keys):
        return _claim("a difference smaller than either standard error", "forest_close", endpoint)
    return _claim("a difference of at least the smaller standard error", "forest_apart", endpoint)


def _predicted(numbers: Numbers, key: str) -> str:
    """Whether the forest's predictions are better than those of no covariate."""
    forest, null = (f"{key}.cv.{model}.integrated_brier" for model in ("forest", "kaplan_meier"))
    gain = f"{key}.cv.forest.gain"
    if not is_estimated(numbers, gain):
        return ""
    if _value(numbers, f"{gain}.low") > 0:
        says = (
            "the covariates improved the prediction in nearly every repeat of the cross-validation",
            "forest_helped",
        )
    elif _value(numbers, f"{gain}.high") < 0:
        says = (
            "it predicted worse than that curve, which has no covariate, in nearly every repeat "
            "of the cross-validation",
            "forest_worse",
        )
    else:
        says = (
            "whether it predicts better than that curve, which has no covariate, depends on how "
            "the patients were split",
            "forest_undecided",
        )
    return (
        f"The forest’s integrated Brier score was {num(forest)}, that of the Kaplan-Meier curve "
        f"{num(null)}: {_claim(*says, key.removeprefix('forest.'))}."
    )


def _mattered(numbers: Numbers, analysis: Analysis, endpoint: str) -> str:
    """Covariates whose permutation lowered the concordance in nearly every repeat."""
    stems = {name: f"{endpoint}.cv.importance.{name}" for name in analysis.forest[endpoint]}
    known = {n: stem for n, stem in stems.items() if is_estimated(numbers, f"forest.{stem}")}
    found = {n: stem for n, stem in known.items() if _value(numbers, f"forest.{stem}.low") > 0}
    if not known:
        return ""
    if not found:
        none = "Permuting no covariate lowered the concordance in nearly every repeat"
        return f"{_claim(none, 'forest_none_costly', endpoint)}."
    falls = [
        f"{_claim('fell in nearly every repeat', 'forest_costly', stem)} when "
        f"{num(f'covariate.{name}.label')} was permuted, by {_cell(numbers, f'forest.{stem}')}"
        for name, stem in found.items()
    ]
    return f"The concordance {'; it '.join(falls)}."


# --- methods ------------------------------------------------------------------------------


def _grid(analysis: Analysis) -> tuple[str, str] | None:
    """Sentence with every point of the grid."""
    if analysis.forest_plan is None:
        return None
    by_tried: dict[str, list[str]] = {}
    for index, (_, tried) in enumerate(analysis.forest_plan.grid):
        leaf = num(f"{_CONFIG}.cross_validation.grid.{index}.min_samples_leaf")
        by_tried.setdefault(TRIED[str(tried)], []).append(leaf)
    points = [
        f"leaves of at least {' or '.join(leaves)} with {tried} tried at each split"
        for tried, leaves in by_tried.items()
    ]
    return "forest_grid", f"Tuning chose among {listed(points)}.\n"
