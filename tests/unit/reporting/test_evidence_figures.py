"""Figures of the comparison, drawn from a registry that the statistics of made-up studies fill."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Text

from sarcoma_sbrt.evidence.published import Figure as PrintedFigure
from sarcoma_sbrt.evidence.published import Published, Schedule, Study
from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    FILLER_NOTE,
    GREY,
    save_options,
    style,
    text_width,
)
from sarcoma_sbrt.reporting.evidence_figures import (
    CONTEXT,
    ECOLOGICAL,
    NO_OTHER,
    NOTHING_PUBLISHED,
    comparison_figure,
    dose_figure,
)
from sarcoma_sbrt.reporting.evidence_statistics import synthesis_statistics
from sarcoma_sbrt.reporting.evidence_tables import RATE_MARKS, evidence_tables
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import Analysis, CohortSettings, Comparison, EndpointSettings

OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
LC = replace(OS, name="lc", label="Local control", unit="lesion")
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(12.0, 24.0, 36.0),
    ties="efron",
    seed=1,
    trees=10,
    min_samples_leaf=3,
    permutation_repeats=2,
    covariates={},
    endpoints=("lc", "os"),
    strata={},
    univariable={},
    multivariable={},
    forest={},
    figures={},
    comparison=Comparison(("lc", "os"), (12, 24, 36)),
    left_out={},
)
OBSERVED = CohortSettings("small", "A small cohort", "observed", tables={}, times={})
RECONSTRUCTED = replace(
    OBSERVED,
    kind="reconstructed",
    derived_from="origin2022",
    support={"patients.patient_id": "printed", "progressions.kind": "filler"},
)
PRINTED, FILLER = ("patients.patient_id",), ("progressions.kind",)
LABEL = "Reconstructed from published statistics; not patients."

# --- made-up studies ------------------------------------------------------------------------

EMPTY: dict[str, Any] = dict.fromkeys(Study.__dataclass_fields__, "")


def study(study_id: str, site: str, gy: float | None, n: int, **given: Any) -> Study:
    values = {"study_id": study_id, "label": f"{study_id.capitalize()} et al."}
    values |= {"role": "sbrt_series", "site": site, "title_year": 2015, "members": ()}
    schedules = (Schedule(gy, gy, 5, 5),) if gy else ()
    return Study(**EMPTY | values | {"patients": n, "schedules": schedules} | given)


def rate(study_id: str, percent: float, months: int = 24, end: str = "lc", **given: Any) -> Any:
    values: dict[str, Any] = {
        "key": f"{study_id}.{end}.rate_{months}m",
        "study_id": study_id,
        "paper": "review2021",
        "place": "table_1",
        "row": study_id,
        "column": end,
        "measure": "rate",
        "endpoint": end,
        "unit": "percent",
        "unit_of_analysis": "lesion" if end == "lc" else "patient",
        "time_months": float(months),
        "time_supported": "yes",
        "estimate": percent,
        "estimator": "kaplan_meier",
    }
    return PrintedFigure(**values | given)


WIDE = (Schedule(30, 60, 3, 8),)
STUDIES = [
    study("origin2022", "mixed", 50, 37, label="Origin et al. 2022", schedules=WIDE),
    study("alpha", "lung", 40, 30),
    study("beta", "lung", 45, 25),
    study("gamma", "lung", 50, 40),
    study("delta", "lung", 60, 20),
    study("epsilon", "spine", None, 50),
    study("zeta", "brain", 30, 60),
    study(
        "eta", "bone", 35, 15, schedules=WIDE, label="Eta et al. 2019, children and young adults"
    ),
    study("theta", "liver_and_pancreas", 48, 12),
    study("iota", "primary", None, 0, role="context", population="sarcoma", treatment="surgery"),
    study("kappa", "lung", None, 0, role="review", population="sarcoma", treatment="mixed"),
]
MEDIAN = {"measure": "median", "unit": "Gy", "time_months": None}
SPREAD = {"range_low": 60.0, "range_high": 80.0}
CONTEXTS = [
    rate("iota", 47.0, estimator="actuarial", printed_text="47"),
    rate(
        "kappa",
        0.0,
        key="kappa.lc.range_24m",
        measure="range",
        estimate=None,
        range_low=81.0,
        range_high=97.5,
        printed_range="81 to 97.5",
    ),
]
FIGURES = [
    rate("origin2022", 58.0),
    rate("origin2022", 46.0, 36),
    rate("alpha", 70.0),
    rate("beta", 88.0, ci_low=76.0, ci_high=94.5, ci_level=95.0),
    rate("gamma", 85.0),
    rate("delta", 95.0, time_supported="no"),
    rate("epsilon", 91.0, unit_of_analysis=""),
    rate("zeta", 76.0, estimator="crude"),
    rate("eta", 84.0, ci_low=70.0, ci_high=93.0, ci_level=90.0),
    rate("theta", 86.0),
    rate("theta", 70.0, key="theta.eqd2.median", endpoint="eqd2", **MEDIAN, **SPREAD),
    rate("origin2022", 77.0, key="origin2022.bed10.median", endpoint="bed10", **MEDIAN),
    *CONTEXTS,
    *(rate(s, 90.0 + i, 12) for i, s in enumerate(("alpha", "beta", "gamma", "epsilon"))),
    rate("alpha", 66.0, 12, "os"),
    rate("epsilon", 40.0, 12, "os"),
]
COHORT = [
    Statistic("cohort.patients", 37, "count", "count", PRINTED),
    Statistic("dose.bed10.median", 85.5, "Gy", "median", PRINTED),
    Statistic("dose.bed10.min", 51.3, "Gy", "minimum", PRINTED),
    Statistic("dose.bed10.max", 187.5, "Gy", "maximum", PRINTED),
]


def own(months: int, percent: float, columns: tuple[str, ...] = PRINTED) -> Statistic:
    ci = Interval(percent - 20, percent + 18, 0.95, "log-log")
    return Statistic(f"lc.rate_{months}m", percent, "percent", "KM", columns, ci=ci)


def registry(
    cohort: CohortSettings = RECONSTRUCTED,
    figures: list[PrintedFigure] = FIGURES,
    extra: tuple[Statistic, ...] = (own(12, 71), own(24, 53), own(36, 30)),
    of: list[Study] = STUDIES,
) -> dict[str, dict[str, Any]]:
    """Registry as the workflow makes it, of the made-up studies and a cohort."""
    studies = {s.study_id: s for s in of}
    origin = (cohort.derived_from,) if cohort.derived_from else ()
    found = synthesis_statistics(
        figures, studies, alpha_beta=10.0, level=0.95, excluded_cohorts=origin
    )
    numbers = computed_entries([("stage", s) for s in (*found, *COHORT, *extra)], cohort)
    units = {"endpoints": {"lc": {"unit": "lesion"}, "os": {"unit": "patient"}}}
    numbers |= configured_entries({"models": {"confidence_level": 0.95}, "endpoints": units})
    numbers |= plan_entries(ANALYSIS, cohort, {"lc": LC, "os": OS})
    return numbers | published_entries(Published(studies, {f.key: f for f in figures}))


NUMBERS = registry()


def texts(figure: Figure) -> list[Text]:
    """Every text that shows; not those of an axis that is off or beyond an axis's end."""
    unseen = {id(text) for axes in figure.axes for text in _unseen(axes)}
    found = figure.findobj(Text)
    return [t for t in found if t.get_visible() and t.get_text() and id(t) not in unseen]


