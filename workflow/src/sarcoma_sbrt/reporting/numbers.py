"""Numbers as they are printed: the one place where anything is rounded or put into words."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.schema import DAYS_PER_MONTH
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = [
    "ROUNDING",
    "TIME_TRANSFORMS",
    "TRANSFORMS",
    "Rounding",
    "capitalised",
    "computed_entries",
    "configured_entries",
    "is_estimated",
    "plan_entries",
    "printed",
    "support_of",
    "text_entry",
]

NOT_REACHED = "NR"
NOT_ESTIMABLE = "not estimable"
NOT_AVAILABLE = "not available"
MINUS = "\u2212"
# From here on the decimals of a float say nothing, and its digits are too many to read.
FIXED_BELOW = 1e6

# What is printed in place of a value, by the status that says why there is none.
LACKING = {
    "not_reached": NOT_REACHED,
    "not_estimable": NOT_ESTIMABLE,
    "not_available": NOT_AVAILABLE,
}

# From the strongest mark to the weakest: a statistic inherits the weakest it touches.
SUPPORT = ("printed", "inferred", "filler")


# What an abstract must say first, and a title block must not omit, of either kind of data.
LABEL_SENTENCES = {
    "reconstructed": (
        "These data are reconstructed from published statistics; they describe no patients."
    ),
    "observed": "These are records of patients, read as their centre keeps them.",
}
SUBTITLES = {
    "reconstructed": "A cohort reconstructed from published statistics; not patients",
    "observed": "An observed cohort",
}

TIME_ZERO = {
    "first_course": "first fraction of the first course",
    "diagnosis": "diagnosis of the primary",
}
# Units that a sentence states with the number, so that it reads when there is none.
STATED = {"p": "", "months": " months", "percent": "%"}
TIES = {"efron": "Efron’s", "breslow": "Breslow’s"}
# How a survival curve's confidence band is made, as it stands after "intervals".
TRANSFORMS = {
    "log-log": "by the log-log transform",
    "log": "by the log transform",
    "plain": "without a transform",
}

# What stands on the time axis of the test of proportional hazards, as it stands after "against".
TIME_TRANSFORMS = {
    "km": "one minus the Kaplan-Meier estimate",
    "rank": "the rank of time",
    "identity": "time itself",
    "log": "the logarithm of time",
}


@dataclass(frozen=True)
class Rounding:
    """Decimals of a unit; `trim` drops a fraction that is zero; `floor` is the least p printed."""

    digits: int
    trim: bool = False
    floor: float | None = None


ROUNDING: dict[str, Rounding] = {
    "count": Rounding(0),
    "percent": Rounding(1),
    "months": Rounding(1),
    "years": Rounding(1, trim=True),
    "Gy": Rounding(1, trim=True),
    "cm": Rounding(1),
    "ratio": Rounding(2),
    "hazard ratio": Rounding(3),
    "odds ratio": Rounding(3),
    "variance": Rounding(3),
    "concordance": Rounding(3),
    "importance": Rounding(3),
    "score": Rounding(3),
    "chi-square": Rounding(2),
    "p": Rounding(3, floor=0.001),
}


def printed(value: float | int | str, unit: str, digits: int | None = None) -> str:
    """Text of a value: rounded half up on its shortest decimal form, as readers round.

    Parameters
    ----------
    value : float, int or str
        Full precision; a text is printed as it stands.
    unit : str
        A key of `ROUNDING`, or ``text``.
    digits : int, optional
        Decimals in place of the unit's; the least p printed is one of the last of them.

    Notes
    -----
    What has decimals and comes to a million is printed with an exponent, as R prints it
    ("6.691e+19"): a limit of a hazard ratio where the data say next to nothing.
    """
    if isinstance(value, str):
        return value
    rule = ROUNDING[unit]
    if digits is not None:
        floor = None if rule.floor is None else 10.0**-digits
        rule = Rounding(digits, floor=floor)
    if rule.floor is not None and value < rule.floor:
        return f"<{rule.floor:g}"
    exact, exponent = Decimal(repr(value)), ""
    with localcontext(rounding=ROUND_HALF_UP):
        if isinstance(value, float) and abs(value) >= FIXED_BELOW:
            mantissa, power = f"{exact:.{rule.digits}e}".split("e")
            exact, exponent = Decimal(mantissa), f"e+{int(power):02d}"
        rounded = exact.quantize(Decimal(1).scaleb(-rule.digits))
    text = f"{abs(rounded):f}"
    if rule.trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if rounded < 0 else "") + text + exponent


def support_of(statistic: Statistic, cohort: CohortSettings) -> str:
    """Find the weakest support mark of the columns that a statistic depends on.

    What rests on published figures alone, or on printed counts that the configuration holds, is
    ``printed``. An observed cohort's numbers are all ``observed``. In a reconstructed one a
    column that its YAML does not mark is filler, and so is a statistic that names no column.
    """
    of_figures = statistic.columns and all(c.startswith("published.") for c in statistic.columns)
    if of_figures or "config" in statistic.rows:
        return "printed"
    if cohort.kind == "observed":
        return "observed"
    marks = [_mark(cohort.support.get(c, "filler"), statistic.joint) for c in statistic.columns]
    return max(marks, key=SUPPORT.index, default="filler")


def _mark(mark: str | Mapping[str, str], joint: bool) -> str:
    if isinstance(mark, str):
        return mark
    return mark["joint" if joint else "alone"]


def computed_entries(
    statistics: Iterable[tuple[str, Statistic]], cohort: CohortSettings
) -> dict[str, dict[str, Any]]:
    """Registry entries of computed statistics.

    Beside its own key a statistic gives ``<key>.low`` and ``<key>.high`` (an interval's
    limits), ``<key>.stated`` (a p with its relation, "= 0.016" or "< 0.001"; a time with its
    unit, "24.0 months" or "not reached"; a rate with its sign, "53.0%" or "not estimable") and
    ``<key>.reason`` (why there is no value).

    Parameters
    ----------
    statistics : iterable of (str, Statistic)
        Stage and statistic.
    cohort : CohortSettings
        Decides the support mark.
    """
    entries: dict[str, dict[str, Any]] = {}
    for stage, statistic in statistics:
        base = _base(statistic, stage, support_of(statistic, cohort))
        entries[statistic.key] = base | {
            "value": statistic.value,
            "text": _text(statistic),
            "digits": _digits(statistic),
        }
        for suffix, value, text in _companions(statistic):
            entries[f"{statistic.key}.{suffix}"] = base | {
                "key": f"{statistic.key}.{suffix}",
                "value": value,
                "text": text,
                "digits": _digits(statistic),
                "ci": None,
                "of": statistic.key,
            }
            if suffix in ("low", "high"):
                entries[f"{statistic.key}.{suffix}"] |= _limit_status(statistic, value)
    return entries


def _limit_status(statistic: Statistic, value: float | str | None) -> dict[str, str]:
    """Status of a limit where it is not its statistic's: either may be reached alone."""
    if (value is None) == (statistic.value is None):
        return {}
    if value is not None:
        return {"status": "estimated", "reason": ""}
    return {"status": "not_reached", "reason": "the confidence band does not come to it"}


