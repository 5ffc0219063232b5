"""Published rates a second time: which are compared, their pooled rates, their slope on dose.

From the cells of ``data/published`` alone, in plain Python and numpy: the between-series variance
is the root of the restricted likelihood's derivative, found by bisection, where the first engine
(pimeta) takes Fisher's scoring.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import PurePath
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second

__all__ = ["Fit", "random_effects", "recompute"]

ENGINE = "plain numpy"

Row = Mapping[str, str]
_Values = NDArray[np.float64]
_Named = Iterator[tuple[str, Second]]

_ACTUARIAL = ("kaplan_meier", "actuarial", "cumulative_incidence")
_BOUNDS = ("<", "<=", ">", ">=")
_NOT_THE_TIME = "the text does not support the time"
_ROLES = {
    "same_cohort": "another publication of the cohort stands for it",
    "review": "it is a review",
    "case": "it is a case",
    "registry": "it is a registry",
}
_TREATMENTS = {
    "radiotherapy": "conventional radiotherapy",
    "sbrt": "stereotactic radiotherapy",
    "srs": "stereotactic radiotherapy",
    "sbrt_immunotherapy": "stereotactic radiotherapy with immunotherapy",
    "surgery": "surgery",
    "systemic": "systemic treatment",
    "mixed": "several treatments",
}
_DOSE_MONTHS, _LINE_STEPS, _STEP_GY = 24.0, 20, 10.0
_LEAST_POOLED, _LEAST_REGRESSED = 3, 4
_EQUAL = 1e-12


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage ``synthesis``, by key."""
    plan, tables = materials.plan, _tables(materials)
    origin = tables.studies.get(plan.cohort.derived_from or "", {})
    asked = plan.analysis.comparison
    compared = [
        (endpoint, float(month), _compared(tables, endpoint, month, origin))
        for endpoint, month in product(asked.endpoints, asked.times_months)
    ]
    found: dict[str, Second] = {}
    for endpoint, month, rates in compared:
        found |= dict(_series(rates, endpoint, month))
        found |= dict(_context(tables, endpoint, month))
        found |= dict(_pooled(rates, endpoint, month, plan.analysis.confidence_level))
    return found


# --- tables -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tables:
    """Cells of the studies by name, and of the figures that print their fact first."""

    studies: Mapping[str, Row]
    figures: Sequence[Row]
    alpha_beta: float
    level: float


def _tables(materials: Materials) -> _Tables:
    rows: dict[str, list[Row]] = {}
    for resource in materials.package["resources"]:
        path = resource["path"]
        file = next(f for f in materials.published if PurePath(f).as_posix().endswith(path))
        kind = {"papers": "papers", "studies": "studies"}.get(resource["name"], "figures")
        rows.setdefault(kind, []).extend(cells for _, cells in materials.published[file])
    studies = {row["study_id"]: row for row in rows["studies"]}
    plan = materials.plan
    return _Tables(
        studies,
        [f for f in rows["figures"] if f["study_id"] in studies and not f["duplicate_of"]],
        plan.alpha_beta_gy,
        plan.analysis.confidence_level,
    )


def _key(figure: Row) -> str:
    return figure.get("outcome_id") or figure["target_id"]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _cohort(study: Row) -> str:
    return study["cohort_id"] or study["study_id"]


# --- one rate -----------------------------------------------------------------------------


@dataclass
class _Rate:
    """What one figure says of its cohort at one time; `reason` why it is not pooled."""

    figure: Row
    study: Row
    rate: float
    n: int | None
    limits: tuple[float, float] | None = None
    half_limits: tuple[float, float] | None = None
    printed: bool = False
    effect: tuple[float, float] | None = None
    half_effect: tuple[float, float] | None = None
    ends: tuple[float, float] | None = None
    ends_from: str = ""
    central: float | None = None
    central_from: str = ""
    reason: str = ""

    @property
    def part(self) -> str:
        return self.figure["subgroup"] or self.figure["arm"]

    @property
    def crude(self) -> bool:
        return self.figure["estimator"] not in _ACTUARIAL

    @property
    def counts_at_any_time(self) -> bool:
        return self.reason in ("", _NOT_THE_TIME)