def _unseen(axes: Axes) -> Iterator[Text]:
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not axes.axison or not low <= tick.get_loc() <= high:
                yield from tick.findobj(Text)


def words(figure: Figure) -> list[str]:
    return [t.get_text() for t in texts(figure)]


def row_of(figure: Figure, label: str, nth: int = 0) -> list[str]:
    """Texts of the line on which a label stands, from left to right."""
    found = [t for t in figure.texts if t.get_text() == label]
    y = found[nth].get_position()[1]
    row = [t for t in figure.texts if t.get_text() and t.get_position()[1] == pytest.approx(y)]
    return [t.get_text() for t in sorted(row, key=lambda t: t.get_position()[0])]


def drawn(figure: Figure, gid: str) -> Any:
    """The artist that draws a number."""
    (artist,) = (a for axes in figure.axes for a in axes.get_children() if a.get_gid() == gid)
    return artist


def gids(figure: Figure) -> set[str]:
    return {a.get_gid() for axes in figure.axes for a in axes.get_children() if a.get_gid()}


# --- rates side by side ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def local_control() -> Figure:
    return comparison_figure(NUMBERS, ANALYSIS, RECONSTRUCTED, "lc")


def test_panels_are_the_times_with_a_published_rate(local_control: Figure) -> None:
    titles = [w for w in words(local_control) if w.startswith("Local control at")]
    assert titles == [f"Local control at {m} months" for m in (12, 24, 36)]
    survival = words(comparison_figure(NUMBERS, ANALYSIS, RECONSTRUCTED, "os"))
    assert [w for w in survival if " at " in w] == ["Overall survival at 12 months"]