def capitalised(text: str) -> str:
    """Text with a capital first letter, the rest as it is (``BED10`` too)."""
    return text[:1].upper() + text[1:]


def is_estimated(numbers: Mapping[str, Mapping[str, Any]], key: str) -> bool:
    """Whether the number is in the registry and has a value."""
    return key in numbers and numbers[key]["status"] == "estimated"


def _base(statistic: Statistic, stage: str, support: str) -> dict[str, Any]:
    record = asdict(statistic) | {"columns": list(statistic.columns)}
    return record | {"kind": "computed", "source": stage, "support": support}


def _text(statistic: Statistic) -> str:
    if statistic.value is not None:
        return printed(statistic.value, statistic.unit, statistic.digits)
    return LACKING[statistic.status]


def _digits(statistic: Statistic) -> int | None:
    if statistic.digits is not None or statistic.unit not in ROUNDING:
        return statistic.digits
    return ROUNDING[statistic.unit].digits


def _companions(statistic: Statistic) -> list[tuple[str, float | str | None, str]]:
    """(suffix, value, text) of the entries that accompany a statistic's own."""
    companions: list[tuple[str, float | str | None, str]] = []
    if statistic.ci is not None:
        for suffix, limit in (("low", statistic.ci.low), ("high", statistic.ci.high)):
            text = NOT_REACHED if limit is None else printed(limit, statistic.unit)
            companions.append((suffix, limit, text))
    if statistic.unit in STATED:
        companions.append(("stated", statistic.value, _stated(statistic)))
    if statistic.reason:
        companions.append(("reason", statistic.reason, statistic.reason))
    return companions


def _stated(statistic: Statistic) -> str:
    """How a sentence says it: a p with its relation, a time with its unit or why there is none."""
    text = _text(statistic)
    if statistic.value is None:
        return "not reached" if statistic.status == "not_reached" else text
    if statistic.unit in ("months", "percent"):
        return text + STATED[statistic.unit]
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"