def _compared(tables: _Tables, endpoint: str, month: float, origin: Row) -> list[_Rate]:
    """One rate for each cohort, ordered by study."""
    asked = [
        _rated(figure, tables)
        for figure in tables.figures
        if (figure["unit"], figure["endpoint"], figure["measure"]) == ("percent", endpoint, "rate")
        and _number(figure["time_months"]) == month
        and figure["estimate"]
    ]
    for rate in asked:
        rate.reason = _reason(rate, tables, origin)
    _without_reviews(asked, tables)
    cohorts: dict[str, list[_Rate]] = {}
    for rate in asked:
        cohorts.setdefault(_cohort(rate.study), []).append(rate)
    chosen = [sorted(rates, key=lambda r: _rank(r, tables))[0] for rates in cohorts.values()]
    return sorted(chosen, key=lambda rate: rate.study["study_id"])


def _rated(figure: Row, tables: _Tables) -> _Rate:
    study = tables.studies[figure["study_id"]]
    unit = figure["unit_of_analysis"] or ("patient" if figure["endpoint"] == "os" else "")
    own = _whole(figure["n"]) if unit == "patient" else None
    rate = _Rate(figure, study, float(figure["estimate"]), own or _whole(study["patients"]))
    _add_interval(rate, tables.level)
    _add_dose(rate, tables)
    return rate


def _add_interval(rate: _Rate, level: float) -> None:
    """Printed limits, or Wald's on the logit scale from n; and what is pooled."""
    if rate.n:
        rate.effect, rate.half_effect = (_logit(rate.rate, size) for size in (rate.n, rate.n / 2))
    low, high = _number(rate.figure["ci_low"]), _number(rate.figure["ci_high"])
    if low is not None and high is not None:
        rate.limits, rate.printed = (low, high), True
        if 0 < low < high < 100 and 0 < rate.rate < 100:
            z = _z(_level(rate.figure))
            width = _log_odds(high) - _log_odds(low)
            rate.effect = rate.half_effect = (_log_odds(rate.rate), (width / (2 * z)) ** 2)
    elif rate.effect and rate.half_effect:
        rate.limits = _wald(rate.rate, rate.effect, level)
        rate.half_limits = _wald(rate.rate, rate.half_effect, level)


def _logit(rate: float, n: float) -> tuple[float, float]:
    """Logit of a rate and its variance 1 / a + 1 / b; half a patient more on each side at 0."""
    a, b = n * rate / 100, n - n * rate / 100
    if a <= 0 or b <= 0:
        a, b = a + 0.5, b + 0.5
    return math.log(a / b), 1 / a + 1 / b


def _log_odds(percent: float) -> float:
    return math.log(percent / (100 - percent))


def _wald(rate: float, effect: tuple[float, float], level: float) -> tuple[float, float]:
    reach = _z(level) * math.sqrt(effect[1])
    return min(_rate_of(effect[0] - reach), rate), max(_rate_of(effect[0] + reach), rate)


def _rate_of(logit: float) -> float:
    return 100 / (1 + math.exp(-logit))


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _level(figure: Row) -> float:
    return (_number(figure["ci_level"]) or 95) / 100


# --- dose ---------------------------------------------------------------------------------


def _add_dose(rate: _Rate, tables: _Tables) -> None:
    """BED as printed, else of the printed EQD2, else of the printed schedules."""
    printed = _printed_doses(rate.study, tables) if tables.alpha_beta == 10 else []
    for figure in printed:
        if figure["range_low"] and figure["range_high"]:
            low, high = (_as_bed(figure, figure[f"range_{side}"]) for side in ("low", "high"))
            rate.ends, rate.ends_from = (low, high), _SOURCES[figure["endpoint"]]
            break
    else:
        rate.ends = _scheduled(rate.study["schedules"], tables.alpha_beta)
        rate.ends_from = "printed schedules" if rate.ends else ""
    median = next((f for f in printed if f["measure"] == "median" and f["estimate"]), None)
    if median is not None:
        rate.central = _as_bed(median, median["estimate"])
        rate.central_from = _SOURCES[median["endpoint"]]
    elif rate.ends:
        rate.central = sum(rate.ends) / 2
        one = rate.ends[0] == rate.ends[1]
        rate.central_from = "the one printed schedule" if one else "middle of the range"


