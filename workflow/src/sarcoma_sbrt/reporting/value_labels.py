"""Printed numbers in readers' words: what each is, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sarcoma_sbrt.evidence.published import Figure, shown_place

__all__ = [
    "label",
    "part",
    "place",
    "places",
    "prescription",
    "study_locator",
    "study_place",
    "wheres",
]

_ENDPOINTS = {
    "lc": "local control",
    "os": "overall survival",
    "pfs": "progression-free survival",
    "mfs": "metastasis-free survival",
    "dmfs": "distant metastasis-free survival",
    "dfs": "disease-free survival",
    "efs": "event-free survival",
    "lffs": "local failure-free survival",
    "ptv": "planning target volume",
    "follow_up": "follow-up",
    "isodose": "prescription isodose",
}
_GROUPS = {
    "number_single": "single lesion",
    "number_multiple": "multiple lesions",
    "grade_low": "low grade",
    "grade_high": "high grade",
    "doxorubicin_ifosfamide": "doxorubicin and ifosfamide",
    "gemcitabine_docetaxel": "gemcitabine and docetaxel",
    "size_gt5": "size above 5 cm",
}
# Units of classes whose slug ends in a bare number.
_CLASS_UNITS = {"size_class": "cm", "bed10_class": "Gy", "age": "years"}
_UPPERCASE = re.compile(
    r"\b(bed10|bed|eqd2|sbrt|nos|gtv|ctv|ptv|t2|vide|vai|ct|mri|usa|icer|qaly)\b", re.I
)
_NAMES = re.compile(r"\b(ewing|canada)\b")
_PRESCRIPTION = re.compile(r"(?:schedule )?(\d+)(?: (\d+))?gy (\d+)(?: (\d+))?fx")
_CONTRASTS = {"hazard_ratio": "hazard ratio", "odds_ratio": "odds ratio", "p_value": "p"}
_SENTENCES, _DASHED = re.compile(r"(\d)-(\d)"), r"\1–\2"


def label(figure: Figure) -> str:
    """What a printed number is: "Overall survival at 36 months, grade G2 and G3"."""
    endpoint = _ENDPOINTS.get(figure.endpoint) or _words(figure.endpoint)
    if figure.measure in _CONTRASTS:
        head = _contrast(figure, endpoint)
    elif figure.measure == "schedule":
        head = f"schedule {prescription(figure)}".strip()
    else:
        head = _with_category(_measured(figure, endpoint), figure)
    text = ", ".join([head, *(group for group in _groups(figure) if group not in head)])
    return f"{text[0].upper()}{text[1:]}"


def part(figure: Figure) -> str:
    """The part of a study that a number is of, in words; empty for the whole."""
    return ", ".join(_groups(figure))


def _groups(figure: Figure) -> list[str]:
    groups = [_GROUPS.get(group) or _words(group) for group in (figure.subgroup, figure.arm)]
    return list(dict.fromkeys(group for group in groups if group))


def _contrast(figure: Figure, endpoint: str) -> str:
    """A ratio or p with its model and covariate, or else with the groups that it compares."""
    test = "log-rank " if figure.estimator == "logrank" else ""
    what = f"{endpoint}, {_model(figure)}{test}{_CONTRASTS[figure.measure]}"
    if figure.category:
        return f"{what} of {_words(figure.category)}"
    return f"{what} of {figure.level} vs {figure.reference}" if figure.level else what


def _model(figure: Figure) -> str:
    return f"{figure.model.replace('_', ' ')} " if figure.model else ""


def _measured(figure: Figure, endpoint: str) -> str:
    """Endpoint with its time, or with what was measured of it."""
    if figure.time_months is not None and figure.measure in ("rate", "proportion"):
        return f"{endpoint} at {figure.time_months:g} months"
    if figure.measure in ("median", "mean", "range"):
        return f"{figure.measure} {'of ' if figure.measure == 'range' else ''}{endpoint}"
    if figure.endpoint in _ENDPOINTS and figure.estimator == "crude":
        return f"crude {endpoint}"
    return endpoint


def _with_category(head: str, figure: Figure) -> str:
    if not figure.category:
        return head
    category = _words(figure.category)
    if figure.endpoint.replace("_", " ") in category:
        return category
    unit = _CLASS_UNITS.get(figure.endpoint)
    if unit and category[-1].isdigit():
        category = f"{category} {unit}"
    return f"{head}, {category}"


def _words(slug: str) -> str:
    """A slug as words: ``acute_enteritis_g1_2`` is acute enteritis, G1–2."""
    text = slug.replace("_", " ")
    if found := _PRESCRIPTION.fullmatch(text):
        return _dose(*found.groups())
    text = re.sub(r"\bg([1-5]) ([1-5])\b", r"G\1–\2", text)
    text = re.sub(r"\bg([1-5])\b", r"G\1", text).replace("G2 G3", "G2 and G3")
    # A grade after the name of an event stands apart from it.
    text = re.sub(r"(?<=[a-z]{3}) (?=G\d)", ", ", text) if not text.startswith("grade") else text
    text = re.sub(r"(\d)(mm|cm|gy)\b", lambda m: f"{m[1]} {m[2].replace('gy', 'Gy')}", text)
    text = re.sub(r"(?<=\d )gy\b", "Gy", text)
    text = _UPPERCASE.sub(lambda m: m[0].upper(), text)
    return _NAMES.sub(lambda m: m[0].capitalize(), text)


def prescription(figure: Figure) -> str:
    """A prescription in one form, "50 Gy/4–5 fx"; empty without a dose."""
    if figure.dose_low_gy is None or figure.dose_high_gy is None:
        return ""
    fractions = (figure.fractions_low, figure.fractions_high)
    least, most = ("" if end is None else str(end) for end in fractions)
    return _dose(f"{figure.dose_low_gy:g}", f"{figure.dose_high_gy:g}", least, most)


def _dose(low: str, high: str | None, least: str, most: str | None) -> str:
    dose = f"{_range(low, high)} Gy"
    return f"{dose}/{_range(least, most)} fx" if least else dose


def _range(low: str, high: str | None) -> str:
    return low if high in (None, "", low) else f"{low}–{high}"


# --- places -------------------------------------------------------------------------------


def place(figure: Figure) -> str:
    """Locator without row, column and sentence: "Feng 2022, Table 1"."""
    return f"{_split(figure)[0]}, {_short(figure.place)}"


def _short(where: str) -> str:
    """Place without the heading of its part: ``results_survival`` is Results."""
    return shown_place(where).partition(",")[0]


def _split(figure: Figure) -> tuple[str, str]:
    paper, _, rest = figure.locator.partition(", ")
    return paper, rest


def places(figures: Iterable[Figure]) -> str:
    """Short places of several numbers, each paper named once."""
    return _by_paper((_split(figure)[0], _short(figure.place)) for figure in figures)


def wheres(figures: Iterable[Figure]) -> str:
    """Locators of several numbers, a paper not named again where the one before it is the same."""
    told: list[str] = []
    last = ""
    for figure in figures:
        paper, rest = _split(figure)
        text = rest if paper == last else figure.locator
        if figure.locator not in told and text not in told:
            told.append(text)
        last = paper
    return "; ".join(told)


def _by_paper(pairs: Iterable[tuple[str, str]]) -> str:
    by_paper: dict[str, dict[str, None]] = {}
    for paper, where in pairs:
        by_paper.setdefault(paper, {})[where] = None
    return "; ".join(f"{paper}, {_listed(list(where))}" for paper, where in by_paper.items())


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def study_locator(locator: str, papers: Mapping[str, str]) -> str:
    """A study's locator as readers write it.

    Parameters
    ----------
    locator : str
        As in ``studies.csv``: ``shah2021 section_4_1; shah2021 table_1 row Dhakal``. A part in
        another form is left as it is.
    papers : mapping
        Paper -> its label.
    """
    return "; ".join(_told(part, papers) for part in _parts(locator))


def study_place(locator: str, papers: Mapping[str, str]) -> str:
    """A study's locator without rows and sentences, each paper named once."""
    parts = _parts(locator)
    if not all(paper in papers and where for paper, where, _ in parts):
        return study_locator(locator, papers)
    return _by_paper(
        (papers[paper], _short(where) + (_through(detail) if detail.startswith("to ") else ""))
        for paper, where, detail in parts
    )


def _parts(locator: str) -> list[tuple[str, str, str]]:
    """Paper, place and what follows, of each part."""
    found = []
    for part in locator.split(";"):
        paper, _, rest = part.strip().partition(" ")
        where, _, detail = rest.partition(" ")
        found.append((paper, where, detail))
    return found


def _told(part: tuple[str, str, str], papers: Mapping[str, str]) -> str:
    paper, where, detail = part
    if paper not in papers or not where:
        return " ".join(filter(None, part))
    told = f"{papers[paper]}, {shown_place(where)}"
    if detail.startswith("to "):
        return told + _through(detail)
    if detail.startswith("row "):
        return f"{told}, row “{detail.removeprefix('row ')}”"
    return f"{told}, {_SENTENCES.sub(_DASHED, detail)}" if detail else told


def _through(detail: str) -> str:
    return f" to {shown_place(detail.removeprefix('to '))}"