def test_rows_stand_under_their_site_the_highest_rate_first(local_control: Figure) -> None:
    shown = words(local_control)
    panel = shown[shown.index("Local control at 24 months") :]
    panel = panel[: panel.index("Local control at 36 months")]
    named = ("This", "Origin", "Lung", "Spine", "Brain", "Bone", "Mixed", "Liver", "Pool", "All")
    named += ("Context", "surgery", "review")
    rows = [w for w in panel if " et al." in w or w.startswith(named)]
    assert rows == [
        "This cohort (reconstructed)",
        "Origin et al. 2022",
        "Lung",
        "Delta et al.",
        "Beta et al.",
        "Gamma et al.",
        "Alpha et al.",
        "Pooled, k = 3, I² " + NUMBERS["synthesis.lc.lung.rate_24m.i2"]["text"] + "%",
        "Spine",
        "Epsilon et al.",
        "Brain",
        "Zeta et al.",
        "Bone",
        "Eta et al. 2019, children",
        "Liver and pancreas",
        "Theta et al.",
        "All sites, k = 6, I² " + NUMBERS["synthesis.lc.all.rate_24m.i2"]["text"] + "%",
        "Context, not pooled",
        "Iota et al.",
        "surgery",
        "Kappa et al.",
        "review, range over its series",
    ]


@pytest.mark.parametrize(
    ("label", "nth", "rest"),
    [
        ("This cohort (reconstructed)", 1, ["lesion", "37", "51.3–187.5", "53.0 (33.0–71.0)"]),
        ("Origin et al. 2022", 0, ["lesion", "37", "41.3–180", "58.0 (41.8–72.6)"]),
        ("Beta et al.", 1, ["lesion", "25", "85.5", "88.0 (76.0–94.5)"]),
        ("Delta et al.", 0, ["lesion", "20", "132", "95.0 (71.8–99.3)"]),
        ("Epsilon et al.", 1, ["–", "50", "–", "91.0 (79.3–96.4)"]),
        ("Zeta et al.", 0, ["lesion", "60", "48", "76.0 (63.7–85.1)"]),
        ("Eta et al. 2019, children", 0, ["lesion", "15", "41.3–180", "84.0 (70.0–93.0)"]),
        ("Theta et al.", 0, ["lesion", "12", "72–96", "86.0 (54.6–96.9)"]),
        ("Iota et al.", 0, ["–", "–", "–", "47"]),
        ("Kappa et al.", 0, ["–", "–", "–", "81–97.5"]),
    ],
)
def test_a_row_says_unit_patients_dose_and_rate(
    local_control: Figure, label: str, nth: int, rest: list[str]
) -> None:
    assert row_of(local_control, label, nth) == [label, *rest]


def beside(figure: Figure, text: str, nth: int = 0) -> str:
    """The raised letters that stand right of a text."""
    found = [t for t in figure.texts if t.get_text() == text]
    x, y = found[nth].get_position()
    height = figure.get_size_inches()[1]
    near = [
        t.get_text()
        for t in figure.texts
        if 0 < height * (t.get_position()[1] - y) < 0.05
        and t.get_position()[0] == pytest.approx(x + (text_width(text) + 0.02) / 7.0)
    ]
    return "".join(near)


LETTERS = {
    "origin2022": "ad",
    "alpha": "a",
    "beta": "",
    "gamma": "a",
    "delta": "ab",
    "epsilon": "a",
    "zeta": "ac",
    "eta": "e",
    "theta": "a",
}


def test_letters_stand_on_the_rate_and_the_targets_on_its_name(local_control: Figure) -> None:
    for name, letters in LETTERS.items():
        key = f"series.{name}.lc.rate_24m"
        ends = "–".join(NUMBERS[f"{key}.{end}"]["text"] for end in ("low", "high"))
        shown = beside(local_control, f"{NUMBERS[key]['text']} ({ends})")
        assert shown == ",".join(letters.replace("d", "")), name
    assert beside(local_control, "Origin et al. 2022") == "d"
    assert beside(local_control, "Gamma et al.", 1) == ""


def test_letters_are_those_of_the_table(local_control: Figure) -> None:
    table = evidence_tables(NUMBERS, ANALYSIS, RECONSTRUCTED)["comparison_lc"]
    block = table[table.index("24m") :] if "24m" in table else table
    for name, letters in LETTERS.items():
        label = f"published.{name}.label"
        (line,) = (w for w in block.splitlines() if label in w and f"{name}.lc.rate_24m" in w)
        assert sorted("".join(re.findall(r"\^([a-f,]+)\^", line)).replace(",", "")) == sorted(
            letters
        )
    said = " ".join(words(local_control)).replace("     ", " ")
    used = [says for mark, says in RATE_MARKS.items() if mark != "part"]
    for letter, says in zip("abcde", used, strict=True):
        assert f"{letter}:\u00a0{says}" in said, letter
    assert RATE_MARKS["part"] not in said