_SOURCES = {"bed10": "printed BED10", "eqd2": "printed EQD2, converted"}


def _printed_doses(study: Row, tables: _Tables) -> list[Row]:
    """Medians and ranges of the whole series, BED first, then medians."""
    found = [
        f
        for f in tables.figures
        if (f["study_id"], f["unit"], f["subgroup"], f["arm"]) == (study["study_id"], "Gy", "", "")
        and f["measure"] in ("median", "range")
        and f["endpoint"] in _SOURCES
    ]
    return sorted(found, key=lambda f: (f["endpoint"] == "eqd2", f["measure"] == "range"))


def _as_bed(figure: Row, text: str) -> float:
    """EQD2 (1 + 2 / (alpha/beta)) at the alpha/beta of 10 Gy that papers print it at."""
    return float(text) * 1.2 if figure["endpoint"] == "eqd2" else float(text)


def _scheduled(text: str, alpha_beta: float) -> tuple[float, float] | None:
    """Least dose in the most fractions to most dose in the fewest, of ``30-60/3-8|50/5``."""
    least, most = [], []
    for schedule in filter(None, (part.strip() for part in text.split("|"))):
        doses, fractions = ([float(end) for end in side.split("-")] for side in schedule.split("/"))
        least.append(doses[0] + doses[0] ** 2 / fractions[-1] / alpha_beta)
        most.append(doses[-1] + doses[-1] ** 2 / fractions[0] / alpha_beta)
    return (min(least), max(most)) if least else None


# --- which rate is pooled -----------------------------------------------------------------


def _reason(rate: _Rate, tables: _Tables, origin: Row) -> str:
    """First of what speaks against pooling a rate."""
    role, figure = rate.study["role"], rate.figure
    if _stood_for(rate, tables):
        return _ROLES["same_cohort"]
    if role not in ("sbrt_series", "same_cohort"):
        return _ROLES.get(role, "it is no series of stereotactic radiotherapy")
    if origin and _cohort(rate.study) == origin["cohort_id"]:
        return "the cohort under analysis was reconstructed from it"
    if rate.part:
        return "it is given for a part of the series only"
    if rate.crude:
        return "it is a crude share, not a rate at a time"
    if figure["relation"] in _BOUNDS:
        return "it is printed as a bound, not as a value"
    if rate.effect is None:
        return "neither an interval nor a number of patients is printed"
    return "" if figure["time_supported"] == "yes" else _NOT_THE_TIME


def _stood_for(rate: _Rate, tables: _Tables) -> bool:
    """Whether another study of the cohort speaks for it."""
    others = [s for s in tables.studies.values() if _cohort(s) == _cohort(rate.study)]
    return rate.study["role"] == "same_cohort" and {s["role"] for s in others} != {"same_cohort"}


def _without_reviews(rates: Sequence[_Rate], tables: _Tables) -> None:
    """Take out studies whose own members are pooled."""
    single = {
        _cohort(rate.study)
        for rate in rates
        if rate.counts_at_any_time and not rate.study["members"]
    }
    for rate in rates:
        names = (name.strip() for name in rate.study["members"].split(";"))
        members = {_cohort(tables.studies[name]) for name in names if name in tables.studies}
        if rate.counts_at_any_time and members & single:
            rate.reason = "its member series stand for themselves"


def _rank(rate: _Rate, tables: _Tables) -> tuple[Any, ...]:
    year = _whole(rate.study["title_year"]) or 0
    judged = (not rate.counts_at_any_time, bool(rate.reason), -year, not rate.printed)
    return (_stood_for(rate, tables), bool(rate.part), *judged, _key(rate.figure))


# --- series -------------------------------------------------------------------------------