def configured_entries(configuration: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Registry entries of every scalar of the configuration, as ``config.<path>``.

    A list's items are numbered from 0. What is null prints as "none"; a confidence level
    prints as a percentage.
    """
    entries = {}
    for path, value in _scalars("config", configuration):
        entries[path] = _configured(path, value)
    return entries


def _scalars(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _scalars(f"{path}.{key}", item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _scalars(f"{path}.{index}", item)
    else:
        yield path, value


def _configured(path: str, value: Any) -> dict[str, Any]:
    if isinstance(value, datetime.date):
        value = value.isoformat()
    return text_entry(path, _configured_text(path, value), "configured") | {
        "value": value,
        "unit": "text" if isinstance(value, str) else "constant",
        "config": [path.removeprefix("config.")],
    }


def _configured_text(path: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if path.endswith("confidence_level"):
        return f"{Decimal(repr(value)) * 100:f}".rstrip("0").rstrip(".")
    return str(value)


def text_entry(key: str, text: str, kind: str) -> dict[str, Any]:
    """Registry entry of a text that the configuration decides (a label, a reason)."""
    return {
        "key": key,
        "value": text,
        "unit": "text",
        "text": text,
        "digits": None,
        "kind": kind,
        "method": "as configured",
        "population": {},
        "rows": {},
        "columns": [],
        "joint": False,
        "ci": None,
        "p": None,
        "n": None,
        "events": None,
        "status": "estimated",
        "reason": "",
        "source": "configuration",
        "support": None,
    }


def plan_entries(
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, dict[str, Any]]:
    """Registry entries of labels and of what the plan leaves out, as texts.

    Keys: ``cohort.title``, ``cohort.label``, ``cohort.time_zero``, ``method.<ties|transform>``,
    ``endpoint.<name>.label``, ``covariate.<name>.<label|level|reference|contrast>`` and
    ``left_out.<what>``.
    """
    texts = {
        "cohort.title": cohort.title,
        "cohort.label": cohort.label,
        "cohort.label_sentence": LABEL_SENTENCES[cohort.kind],
        "cohort.subtitle": SUBTITLES[cohort.kind],
        "cohort.source": cohort.source,
        "method.ties": TIES[analysis.ties],
        "method.time_transform": TIME_TRANSFORMS[analysis.diagnostics.transform],
        "method.time_cuts": " and ".join(
            f"{cut:g}" for cut in sorted(analysis.diagnostics.time_cuts_months)
        ),
        "method.transform": TRANSFORMS[analysis.transform],
        "cohort.time_zero": TIME_ZERO.get(cohort.time_zero, cohort.times.get("origin", "")),
    }
    for name, endpoint in endpoints.items():
        texts[f"endpoint.{name}.label"] = endpoint.label
        texts[f"endpoint.{name}.label_lower"] = endpoint.label.lower()
        texts[f"endpoint.{name}.progression_kinds"] = " or ".join(endpoint.progression_kinds)
    for name, covariate in analysis.covariates.items():
        texts[f"covariate.{name}.label"] = covariate.label
        texts[f"covariate.{name}.contrast"] = covariate.contrast
        if covariate.level is not None and covariate.reference is not None:
            texts[f"covariate.{name}.level"] = covariate.level.label
            texts[f"covariate.{name}.reference"] = covariate.reference.label
    for what, reason in analysis.left_out.items():
        texts[f"left_out.{what}"] = reason
    entries = {
        key: text_entry(key, text, "configured") | {"config": list(_set_by(key))}
        for key, text in texts.items()
        if text
    }
    days = text_entry("constant.days_per_year", f"{12 * DAYS_PER_MONTH:g}", "configured")
    return entries | {days["key"]: days} | _screening(cohort)


# Texts of the plan -> the settings, or blocks of settings, that they are made of.
_SET_BY = {
    "cohort.title": ("cohort.title",),
    "cohort.label": ("cohort.kind",),
    "cohort.label_sentence": ("cohort.kind",),
    "cohort.subtitle": ("cohort.kind",),
    "cohort.source": ("cohort.source",),
    "cohort.time_zero": ("cohort.time_zero", "cohort.times"),
    "method.ties": ("models.cox.ties",),
    "method.time_transform": ("models.diagnostics.transform",),
    "method.time_cuts": ("models.diagnostics.time_cuts_months",),
    "method.transform": ("models.kaplan_meier.transform",),
}
_SET_BLOCKS = {"endpoint": "endpoints.endpoints", "covariate": "models.covariates"}


def _set_by(key: str) -> tuple[str, ...]:
    """Settings that a text of the plan is made of; any of two files where more than one decides."""
    kind, _, rest = key.partition(".")
    if kind in _SET_BLOCKS:
        return (f"{_SET_BLOCKS[kind]}.{rest.partition('.')[0]}",)
    return _SET_BY.get(key, ("cohort", "models"))


def _screening(cohort: CohortSettings) -> dict[str, dict[str, Any]]:
    """Transcribed counts of a cohort's screening, each with where it is printed."""
    block = cohort.screening or {}
    entries = {}
    for name in ("reviewed", "enrolled"):
        if name in block:
            key = f"flow.screening.{name}"
            entries[key] = text_entry(key, printed(block[name], "count"), "transcribed") | {
                "value": block[name],
                "unit": "count",
                "method": "as the source prints it",
                "locator": block.get("locator", ""),
                "support": "printed",
                "config": [f"cohort.screening.{name}"],
            }
    return entries