def test_a_part_of_a_series_and_an_unlettered_reason_are_named() -> None:
    figures = [
        rate("alpha", 70.0, subgroup="small"),
        rate("beta", 80.0),
        rate("gamma", 85.0),
    ]
    studies = [study("alpha", "lung", 40, 30), study("beta", "lung", 45, 25)]
    studies.append(study("gamma", "lung", 50, 40, members=("beta",)))
    figure = comparison_figure(registry(OBSERVED, figures, (), studies), ANALYSIS, OBSERVED, "lc")
    assert beside(figure, "70.0 (51.7–83.6)") == "a,b"
    said = " ".join(words(figure))
    assert "b:\u00a0Of a part of the series only." in said
    assert "Not pooled, because its member series stand for themselves: Gamma et al." in said
    assert "Not pooled, because it is given" not in said


def test_a_time_without_other_series_says_so(local_control: Figure) -> None:
    shown = words(local_control)
    assert shown.count(NO_OTHER) == 1
    assert shown.index(NO_OTHER) > shown.index("Local control at 36 months")
    survival = comparison_figure(NUMBERS, ANALYSIS, RECONSTRUCTED, "os")
    assert NO_OTHER not in words(survival)


def test_context_is_drawn_apart_and_in_grey(local_control: Figure) -> None:
    shown = words(local_control)
    assert shown.count(CONTEXT) == 1
    point = drawn(local_control, "context.iota.lc.rate_24m")
    assert (point.get_xdata()[0], point.get_marker(), point.get_color()) == (47, "x", GREY)
    spread = drawn(local_control, "context.kappa.lc.rate_24m.range")
    assert (list(spread.get_xdata()), spread.get_marker()) == ([81.0, 97.5], "|")
    assert "context.kappa.lc.rate_24m" not in gids(local_control)
    assert CONTEXT not in words(comparison_figure(NUMBERS, ANALYSIS, RECONSTRUCTED, "os"))


def test_context_alone_makes_a_panel() -> None:
    figure = comparison_figure(registry(figures=CONTEXTS), ANALYSIS, OBSERVED, "lc")
    shown = words(figure)
    assert [w for w in shown if w.startswith("Local control at")] == ["Local control at 24 months"]
    assert shown.index(NO_OTHER) < shown.index(CONTEXT) < shown.index("Iota et al.")


def test_a_prediction_interval_stands_below_the_pooled_rate(local_control: Figure) -> None:
    key = "synthesis.lc.all.rate_24m"
    low, high = (NUMBERS[f"{key}.prediction.{end}"]["text"] for end in ("low", "high"))
    (below,) = (t for t in local_control.texts if t.get_text() == f"95% PI {low}–{high}")
    ends = [NUMBERS[f"{key}.{end}"]["text"] for end in ("low", "high")]
    rate_text = f"{NUMBERS[key]['text']} ({ends[0]}–{ends[1]})"
    (above,) = (t for t in local_control.texts if t.get_text() == rate_text)
    assert below.get_position()[0] == above.get_position()[0]
    gap = (above.get_position()[1] - below.get_position()[1]) * local_control.get_size_inches()[1]
    assert gap == pytest.approx(0.15)
    assert not [w for w in words(local_control) if w.startswith("prediction ")][1:]


def test_where_tau2_is_0_the_prediction_interval_is_the_cis_and_is_not_drawn() -> None:
    alike = [rate(s, p) for s, p in (("alpha", 84.0), ("beta", 85.0), ("gamma", 86.0))]
    numbers = registry(figures=alike)
    key = "synthesis.lc.lung.rate_24m"
    assert numbers[f"{key}.tau2"]["text"] == "0.000"
    figure = comparison_figure(numbers, ANALYSIS, RECONSTRUCTED, "lc")
    said = "PI: prediction interval, for the rate of another such series"
    assert f"{said}; it equals the CI where τ² is 0." in words(figure)
    assert f"{key}.prediction" not in gids(figure)
    assert "prediction interval" not in words(figure)


def test_the_line_at_this_cohorts_rate_is_in_the_legend(local_control: Figure) -> None:
    line = drawn(local_control, "lc.rate_24m.line")
    assert (list(line.get_xdata()), line.get_color()) == ([53, 53], BLUE)
    dotted = [
        artist
        for axes in local_control.axes
        for artist in axes.lines
        if artist.get_linestyle() == ":" and not artist.get_gid()
    ]
    assert len(dotted) == 1
    assert dotted[0].get_xdata()[0] == dotted[0].get_xdata()[1]
    assert "its rate (line)" in words(local_control)


