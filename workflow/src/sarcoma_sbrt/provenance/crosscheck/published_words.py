"""What a printed number is, in words, put together a second time from the cells of its row.

Cell by cell and word by word, where the first engine rewrites whole slugs by patterns; only the
vocabulary is the same, as it must be for the same words.
"""

from __future__ import annotations

from collections.abc import Sequence

from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure

__all__ = ["subject", "subject_of_several"]

_OUTCOMES = {
    **{"lc": "local control", "os": "overall survival", "ptv": "planning target volume"},
    **{"pfs": "progression-free survival", "mfs": "metastasis-free survival"},
    **{"dmfs": "distant metastasis-free survival", "dfs": "disease-free survival"},
    **{"efs": "event-free survival", "lffs": "local failure-free survival"},
    **{"follow_up": "follow-up", "isodose": "prescription isodose"},
}
_PARTS = {
    **{"number_single": "single lesion", "number_multiple": "multiple lesions"},
    **{"grade_low": "low grade", "grade_high": "high grade", "size_gt5": "size above 5 cm"},
    "doxorubicin_ifosfamide": "doxorubicin and ifosfamide",
    "gemcitabine_docetaxel": "gemcitabine and docetaxel",
}
_CONTRASTS = {"hazard_ratio": "hazard ratio", "odds_ratio": "odds ratio", "p_value": "p"}
_CLASSES = {"size_class": "cm", "bed10_class": "Gy", "age": "years"}
_UNITS = {"mm": "mm", "cm": "cm", "gy": "Gy"}
_CAPITALS = (
    *("bed10", "bed", "eqd2", "sbrt", "gtv", "ctv", "ptv", "ct", "mri"),
    *("nos", "t2", "vide", "vai", "usa", "icer", "qaly"),
)
_DOSES, _FRACTIONS = ("dose_low_gy", "dose_high_gy"), ("fractions_low", "fractions_high")
_NAMES = ("ewing", "canada")
_GRADES = ("g1", "g2", "g3", "g4", "g5")


def subject(figure: Figure) -> str:
    """What the number of a row is: "Overall survival at 36 months, grade G2 and G3"."""
    head = _head(figure, _OUTCOMES.get(figure["endpoint"]) or _words(figure["endpoint"]))
    parts = [_PARTS.get(cell) or _words(cell) for cell in (figure["subgroup"], figure["arm"])]
    said = [head, *(part for part in dict.fromkeys(parts) if part and part not in head)]
    text = ", ".join(said)
    return text[:1].upper() + text[1:]


def subject_of_several(check: str, figures: Sequence[Figure]) -> str:
    """What a finding is about: its first row, with the split of a total or a curve's times."""
    first, told = figures[0], subject(figures[0])
    splits = {figure["partition"] for figure in figures[1:]} - {""}
    if check == "subtotal" and len(splits) == 1:
        return f"{told} by {splits.pop().replace('_', ' ')}"
    if check not in ("landmark", "pooled_landmark") or not first["time_months"]:
        return told
    curve = [f for f in figures if f.same(first, "measure", "endpoint", "subgroup", "arm")]
    times = sorted({float(f["time_months"]) for f in curve if f["time_months"]} - {0.0})
    *before, last = [f"{time:g}" for time in times]
    listed = f"{', '.join(before)} and {last}" if before else last
    return told.replace(_at(first), f" at {listed} months")


def _at(figure: Figure) -> str:
    return f" at {figure.number('time_months'):g} months" if figure["time_months"] else ""


def _head(figure: Figure, outcome: str) -> str:
    measure, category = figure["measure"], _words(figure["category"])
    if measure in _CONTRASTS:
        test = "log-rank " * (figure["estimator"] == "logrank")
        model = f"{figure['model'].replace('_', ' ')} ".lstrip()
        sides = f"{figure['level']} vs {figure['reference']}" if figure["level"] else ""
        of = category or sides
        return f"{outcome}, {model}{test}{_CONTRASTS[measure]}{f' of {of}' if of else ''}"
    if measure == "schedule":
        doses = [f"{float(figure[end]):g}" for end in _DOSES if figure[end]]
        fractions = [figure[end] for end in _FRACTIONS if figure[end]]
        return f"schedule {_dose(doses, fractions)}" if len(doses) == len(_DOSES) else "schedule"
    if figure["time_months"] and measure in ("rate", "proportion"):
        outcome += _at(figure)
    elif measure in ("median", "mean", "range"):
        outcome = f"{measure} {'of ' * (measure == 'range')}{outcome}"
    elif figure["estimator"] == "crude" and figure["endpoint"] in _OUTCOMES:
        outcome = f"crude {outcome}"
    if not category or figure["endpoint"].replace("_", " ") in category:
        return category or outcome
    unit = _CLASSES.get(figure["endpoint"], "") if category[-1].isdigit() else ""
    return f"{outcome}, {category} {unit}".rstrip()


def _dose(doses: Sequence[str], fractions: Sequence[str]) -> str:
    dose, parts = ("–".join(dict.fromkeys(ends)) for ends in (doses, fractions))
    return f"{dose} Gy/{parts} fx" if parts else f"{dose} Gy"


def _words(cell: str) -> str:
    """The words of a cell such as ``acute_enteritis_g1_2``: acute enteritis, G1–2."""
    words = cell.split("_")
    if numbers := _prescribed(words):
        return _dose(*numbers)
    told = ""
    for before, word in zip(["", *words], words, strict=False):
        space = " " if told else ""
        if word in _GRADES and words[0] != "grade" and before[-3:].isalpha() and before[2:]:
            space = ", "
        if before in _GRADES and word in tuple("12345"):
            space = "–"
        if (before, word) == ("g2", "g3"):
            space = " and "
        told += space + _word(before, word)
    return told


def _word(before: str, word: str) -> str:
    unit = word.lstrip("0123456789.")
    if unit in _UNITS and (word != unit or (unit == "gy" and before[-1:].isdigit())):
        return f"{word.removesuffix(unit)} {_UNITS[unit]}".strip()
    if word in _GRADES or word in _CAPITALS:
        return word.upper()
    return word.capitalize() if word in _NAMES else word


def _prescribed(words: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Doses and fractions of ``schedule_40_50gy_4_5fx``; None of other words."""
    own = list(words)[words[0] == "schedule" :]
    ends = [word[-2:] for word in own]
    bare = [word.removesuffix("gy").removesuffix("fx") for word in own]
    if "gy" not in ends or ends[-1] != "fx" or not all(word.isdigit() for word in bare):
        return None
    last = ends.index("gy") + 1
    return bare[:last], bare[last:]