def _series(rates: Sequence[_Rate], endpoint: str, month: float) -> _Named:
    for rate in rates:
        if rate.study["role"] != "sbrt_series":
            continue
        name = f"series.{rate.study['study_id']}"
        yield from _own_rate(f"{name}.{endpoint}.rate_{month:g}m", rate)
        yield f"{name}.site", Second(rate.study["site"], engine=ENGINE)
        yield from _own_dose(f"{name}.bed10", rate)


def _own_rate(key: str, rate: _Rate) -> _Named:
    low, high = rate.limits or (None, None)
    yield key, Second(rate.rate, low=low, high=high, engine=ENGINE, n=rate.n)
    if rate.n:
        yield f"{key}.n", Second(rate.n, engine=ENGINE)
    if rate.n and rate.half_limits:
        low, high = rate.half_limits
        yield f"{key}.half_n", Second(rate.rate, low=low, high=high, engine=ENGINE, n=rate.n)
    told = "printed" if rate.printed else "approximated"
    flags = {
        "unit_of_analysis": rate.figure["unit_of_analysis"],
        "interval": told if rate.limits else "",
        "supported": "yes" if rate.figure["time_supported"] == "yes" else "no",
        "crude": "yes" if rate.crude else "no",
        "excluded": rate.reason,
        "figure": _key(rate.figure),
    }
    yield from (
        (f"{key}.{name}", Second(text, engine=ENGINE)) for name, text in flags.items() if text
    )


def _own_dose(key: str, rate: _Rate) -> _Named:
    least, most = rate.ends or (None, None)
    values = {
        "least": least,
        "most": most,
        "central": rate.central,
        "ends": rate.ends_from or None,
        "source": rate.central_from or None,
    }
    for name, value in values.items():
        if value is not None:
            yield f"{key}.{name}", Second(value, engine=ENGINE)


# --- context ------------------------------------------------------------------------------


def _context(tables: _Tables, endpoint: str, month: float) -> _Named:
    """What reviews and other treatments of sarcoma reach, never pooled."""
    asked = [f for f in tables.figures if _is_context(f, tables, endpoint, month)]
    whole = {f["study_id"] for f in asked if not (f["subgroup"] or f["arm"])}
    chosen = [f for f in asked if not (f["subgroup"] or f["arm"]) or f["study_id"] not in whole]
    studies = [f["study_id"] for f in chosen]
    for figure in chosen:
        part = figure["subgroup"] or figure["arm"]
        several = f".{part}" if studies.count(figure["study_id"]) > 1 else ""
        key = f"context.{figure['study_id']}.{endpoint}{several}.rate_{month:g}m"
        yield from _context_rate(key, figure, tables.studies[figure["study_id"]])


def _is_context(figure: Row, tables: _Tables, endpoint: str, month: float) -> bool:
    study = tables.studies[figure["study_id"]]
    about = f" {study['population']} {study['histology']} "
    words = "".join(c if c.isalnum() or c == "_" else " " for c in about).casefold().split()
    of_sarcoma = "sarcoma" in about.casefold() or "sts" in words
    gives = (figure["measure"] == "rate" and figure["estimate"]) or (
        figure["measure"] == "range" and figure["range_low"] and figure["range_high"]
    )
    asked = (figure["unit"], figure["endpoint"], _number(figure["time_months"]))
    wanted = ("percent", endpoint, month)
    return study["role"] in ("context", "review") and of_sarcoma and bool(gives) and asked == wanted


def _context_rate(key: str, figure: Row, study: Row) -> _Named:
    interval = bool(figure["ci_low"] and figure["ci_high"])
    kind = "ci" if interval else "range"
    low, high = (_number(figure[f"{kind}_{side}"]) for side in ("low", "high"))
    rate = _number(figure["estimate"])
    if rate is not None:
        ends = {"low": low, "high": high} if interval else {}
        yield key, Second(rate, **ends, engine=ENGINE)
    elif low is not None and high is not None:
        yield key, Second(f"{low:g}–{high:g}", engine=ENGINE)
    if not interval and low is not None and high is not None:
        yield f"{key}.low", Second(low, engine=ENGINE)
        yield f"{key}.high", Second(high, engine=ENGINE)
    texts = {
        "kind": _kind(figure, study),
        "population": study["population"],
        "supported": "no" if figure["time_supported"] == "no" else "yes",
        "figure": _key(figure),
    }
    yield from (
        (f"{key}.{name}", Second(text, engine=ENGINE)) for name, text in texts.items() if text
    )