def test_a_printed_interval_is_solid_and_an_approximated_one_broken(local_control: Figure) -> None:
    beta, gamma = "series.beta.lc.rate_24m", "series.gamma.lc.rate_24m"
    for key, line, face in ((beta, "-", "#000000"), (gamma, "--", "#ffffff")):
        assert drawn(local_control, f"{key}.ci").get_linestyle() == line
        assert to_hex(drawn(local_control, key).get_markerfacecolor()) == face
    assert drawn(local_control, f"{beta}.ci").get_xdata() == pytest.approx([76.0, 94.5])
    assert f"{beta}.half_n" not in gids(local_control)


def test_half_of_n_reaches_beyond_both_ends(local_control: Figure) -> None:
    key = "series.gamma.lc.rate_24m"
    whole, half = NUMBERS[key]["ci"], NUMBERS[f"{key}.half_n"]["ci"]
    x = drawn(local_control, f"{key}.half_n").get_xdata()
    assert x[[0, 1, 3, 4]] == pytest.approx(
        [half["low"], whole["low"], whole["high"], half["high"]]
    )
    assert math.isnan(x[2])
    assert x[0] < x[1] < 85 < x[3] < x[4]


def test_marks_stand_at_their_rates(local_control: Figure) -> None:
    series = {
        k for k in NUMBERS if k.startswith("series.") and k.endswith(("_12m", "_24m", "_36m"))
    }
    local = {key for key in series if ".lc." in key}
    assert len(local) == 14
    for key in (*local, "lc.rate_12m", "lc.rate_24m", "lc.rate_36m"):
        assert drawn(local_control, key).get_xdata()[0] == NUMBERS[key]["value"]


def test_what_is_not_pooled_is_grey_and_this_cohort_and_its_target_blue(
    local_control: Figure,
) -> None:
    colours = {
        "series.delta.lc.rate_24m": GREY,
        "series.zeta.lc.rate_24m": GREY,
        "series.alpha.lc.rate_24m": "#000000",
        "series.eta.lc.rate_24m": "#000000",
        "series.origin2022.lc.rate_24m": BLUE,
        "lc.rate_24m": BLUE,
    }
    for key, colour in colours.items():
        assert drawn(local_control, key).get_color() == colour, key


def test_the_target_is_marked_and_is_none_of_the_series(local_control: Figure) -> None:
    assert [beside(local_control, "Origin et al. 2022", i) for i in range(2)] == ["d", "d"]
    assert NUMBERS["synthesis.lc.all.rate_24m.k"]["value"] == 6
    other = registry(OBSERVED)
    figure = comparison_figure(other, ANALYSIS, OBSERVED, "lc")
    assert beside(figure, "Origin et al. 2022") == ""
    shown = words(figure)
    assert RATE_MARKS["target"] not in " ".join(shown).replace("     ", " ")
    assert "Mixed" in shown
    assert "This cohort" in shown


def test_a_diamond_is_as_wide_as_the_interval(local_control: Figure) -> None:
    key = "synthesis.lc.lung.rate_24m"
    diamond = drawn(local_control, key)
    assert isinstance(diamond, Polygon)
    low, middle, high, _ = diamond.get_xy()[:4, 0]
    ci = NUMBERS[key]["ci"]
    assert (low, middle, high) == pytest.approx((ci["low"], NUMBERS[key]["value"], ci["high"]))
    reach = NUMBERS[f"{key}.prediction"]["ci"]
    line = drawn(local_control, f"{key}.prediction")
    assert line.get_xdata() == pytest.approx([reach["low"], reach["high"]])


def test_no_diamond_where_nothing_can_be_pooled(local_control: Figure) -> None:
    assert NUMBERS["synthesis.lc.spine.rate_24m"]["status"] == "not_estimable"
    assert "synthesis.lc.spine.rate_24m" not in gids(local_control)
    pooled = {gid for gid in gids(local_control) if gid.startswith("synthesis.")}
    assert {gid.removesuffix(".prediction") for gid in pooled} == {
        "synthesis.lc.lung.rate_12m",
        "synthesis.lc.all.rate_12m",
        "synthesis.lc.lung.rate_24m",
        "synthesis.lc.all.rate_24m",
    }


def test_what_one_site_has_all_of_is_pooled_once() -> None:
    lung = [f for f in FIGURES if f.study_id in ("alpha", "beta", "gamma")]
    numbers = registry(figures=lung)
    assert numbers["synthesis.lc.all.rate_24m"]["reason"].endswith("of one site: see lung")
    shown = words(comparison_figure(numbers, ANALYSIS, RECONSTRUCTED, "lc"))
    assert [w for w in shown if w.startswith("All sites")] == []
    assert len([w for w in shown if w.startswith("Pooled, k = 3")]) == 2


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ((), "not available"),
        ((not_estimable("lc.rate_24m", "percent", "KM", "nobody"),), "not estimable"),
        ((own(24, 53, FILLER),), "illustrative, not shown"),
    ],
)
def test_a_rate_of_this_cohort_that_cannot_be_drawn_is_named(
    extra: tuple[Statistic, ...], said: str
) -> None:
    figure = comparison_figure(registry(extra=extra), ANALYSIS, RECONSTRUCTED, "lc")
    label = "This cohort (reconstructed)"
    assert row_of(figure, label, 1) == [label, "lesion", "37", "51.3–187.5", said]
    assert "lc.rate_24m" not in gids(figure)
    assert "this cohort" not in words(figure)
    assert FILLER_NOTE.capitalize() not in words(figure)[-1]


def test_the_legend_explains_only_what_is_drawn(local_control: Figure) -> None:
    marks = {
        "this cohort",
        "CI as printed",
        "CI approximated from n",
        "CI if n were halved",
        "not pooled",
        "pooled, modified Hartung–Knapp CI",
        "prediction interval",
        "its rate (line)",
        "context: rate",
        "context: range",
    }
    assert marks <= set(words(local_control))
    survival = words(comparison_figure(NUMBERS, ANALYSIS, OBSERVED, "os"))
    assert marks & set(survival) == {"CI approximated from n", "CI if n were halved"}


@pytest.mark.parametrize("endpoint", ["lc", "os", "pfs", "dose"])
def test_a_figure_of_nothing_says_so(endpoint: str) -> None:
    numbers = registry(figures=[])
    if endpoint == "dose":
        figure = dose_figure(numbers, ANALYSIS, RECONSTRUCTED)
    else:
        figure = comparison_figure(numbers, ANALYSIS, RECONSTRUCTED, endpoint)
    assert words(figure) == [NOTHING_PUBLISHED, LABEL]


# --- dose -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dose() -> Figure:
    return dose_figure(NUMBERS, ANALYSIS, RECONSTRUCTED)


def test_a_panel_at_the_regressions_time_and_where_three_series_have_a_dose(dose: Figure) -> None:
    titles = [w for w in words(dose) if w.startswith("Local control at")]
    assert titles == [f"Local control at {m} months and BED10" for m in (12, 24)]
    two = [f for f in FIGURES if f.key not in ("gamma.lc.rate_12m", "origin2022.lc.rate_36m")]
    shown = words(dose_figure(registry(figures=two), ANALYSIS, RECONSTRUCTED))
    assert [w for w in shown if w.startswith("Local control at")] == titles[1:]


def test_a_bubble_stands_at_dose_and_rate_with_an_area_by_patients(dose: Figure) -> None:
    # Shares of the square of their size: a circle has pi / 4, a triangle one half.
    for name, bed, percent, n, share in (
        ("alpha", 72, 70, 30, math.pi / 4),
        ("zeta", 48, 76, 60, 0.5),
    ):
        bubble = drawn(dose, f"series.{name}.lc.rate_24m")
        assert bubble.get_offsets().tolist() == [[pytest.approx(bed), percent]]
        assert bubble.get_sizes()[0] * share == pytest.approx(2.6 * n)
    cohort = drawn(dose, "lc.rate_24m")
    assert cohort.get_offsets().tolist() == [[85.5, 53]]


def test_the_legend_has_bubbles_of_known_size(dose: Figure) -> None:
    legend = dose.axes[-1]
    for label, n in (("area of 10", 10), ("and of 30 patients", 30)):
        (text,) = (t for t in legend.texts if t.get_text() == label)
        before = [
            line
            for line in legend.lines
            if line.get_marker() == "o"
            and 0 < text.get_position()[0] - line.get_xdata()[0] < 0.3
            and line.get_ydata()[0] == text.get_position()[1]
        ]
        assert [math.pi / 4 * m.get_markersize() ** 2 for m in before] == pytest.approx([2.6 * n])


def test_sites_differ_in_shape_and_colour_and_none_is_blue(dose: Figure) -> None:
    looks = {
        name: (
            len(drawn(dose, f"series.{name}.lc.rate_24m").get_paths()[0].vertices),
            to_hex(drawn(dose, f"series.{name}.lc.rate_24m").get_edgecolor()[0]),
            to_hex(drawn(dose, f"series.{name}.lc.rate_24m").get_facecolor()[0]),
        )
        for name in ("alpha", "gamma", "zeta", "eta", "theta")
    }
    assert looks["alpha"] == looks["gamma"]
    assert len({corners for corners, _, _ in looks.values()}) == 4
    assert BLUE.lower() not in {colour for look in looks.values() for colour in look[1:]}
    mixed = [f for f in FIGURES if f.study_id != "origin2022"] + [rate("origin2022", 58.0)]
    figure = dose_figure(registry(OBSERVED, mixed), ANALYSIS, OBSERVED)
    bubble = drawn(figure, "series.origin2022.lc.rate_24m")
    assert to_hex(bubble.get_facecolor()[0]) == BLACK