def _kind(figure: Row, study: Row) -> str:
    part = (figure["subgroup"] or figure["arm"]).replace("_", " ")
    words = [word.upper() if word in ("sbrt", "srs") else word for word in part.split(" ")]
    if study["role"] != "review":
        what = _TREATMENTS.get(study["treatment"], "treatment not said")
    else:
        what = "review, range over its series" if figure["measure"] == "range" else "review"
    about = "approximate" if figure["relation"] == "~" else ""
    bound = "a bound" if figure["relation"] in _BOUNDS else ""
    return ", ".join(filter(None, (what, " ".join(words), about, bound)))


# --- random effects -----------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A random-effects model of k effects on p columns.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    covariance : ndarray, shape (p, p)
        Not yet rescaled by Hartung and Knapp.
    scale : float
        Their weighted residual mean square, which may lie below 1.
    tau2, i2, q : float
        Variance between series; its share of the total in percent; Cochran's Q.
    degrees : int
        k - p.
    """

    coefficients: _Values
    covariance: _Values
    scale: float
    tau2: float
    i2: float
    q: float
    degrees: int

    def variance(self, *, plain: bool = False) -> _Values:
        """Covariance with the factor of Hartung and Knapp, not below 1 unless it is plain."""
        return self.covariance * (self.scale if plain else max(1.0, self.scale))


def random_effects(effect: _Values, variance: _Values, design: _Values) -> Fit:
    """Random-effects model, tau2 by restricted maximum likelihood.

    The derivative of the restricted log likelihood is (y'PPy - tr P) / 2 (Viechtbauer, J Educ
    Behav Stat 2005;30:261-293); tau2 is the root with the greatest likelihood, or 0.

    Parameters
    ----------
    effect, variance : ndarray, shape (k,)
        Effects and their sampling variances.
    design : ndarray, shape (k, p)
        Columns of the model, the first of ones.
    """
    degrees = len(effect) - design.shape[1]
    tau2 = _restricted(effect, variance, design)
    fixed = _projection(variance, design)
    typical = degrees / float(np.trace(fixed))
    weight = 1 / (variance + tau2)
    covariance: _Values = np.linalg.inv(design.T @ (weight[:, np.newaxis] * design)).astype(float)
    coefficients = covariance @ design.T @ (weight * effect)
    return Fit(
        coefficients=coefficients,
        covariance=covariance,
        scale=float(weight @ (effect - design @ coefficients) ** 2) / degrees,
        tau2=tau2,
        i2=100 * tau2 / (tau2 + typical),
        q=float(effect @ fixed @ effect),
        degrees=degrees,
    )


def _projection(variance: _Values, design: _Values) -> _Values:
    """W - WX (X'WX)^-1 X'W of weights that are inverse variances."""
    weighted = design / variance[:, np.newaxis]
    inner = np.linalg.solve(design.T @ weighted, weighted.T)
    return np.asarray(np.diag(1 / variance) - weighted @ inner)


def _restricted(effect: _Values, variance: _Values, design: _Values) -> float:
    def slope(tau2: float) -> float:
        p = _projection(variance + tau2, design)
        return float((p @ effect) @ (p @ effect) - np.trace(p))

    # No variance between series exceeds the spread of the effects by far.
    most = 100 * (float(np.ptp(effect)) ** 2 + float(variance.max()))
    tried = [(tau2, slope(tau2)) for tau2 in (0.0, *np.geomspace(1e-8 * most, most, 200).tolist())]
    turns = [(a, b) for (a, up), (b, down) in pairwise(tried) if up > 0 >= down]
    roots = [_bisected(slope, *turn) for turn in turns]
    found = [*roots, 0.0] if tried[0][1] <= 0 else roots
    return max(found, key=lambda tau2: _likelihood(effect, variance + tau2, design))


def _bisected(slope: Any, low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float(low + high) / 2


def _likelihood(effect: _Values, variance: _Values, design: _Values) -> float:
    """Restricted log likelihood, but for a constant."""
    inner = design.T @ (design / variance[:, np.newaxis])
    residual = float(effect @ _projection(variance, design) @ effect)
    logs = float(np.log(variance).sum()) + float(np.linalg.slogdet(inner)[1])
    return -(logs + residual) / 2


# --- pooled -------------------------------------------------------------------------------


def _pooled(rates: Sequence[_Rate], endpoint: str, month: float, level: float) -> _Named:
    every = [rate for rate in rates if rate.counts_at_any_time]
    sites = sorted({rate.study["site"] for rate in every} - {""})
    for site in ["all", *sites] if every else []:
        group = [rate for rate in every if site in ("all", rate.study["site"])]
        key = f"synthesis.{endpoint}.{site}.rate_{month:g}m"
        yield from _group(key, group, level, alone=site == "all")
    if endpoint == "lc" and month == _DOSE_MONTHS and rates:
        yield from _doses(f"synthesis.{endpoint}.dose", rates, level)


def _group(key: str, every: Sequence[_Rate], level: float, *, alone: bool) -> _Named:
    """All that pooling a group gives; all sites are no group beside the one that has them all."""
    main = [rate for rate in every if not rate.reason]
    fit = None if alone and _one_site(main) else _fit(main)
    yield from _counted(key, main, fit, level)
    wider = None if alone and _one_site(every) else _fit(every)
    yield from _counted(f"{key}.all_rows", every, wider, level, plain=True)
    if fit is None:
        return
    yield from _plain(key, fit, level)
    p = float(chi2.sf(fit.q, fit.degrees))
    yield f"{key}.q", Second(fit.q, p=p, engine=ENGINE)
    yield f"{key}.q.p", Second(p, p=p, engine=ENGINE)
    yield from _counted(f"{key}.half_n", main, _fit(main, half=True), level, plain=True)
    for left in main:
        rest = [rate for rate in main if rate is not left]
        name = f"{key}.leave_out.{left.study['study_id']}"
        yield from _counted(name, rest, _fit(rest), level)


def _one_site(rates: Sequence[_Rate]) -> bool:
    sites = {rate.study["site"] for rate in rates}
    return len(sites) == 1 and sites != {""}


def _fit(rates: Sequence[_Rate], *, half: bool = False) -> Fit | None:
    if len(rates) < _LEAST_POOLED:
        return None
    effect, variance = _effects(rates, half=half)
    if effect.max() - effect.min() < _EQUAL:
        return None
    return random_effects(effect, variance, np.ones((len(rates), 1)))


def _effects(rates: Sequence[_Rate], *, half: bool = False) -> tuple[_Values, _Values]:
    pairs = [(rate.half_effect if half else rate.effect) or (math.nan, math.nan) for rate in rates]
    effect, variance = np.array(pairs, dtype=float).T
    return effect, variance


def _counted(
    key: str, rates: Sequence[_Rate], fit: Fit | None, level: float, *, plain: bool = False
) -> _Named:
    yield f"{key}.k", Second(len(rates), engine=ENGINE)
    if fit is None:
        yield key, Second(None, engine=ENGINE)
        return
    yield from _estimate(key, fit, level, plain=False)
    if plain:
        yield from _plain(key, fit, level)


def _plain(key: str, fit: Fit, level: float) -> _Named:
    yield from _estimate(f"{key}.plain", fit, level, plain=True)


def _estimate(key: str, fit: Fit, level: float, *, plain: bool) -> _Named:
    """Pooled rate with its interval and where another such series is expected, and tau2, I2."""
    middle, variance = float(fit.coefficients[0]), float(fit.variance(plain=plain)[0, 0])
    t = float(student.ppf((1 + level) / 2, fit.degrees))
    for name, spread in ((key, variance), (f"{key}.prediction", variance + fit.tau2)):
        reach = t * math.sqrt(spread)
        low, high = _rate_of(middle - reach), _rate_of(middle + reach)
        yield name, Second(_rate_of(middle), low=low, high=high, engine=ENGINE)
    yield f"{key}.tau2", Second(fit.tau2, engine=ENGINE)
    yield f"{key}.i2", Second(fit.i2, engine=ENGINE)


# --- against dose -------------------------------------------------------------------------


def _doses(key: str, rates: Sequence[_Rate], level: float) -> _Named:
    main = [rate for rate in rates if not rate.reason]
    every = [rate for rate in rates if rate.counts_at_any_time]
    kinds = {"": main, ".mid_point": main, ".least": main, ".most": main, ".all_rows": every}
    for suffix, of in kinds.items():
        dosed = [(rate, gy) for rate in of if (gy := _dose(rate, suffix)) is not None]
        fit = _regressed(dosed)
        yield from _slope(f"{key}.slope{suffix}", dosed, fit, level)
        if suffix == "" and fit is not None:
            yield from _line(f"{key}.line", [gy for _, gy in dosed], fit, level)


def _dose(rate: _Rate, suffix: str) -> float | None:
    if suffix in ("", ".all_rows"):
        return rate.central
    if rate.ends is None:
        return None
    return {".least": rate.ends[0], ".most": rate.ends[1], ".mid_point": sum(rate.ends) / 2}[suffix]


_Dosed = Sequence[tuple[_Rate, float]]


def _design(doses: Sequence[float]) -> _Values:
    return np.column_stack([np.ones(len(doses)), np.array(doses) / _STEP_GY])


def _regressed(dosed: _Dosed) -> Fit | None:
    doses = [gy for _, gy in dosed]
    if len(dosed) < _LEAST_REGRESSED or len(set(doses)) == 1:
        return None
    return random_effects(*_effects([rate for rate, _ in dosed]), _design(doses))


def _slope(key: str, dosed: _Dosed, fit: Fit | None, level: float) -> _Named:
    yield f"{key}.k", Second(len(dosed), engine=ENGINE)
    if fit is None:
        yield from ((name, Second(None, engine=ENGINE)) for name in (key, f"{key}.p"))
        return
    slope, error = float(fit.coefficients[1]), math.sqrt(fit.variance()[1, 1])
    reach = float(student.ppf((1 + level) / 2, fit.degrees)) * error
    p = 2 * float(student.sf(abs(slope) / error, fit.degrees))
    ends = {"low": math.exp(slope - reach), "high": math.exp(slope + reach)}
    yield key, Second(math.exp(slope), **ends, p=p, engine=ENGINE)
    yield f"{key}.p", Second(p, p=p, engine=ENGINE)
    yield f"{key}.tau2", Second(fit.tau2, engine=ENGINE)
    yield f"{key}.i2", Second(fit.i2, engine=ENGINE)
    effect, variance = _effects([rate for rate, _ in dosed])
    around = random_effects(effect, variance, np.ones((len(dosed), 1))).tau2
    share = max(0.0, 100 * (1 - fit.tau2 / around)) if around > 0 else None
    yield f"{key}.r2", Second(share, engine=ENGINE)


def _line(key: str, doses: Sequence[float], fit: Fit, level: float) -> _Named:
    """The fitted line with its band from the least dose to the greatest."""
    t = float(student.ppf((1 + level) / 2, fit.degrees))
    for step, gy in enumerate(np.linspace(min(doses), max(doses), _LINE_STEPS + 1)):
        at = np.array([1.0, gy / _STEP_GY])
        middle, reach = float(at @ fit.coefficients), t * math.sqrt(at @ fit.variance() @ at)
        low, high = _rate_of(middle - reach), _rate_of(middle + reach)
        yield f"{key}.{step:02d}", Second(_rate_of(middle), low=low, high=high, engine=ENGINE)
        yield f"{key}.{step:02d}.bed10", Second(float(gy), engine=ENGINE)