def test_a_dot_marks_a_printed_median_and_the_notes_say_which(dose: Figure) -> None:
    dotted = {gid for gid in gids(dose) if gid.endswith(".median")}
    assert dotted == {
        "series.origin2022.lc.rate_24m.median",
        "series.theta.lc.rate_24m.median",
        "lc.rate_24m.median",
        "lc.rate_12m.median",
    }
    # 70 (1 + 2 / 10)
    assert drawn(dose, "series.theta.lc.rate_24m").get_offsets().tolist() == [[84, 86]]
    shown = words(dose)
    assert "At the printed median BED10: Origin et al. 2022." in shown
    assert "At the printed median EQD2, converted to BED10: Theta et al." in shown
    assert [w for w in shown if w.startswith("Without a dot: in the middle of the range")]
    assert "printed median" in shown
    bare = [f for f in FIGURES if "median" not in f.key]
    shown = words(dose_figure(registry(figures=bare), ANALYSIS, RECONSTRUCTED))
    assert "printed median" not in shown
    assert not [w for w in shown if w.startswith("At the printed")]


def test_both_axes_are_linear_and_rates_are_shown_from_0_to_100(dose: Figure) -> None:
    panel = dose.axes[1]
    assert (panel.get_xscale(), panel.get_yscale()) == ("linear", "linear")
    assert panel.get_ylim()[0] == 0
    assert panel.get_yticks().tolist() == list(range(0, 101, 10))
    assert panel.spines["left"].get_bounds() == (0, 100)
    band = panel.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() >= 0
    assert band[:, 1].max() <= 100


def test_the_legend_has_the_lines_as_they_are_drawn(dose: Figure) -> None:
    legend, panel = dose.axes[-1], dose.axes[1]
    (lung,) = (t for t in legend.texts if t.get_text() == "lung")
    (bar,) = (
        line
        for line in legend.lines
        if len(line.get_xdata()) == 2
        and line.get_ydata()[0] == lung.get_position()[1]
        and 0 < lung.get_position()[0] - line.get_xdata()[1] < 0.1
    )
    drawn_bar = next(line for line in panel.lines if line.get_ydata()[0] == 85.0)
    assert bar.get_color() == drawn_bar.get_color()
    assert bar.get_linewidth() == drawn_bar.get_linewidth()
    (swatch,) = legend.patches
    band = panel.collections[0]
    assert swatch.get_alpha() == band.get_alpha()
    assert "its 95% confidence band" in words(dose)


def test_no_label_lies_on_a_bar(dose: Figure) -> None:
    canvas = FigureCanvasAgg(dose)
    with matplotlib.rc_context(style()):
        canvas.draw()
        panel = dose.axes[1]
        labels = {t.get_text(): Text.get_window_extent(t) for t in panel.texts}
        bars = [
            line.get_transform().transform([[x, line.get_ydata()[0]] for x in line.get_xdata()])
            for line in panel.lines
            if line.get_marker() == "|"
        ]
    assert len(labels) == len(bars) == 9
    on = [
        (text, box)
        for text, box in labels.items()
        for (left, y), (right, _) in bars
        if box.y0 < y < box.y1 and box.x0 < right and left < box.x1
    ]
    assert on == []


def test_a_bubble_outside_the_regression_is_hollow(dose: Figure) -> None:
    hollow = {
        name: to_hex(drawn(dose, f"series.{name}.lc.rate_24m").get_facecolor()[0]) == "#ffffff"
        for name in ("origin2022", "alpha", "beta", "delta", "zeta", "eta")
    }
    assert [name for name, is_hollow in hollow.items() if is_hollow] == [
        "origin2022",
        "delta",
        "zeta",
    ]
    shown = words(dose)
    unsupported, crude = "the text does not support the time", "it is a crude share"
    assert f"Not in the regression, because {unsupported}: Delta et al." in shown
    assert any(w.startswith(f"Not in the regression, because {crude}") for w in shown)


def test_bars_reach_over_the_doses_printed(dose: Figure) -> None:
    bars = [
        line.get_xdata()
        for line in dose.axes[1].lines
        if isinstance(line, Line2D) and line.get_ydata()[0] == 84.0 and not line.get_gid()
    ]
    assert [list(bar) for bar in bars] == [pytest.approx([41.25, 180])]


def test_the_odds_ratio_is_the_registrys(dose: Figure) -> None:
    key = "synthesis.lc.dose.slope"
    odds, low, high, k = (NUMBERS[f"{key}{s}"]["text"] for s in ("", ".low", ".high", ".k"))
    p = NUMBERS[f"{key}.p.stated"]["text"]
    assert f"Odds ratio per 10 Gy {odds} ({low}–{high}), p {p}, k = {k}" in words(dose)


def test_the_line_runs_through_the_registrys_points(dose: Figure) -> None:
    line = drawn(dose, "synthesis.lc.dose.slope")
    points = sorted(k for k in NUMBERS if re.fullmatch(r"synthesis\.lc\.dose\.line\.\d+", k))
    ends = [points[0], points[-1]]
    x, y = line.get_xdata(), line.get_ydata()
    assert [x[0], x[-1]] == pytest.approx([NUMBERS[f"{k}.bed10"]["value"] for k in ends])
    assert [y[0], y[-1]] == pytest.approx([NUMBERS[k]["value"] for k in ends])
    # Straight on the logit scale: the odds of equally distant doses are a geometric series.
    odds = [rate / (100 - rate) for rate in (y[0], y[99], y[198])]
    assert odds[1] ** 2 == pytest.approx(odds[0] * odds[2])


def test_no_line_without_points_and_the_reason_for_no_odds_ratio() -> None:
    few = [f for f in FIGURES if f.study_id in ("alpha", "beta", "epsilon")]
    figure = dose_figure(registry(figures=few), ANALYSIS, RECONSTRUCTED)
    assert "synthesis.lc.dose.slope" not in gids(figure)
    said = "Odds ratio per 10 Gy: not estimable, fewer than 4 series have a rate and a dose"
    assert said in words(figure)
    assert not {"meta-regression", "its 95% confidence band"} & set(words(figure))


def test_the_plot_says_what_it_cannot_show(dose: Figure) -> None:
    assert ECOLOGICAL in words(dose)
    assert "Without a printed dose, so not shown: Epsilon et al." in words(dose)
    assert "printed median" in words(dose)
    bare = dose_figure(registry(extra=(own(24, 53, FILLER),)), ANALYSIS, RECONSTRUCTED)
    said = [w for w in words(bare) if w.startswith("This cohort")]
    assert said == [
        "This cohort (reconstructed) at 12 months: not available.",
        "This cohort (reconstructed) at 24 months: illustrative, not shown.",
    ]
    assert "lc.rate_24m" not in gids(bare)


# --- every figure ---------------------------------------------------------------------------

# Series so alike that their labels would lie on each other.
CROWD = [
    *FIGURES,
    *(rate(s, r, 12) for s, r in (("delta", 91.5), ("zeta", 90.5), ("eta", 91.0), ("theta", 92.0))),
]


def draw(kind: str) -> Figure:
    if kind == "dose":
        return dose_figure(NUMBERS, ANALYSIS, RECONSTRUCTED)
    if kind == "crowded dose":
        return dose_figure(registry(figures=CROWD), ANALYSIS, RECONSTRUCTED)
    if kind == "observed":
        return comparison_figure(registry(OBSERVED, CROWD, ()), ANALYSIS, OBSERVED, "lc")
    if kind == "nothing":
        return comparison_figure(registry(figures=[]), ANALYSIS, RECONSTRUCTED, "lc")
    return comparison_figure(NUMBERS, ANALYSIS, RECONSTRUCTED, kind)


KINDS = ["lc", "os", "observed", "dose", "crowded dose", "nothing"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page_or_lies_on_another(kind: str) -> None:
    figure = draw(kind)
    canvas = FigureCanvasAgg(figure)
    with matplotlib.rc_context(style()):
        canvas.draw()
        # Not the annotation's own extent, which holds its leader line too.
        boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts(figure)]
    page = figure.bbox
    assert [
        text
        for text, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1
    ] == []
    # Two pixels less on each side: the box of a line is higher than its letters.
    pairs = itertools.combinations([(t, b.padded(-2)) for t, b in boxes], 2)
    assert [(a, b) for (a, x), (b, y) in pairs if x.overlaps(y)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_is_as_wide_as_a_page_and_labelled(kind: str) -> None:
    figure = draw(kind)
    assert figure.get_size_inches()[0] == 7.0
    assert (LABEL in words(figure)) == (kind != "observed")


def saved(figure: Figure, file_format: str) -> bytes:
    stream = io.BytesIO()
    with matplotlib.rc_context(style()):
        figure.savefig(stream, **save_options(file_format))
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["lc", "dose"])
@pytest.mark.parametrize("file_format", ["svg", "png"])
def test_equal_input_gives_equal_bytes_whatever_the_session(kind: str, file_format: str) -> None:
    first = saved(draw(kind), file_format)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.grid": True}):
        assert saved(draw(kind), file_format) == first
