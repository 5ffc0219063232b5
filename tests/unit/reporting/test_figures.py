import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.drawn_numbers import Drawing, Part
from sarcoma_sbrt.reporting.figures import (
    FILLER_NOTE,
    flow_figure,
    hazard_ratio_figure,
    kaplan_meier_figure,
    save_options,
    style,
)
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.panels import curve_ends
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import curves, survival_statistics
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
)


def binary(name: str, label: str, column: str, level: str, reference: str) -> Covariate:
    return Covariate(name, label, column, Level(level, codes=("x",)), Level(reference))


COVARIATES = {
    "grade": binary("grade", "Histological grade", "patients.grade", "G1", "G2 and G3"),
    "number": binary(
        "number", "Number of lesions", "derived.number_of_lesions", "single lesion",
        "two or three lesions",
    ),
    "size": binary("size", "Lesion size", "derived.size_mm", "5 cm or less", "more than 5 cm"),
    "chemotherapy": replace(
        binary("chemotherapy", "Chemotherapy", "derived.chemotherapy", "given", "not given"),
        confounded=True,
    ),
    "age": Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years"),
}  # fmt: skip
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
PFS = replace(OS, name="pfs", label="Progression-free survival")
LC = replace(OS, name="lc", label="Local control", unit="lesion")
ENDPOINTS = {"lc": LC, "os": OS, "pfs": PFS}
PANELS = ("overall", "grade", "number", "size")
NAMES = ("grade", "number", "size", "chemotherapy", "age")
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
    covariates=COVARIATES,
    endpoints=("lc", "os", "pfs"),
    strata={"os": ("grade", "number", "size")},
    univariable=dict.fromkeys(("lc", "os", "pfs"), NAMES),
    multivariable={"os": {"multivariable": ("grade", "number")}},
    forest={"lc": ("grade", "number"), "os": ("grade", "size"), "pfs": NAMES},
    figures={"os": PANELS},
    comparison=Comparison((), ()),
    left_out={},
)
OBSERVED = CohortSettings("small", "A small cohort", "observed", tables={}, times={})
RECONSTRUCTED = replace(
    OBSERVED,
    kind="reconstructed",
    derived_from="feng2022",
    support={"patients.patient_id": "printed", "progressions.kind": "filler"},
)
PRINTED, FILLER = ("patients.patient_id",), ("progressions.kind",)
LABEL = "Reconstructed from published statistics; not patients."


def registry(statistics: list[Statistic], cohort: CohortSettings, level: float = 0.95) -> dict:
    numbers = computed_entries([("stage", s) for s in statistics], cohort)
    numbers |= configured_entries({"models": {"confidence_level": level}})
    return numbers | plan_entries(ANALYSIS, cohort, ENDPOINTS)


def texts(figure: Figure) -> list[Text]:
    """Every text that shows, the axes' own among them."""
    unseen = {id(text) for axes in figure.axes for text in _unseen(axes)}
    found = figure.findobj(Text)
    return [t for t in found if t.get_visible() and t.get_text() and id(t) not in unseen]


def _unseen(axes: Axes) -> Iterator[Text]:
    """Texts of an axis that is off, and labels of ticks beyond an axis's end."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from tick.findobj(Text)
        if not axes.axison:
            yield from axis.findobj(Text)


def words(figure: Figure) -> list[str]:
    return [t.get_text() for t in texts(figure)]


def footer(figure: Figure) -> str:
    return figure.texts[-1].get_text()


def saved(figure: Figure, file_format: str) -> bytes:
    stream = io.BytesIO()
    with matplotlib.rc_context(style()):
        figure.savefig(stream, **save_options(file_format))
    return stream.getvalue()


# --- Kaplan-Meier -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def followed() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Endpoint table and design of 40 patients followed for up to 90 months."""
    rng = np.random.default_rng(7)
    grade = np.repeat([1.0, 0.0], 20)
    months = np.round(rng.exponential(np.where(grade == 1, 45, 15)) + 1).clip(1, 90)
    table = pd.DataFrame({"time_months": months, "event": (rng.random(40) < 0.8).astype(int)})
    others = {name: rng.permutation(grade) for name in ("number", "size")}
    return table, pd.DataFrame({"grade": grade, **others})


def kaplan_meier(
    followed: tuple[pd.DataFrame, pd.DataFrame],
    columns: tuple[str, ...] = PRINTED,
    cohort: CohortSettings = RECONSTRUCTED,
    panels: tuple[str, ...] = PANELS,
    endpoint: EndpointSettings = OS,
) -> tuple[Figure, dict]:
    analysis = replace(ANALYSIS, strata={endpoint.name: ("grade", "number", "size")}, figures={})
    found = survival_statistics(endpoint, *followed, analysis, columns)
    numbers = registry([replace(s, columns=columns) for s in found], cohort)
    drawn = curves(endpoint, *followed, analysis)
    return kaplan_meier_figure(drawn, numbers, endpoint, panels, analysis, cohort), numbers


@pytest.mark.parametrize(
    ("panels", "groups", "letters"),
    [
        (("overall",), 1, "A"),
        (("overall", "grade"), 3, "AB"),
        (("overall", "grade", "size"), 5, "ABC"),
        (PANELS, 7, "ABCD"),
    ],
)
def test_each_panel_has_its_curves_its_risk_table_and_its_letter(
    followed: tuple[pd.DataFrame, pd.DataFrame],
    panels: tuple[str, ...],
    groups: int,
    letters: str,
) -> None:
    figure, _ = kaplan_meier(followed, panels=panels)
    assert len(figure.axes) == 2 * len(panels)  # each with its risk table
    steps = [line for axes in figure.axes for line in axes.lines if line.get_gid()]
    assert len(steps) == groups
    assert {line.get_drawstyle() for line in steps} == {"steps-post"}
    assert "".join(w for w in words(figure) if w in "ABCD") == letters


def test_groups_differ_in_colour_and_in_line(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    figure, _ = kaplan_meier(followed, panels=("grade",))
    level, reference = [line for line in figure.axes[0].lines if line.get_gid()]
    assert (level.get_gid(), reference.get_gid()) == ("os.grade_level", "os.grade_reference")
    assert level.get_color() != reference.get_color()
    assert level.get_linestyle() != reference.get_linestyle()


def test_texts_of_a_panel_are_the_registrys(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, numbers = kaplan_meier(followed, panels=("grade",))
    shown = words(figure)
    p = numbers["os.grade.logrank.p.stated"]["text"]
    assert f"Log-rank p {p}" in shown
    assert f"G1 (n = {numbers['os.grade_level.n']['text']})" in shown
    table = figure.axes[1]
    for row, side in enumerate(("level", "reference")):
        at_risk = [t for t in table.texts if t.get_position()[1] == row + 0.5]
        months = [int(t.get_position()[0]) for t in at_risk]
        assert months == [0, 12, 24, 36, 48, 60, 72, 84]
        assert [t.get_text() for t in at_risk] == [
            numbers[f"os.grade_{side}.at_risk_{m}m"]["text"] for m in months
        ]


def test_numbers_at_risk_stand_under_their_ticks(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    figure, _ = kaplan_meier(followed, panels=("overall", "grade"))
    for panel, table in (figure.axes[:2], figure.axes[2:]):
        assert panel.get_xlim() == table.get_xlim()
        assert panel.get_position().x0 == pytest.approx(table.get_position().x0)
        assert panel.get_position().x1 == pytest.approx(table.get_position().x1)
        assert list(panel.get_xticks()) == sorted({t.get_position()[0] for t in table.texts})


def test_numbers_at_risk_stand_beside_the_names_of_their_groups(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    figure, _ = kaplan_meier(followed, panels=("number",))
    names = [t for t in figure.texts if t.get_color() in ("#0072B2", "#D55E00")]
    # Too long for one line; as in the legend, they begin with a capital.
    assert [t.get_text() for t in names] == ["Single lesion", "Two or three", "lesions"]
    assert {t.get_ha() for t in names} == {"right"}
    figure.canvas.draw()
    heights = {t.get_text(): t.get_window_extent().y0 for t in texts(figure)}
    level = next(t for t in figure.axes[1].texts if t.get_color() == "#0072B2")
    assert heights["Single lesion"] == pytest.approx(level.get_window_extent().y0, abs=3)
    assert heights["Single lesion"] > heights["Two or three"] > heights["lesions"]
    assert any(w.startswith("Single lesion (n = ") for w in words(figure))


def test_the_key_says_what_no_legend_does(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, _ = kaplan_meier(followed, panels=("overall", "grade"))
    said = words(figure)
    assert "Dotted lines: medians. Shaded: 95% confidence bands. Ticks: censored." in said
    assert {"Overall survival", "By histological grade"} <= set(said)


# --- where small counts are withheld

RULE = SmallCells(5)


def withheld(
    followed: tuple[pd.DataFrame, pd.DataFrame], panels: tuple[str, ...] = ("overall",)
) -> tuple[Figure, dict]:
    """Figure of an observed cohort whose small counts are withheld, and its registry."""
    analysis = replace(ANALYSIS, strata={"os": ("grade", "number", "size")}, figures={})
    found = survival_statistics(OS, *followed, analysis, PRINTED)
    numbers = computed_entries([("kaplan_meier", s) for s in found], OBSERVED)
    numbers |= registry([], OBSERVED)
    numbers |= configured_entries({"models": {"disclosure": {"least": 5}}})
    numbers = withhold(numbers, RULE)
    drawn = curves(OS, *followed, analysis).convert_dtypes()  # as it is read from Parquet
    ends = curve_ends(drawn, numbers, RULE)
    return kaplan_meier_figure(drawn, numbers, OS, panels, analysis, OBSERVED, ends), numbers


def observed(*rows: tuple[float, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients by month and event; the first half is the first group of every covariate."""
    half = len(rows) // 2
    groups = {n: [1.0] * half + [0.0] * (len(rows) - half) for n in ("grade", "number", "size")}
    return pd.DataFrame(rows, columns=["time_months", "event"]), pd.DataFrame(groups)


def drawn_up_to(axes: Axes) -> float:
    """Greatest month of any line or band."""
    lines = [float(np.max(line.get_xdata())) for line in axes.lines]
    bands = [
        float(path.get_extents().x1)
        for c in axes.collections
        for path in c.get_paths()
        if len(path)
    ]
    return max([*lines, *bands], default=0.0)


LATER = [(month, 1) for month in (31.0, 33.0, 38.0, 60.0)]


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        # Five are at risk up to the death at 25.
        ([(2.0, 1), (4.0, 0), (8.0, 1), (25.0, 1), *LATER], 25),
        # Who left at 25 does not end the curve: the tick before does.
        ([(2.0, 1), (4.0, 0), (8.0, 1), (25.0, 0), *LATER], 24),
        # Nor who left at 11: the death before does.
        ([(2.0, 1), (4.0, 0), (8.0, 1), (11.0, 0), *LATER], 8),
        # Whoever is drawn, five are at risk from the first day on.
        ([(2.0, 1), *LATER[:3]], 0),
        ([(2.0, 1), *LATER], 2),
    ],
)
def test_curves_end_where_fewer_than_the_rule_allows_are_at_risk(
    rows: list[tuple[float, int]], end: float
) -> None:
    drawn = curves(OS, *observed(*rows), replace(ANALYSIS, strata={}, figures={}))
    for frame in (drawn, drawn.convert_dtypes()):
        assert curve_ends(frame, {}, RULE) == {("os", "overall"): end}
    assert curve_ends(drawn, {}, None) is None
    figure, _ = withheld(observed(*rows))
    panel, table = figure.axes
    assert drawn_up_to(panel) == end
    steps = [line for line in panel.lines if line.get_gid()]
    assert len(steps) == (1 if end else 0)
    assert panel.get_xlim()[1] == pytest.approx(1.03 * (end or 1.0))
    assert all(t.get_position()[0] <= end for t in table.texts)


def test_the_groups_of_a_covariate_end_together_and_not_at_all_where_their_events_are_few() -> None:
    def rows(population: str, n: int) -> pd.DataFrame:
        times = [0.0, *map(float, range(1, n + 1))]
        at_risk = [n, *range(n, 0, -1)]
        shared = {"endpoint": "os", "population": population, "time_months": times}
        return pd.DataFrame({**shared, "at_risk": at_risk, "events": [0, *[1] * n]})

    frame = pd.concat([rows("sex_level", 8), rows("sex_reference", 12), rows("overall", 20)])
    ends = curve_ends(frame, {}, RULE)
    assert ends == {("os", "sex_level"): 4, ("os", "sex_reference"): 4, ("os", "overall"): 16}
    few = {"os.sex_level.events": {"status": "withheld"}}
    ends = curve_ends(frame, few, RULE)
    assert ends == {("os", "sex_level"): 0, ("os", "sex_reference"): 0, ("os", "overall"): 16}


def test_a_curve_holds_its_value_up_to_the_tick_where_it_ends() -> None:
    figure, _ = withheld(observed((2.0, 1), (4.0, 0), (8.0, 1), (25.0, 0), *LATER))
    (line,) = [line for line in figure.axes[0].lines if line.get_gid()]
    assert list(line.get_xdata()) == [0, 2, 4, 8, 24]
    # Of eight one, of six another died.
    assert list(line.get_ydata()) == pytest.approx([100, 87.5, 87.5, 87.5 * 5 / 6, 87.5 * 5 / 6])


def test_nobodys_censoring_is_marked_and_the_figure_says_what_it_leaves_out(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    figure, numbers = withheld(followed, PANELS)
    marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "|"]
    assert marks == []
    said = words(figure)
    assert "Shaded: 95% confidence bands. Censored times are not marked." in " ".join(said)
    assert "Curves are drawn as far as at least 5 patients are at risk." in said
    assert not any("longest time" in line for line in said)
    assert numbers["os.time_max"]["text"] == "not shown"
    assert isinstance(figure, Drawing)
    assert Part("5", "config.models.disclosure.least") in [p for text in figure.said for p in text]


def test_every_number_at_risk_below_a_curve_is_shown(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    figure, _ = withheld(followed, PANELS)
    for panel, table in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        ends = [float(np.max(line.get_xdata())) for line in panel.lines if line.get_gid()]
        for row, end in enumerate(ends):
            told = {t.get_position()[0]: t.get_text() for t in table.texts
                    if t.get_position()[1] == row + 0.5}  # fmt: skip
            assert "< 5" not in [text for month, text in told.items() if month <= end]


def test_a_curve_of_few_events_is_not_drawn_as_its_steps_would_count_them() -> None:
    figure, _ = withheld(observed(*[(float(month), month % 2) for month in range(10, 50, 5)]))
    assert [line for line in figure.axes[0].lines if line.get_gid()] == []


def test_a_group_of_few_has_no_curve_and_a_bound_for_its_size() -> None:
    rows = [(float(month), 1) for month in range(10, 50, 5)]  # four in each group
    figure, _ = withheld(observed(*rows), ("overall", "grade"))
    assert [line.get_gid() for line in figure.axes[0].lines if line.get_gid()] == ["os"]
    assert figure.axes[2].lines == [] or not [1 for li in figure.axes[2].lines if li.get_gid()]
    assert {"All patients (n = 8)", "G1 (n < 5)", "G2 and G3 (n < 5)"} <= set(words(figure))


def test_a_median_beyond_the_end_of_its_curve_has_no_line() -> None:
    dead = [(40.0, 1)] * 3
    rows = [(10.0, 0), (11.0, 0), (12.0, 0), (13.0, 0), *dead, (50.0, 0)]
    figure, numbers = withheld(observed(*rows))
    assert numbers["os.median"]["value"] == 40
    assert [line for line in figure.axes[0].lines if line.get_linestyle() == ":"] == []


def deaths_at(*months: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients who all die, at these months."""
    table = pd.DataFrame({"time_months": months, "event": [1] * len(months)})
    return table, pd.DataFrame({n: [1.0, 0.0] * (len(months) // 2)
                                for n in ("grade", "number", "size")})  # fmt: skip


@pytest.mark.parametrize(
    ("months", "end", "ticks"),
    [
        # Of 30 one is left at 48 and later: less than a tenth, but not at 36.
        ([10] * 20 + [40] * 9 + [100], 48, [0, 12, 24, 36, 48]),
        # Of 30 three are left: that is a tenth.
        ([10] * 20 + [40] * 7 + [100] * 3, 100, [0, 12, 24, 36, 48, 60, 72, 84, 96]),
        # One is left from 12 on; the last landmark is at 36.
        ([10] * 29 + [100], 36, [0, 12, 24, 36]),
        # The axis ends at 48, and 49 is there too.
        ([10] * 20 + [40] * 9 + [49], 49, [0, 12, 24, 36, 48]),
        # Nobody at all was followed for long.
        ([10] * 28 + [11, 11], 11, [0, 6]),
    ],
)
def test_axes_end_where_less_than_a_tenth_are_at_risk(
    months: list[float], end: float, ticks: list[int]
) -> None:
    figure, _ = kaplan_meier(deaths_at(*months), panels=("overall",))
    assert figure.axes[0].get_xlim() == pytest.approx((-0.015 * end, 1.03 * end))
    assert list(figure.axes[0].get_xticks()) == ticks
    assert [int(t.get_position()[0]) for t in figure.axes[1].texts] == ticks
    cut = [w for w in words(figure) if w.startswith("Axes end")]
    told = "Axes end at the first tick at which less than a tenth of all are at risk; the longest "
    assert cut == ([] if end == max(months) else [f"{told}time is 100.0 months."])


@pytest.mark.parametrize(
    ("last", "ticks"), [(95, [*range(0, 85, 12)]), (125, [0, 24, 48, 72, 96, 120])]
)
def test_labels_of_months_that_would_touch_are_thinned(last: int, ticks: list[int]) -> None:
    figure, _ = kaplan_meier(deaths_at(*[10] * 20 + [last] * 10), panels=("overall", "grade"))
    assert list(figure.axes[0].get_xticks()) == ticks
    assert [int(t.get_position()[0]) for t in figure.axes[1].texts] == ticks
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [label.get_window_extent(renderer) for label in figure.axes[0].get_xticklabels()]
    assert all(a.x1 + 0.04 * figure.dpi < b.x0 for a, b in itertools.pairwise(boxes))


def test_axes_do_not_end_before_a_median_that_is_drawn() -> None:
    table = pd.DataFrame({"time_months": [10.0] * 27 + [70.0, 70.0, 100.0], "event": [1] * 30})
    design = pd.DataFrame({n: [0.0] * 27 + [1.0] * 3 for n in ("grade", "number", "size")})
    figure, numbers = kaplan_meier((table, design), panels=("overall", "grade"))
    assert numbers["os.grade_level.median"]["value"] == 70
    assert list(figure.axes[0].get_xticks()) == [0, 12, 24, 36, 48, 60, 72]


def test_dotted_lines_end_at_the_median(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, numbers = kaplan_meier(followed, panels=("overall",))
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    median = numbers["os.median"]["value"]
    assert [list(line.get_xdata()) for line in dotted] == [[0, median, median]]
    assert list(dotted[0].get_ydata())[:2] == [50, 50]


def test_ticks_mark_the_censored_and_only_them(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    table, _ = followed
    figure, _ = kaplan_meier(followed, panels=("overall",))
    marks = next(line for line in figure.axes[0].lines if line.get_marker() == "|")
    assert list(marks.get_xdata()) == sorted(set(table.loc[table["event"] == 0, "time_months"]))


def test_a_median_that_is_not_reached_has_no_line() -> None:
    table = pd.DataFrame({"time_months": [5.0, 10.0, 20.0, 30.0], "event": [1, 0, 0, 0]})
    design = pd.DataFrame({name: [1.0, 1.0, 0.0, 0.0] for name in ("grade", "number", "size")})
    figure, numbers = kaplan_meier((table, design), panels=("overall",))
    assert numbers["os.median"]["status"] == "not_reached"
    assert [line for line in figure.axes[0].lines if line.get_linestyle() == ":"] == []


def test_band_is_held_up_to_the_next_time_and_is_not_drawn_where_there_is_none() -> None:
    """Steps at 5 and 10; censored at 20; no band before 5 (all alive) and at 30 (nobody)."""
    table = pd.DataFrame({"time_months": [5.0, 10.0, 20.0, 30.0], "event": [1, 1, 0, 1]})
    design = pd.DataFrame({name: [1.0] * 4 for name in ("grade", "number", "size")})
    figure, _ = kaplan_meier((table, design), panels=("overall",))
    band = figure.axes[0].collections[0].get_paths()
    assert len(band) == 1
    extent = band[0].get_extents()
    assert (extent.x0, extent.x1) == (5, 30)


def test_a_group_of_nobody_has_no_curve_and_nobody_at_risk() -> None:
    table = pd.DataFrame({"time_months": [5.0, 10.0, 20.0, 30.0], "event": [1, 1, 0, 1]})
    design = pd.DataFrame({name: [1.0] * 4 for name in ("grade", "number", "size")})
    figure, numbers = kaplan_meier((table, design), panels=("grade",))
    assert [line.get_gid() for line in figure.axes[0].lines if line.get_gid()] == ["os.grade_level"]
    assert numbers["os.grade.logrank.p"]["status"] == "not_estimable"
    assert "Log-rank p not estimable" in words(figure)
    assert [t.get_text() for t in figure.axes[1].texts if t.get_position()[1] == 1.5] == ["0"] * 3


def test_lesions_are_called_lesions(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, _ = kaplan_meier(followed, endpoint=LC, panels=("overall",))
    assert "All lesions (n = 40)" in words(figure)


@pytest.mark.parametrize("panel", ["age", "unheard_of"])
def test_a_panel_must_make_two_groups(
    followed: tuple[pd.DataFrame, pd.DataFrame], panel: str
) -> None:
    with pytest.raises(ValueError, match=f"^os: {panel} does not make two groups$"):
        kaplan_meier(followed, panels=(panel,))


def test_a_wide_axis_keeps_to_powers_of_ten() -> None:
    ci = Interval(0.001, 900.0, 0.95, "Wald")
    statistic = Statistic("cox.os.univariable.grade.hr", 1.0, "hazard ratio", "Cox", ci=ci)
    figure = hazard_ratio_figure(registry([statistic], OBSERVED), ANALYSIS, OBSERVED)
    assert list(figure.axes[1].get_xticks()) == [0.1, 1, 10]


def test_level_and_landmarks_are_the_plans(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    """Nothing that a figure writes is 95 or counts in years unless the plan or the data say so."""
    ci = Interval(0.25, 2.0, 0.9, "Wald")
    ratio = Statistic("cox.os.univariable.grade.hr", 0.5, "hazard ratio", "Cox", ci=ci)
    analysis = replace(ANALYSIS, confidence_level=0.9, landmarks_months=(6, 18))
    numbers = registry([ratio], OBSERVED, level=0.9)
    shown = words(hazard_ratio_figure(numbers, analysis, OBSERVED))
    assert "HR (90% CI)" in shown
    assert not [w for w in shown if "95" in w]
    table, design = followed
    short = table.assign(time_months=table["time_months"].clip(upper=11))
    drawn = curves(OS, short, design, analysis)
    found = survival_statistics(OS, short, design, replace(analysis, figures={}), ())
    figure = kaplan_meier_figure(
        drawn, registry(found, OBSERVED, level=0.9), OS, ("overall", "grade"), analysis, OBSERVED
    )
    assert list(figure.axes[0].get_xticks()) == [0, 6]
    assert not [w for w in words(figure) if re.fullmatch(r".*\b(12|95)\b.*", w)]


# --- the label ----------------------------------------------------------------------------


def test_reconstructed_cohort_is_labelled(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert footer(kaplan_meier(followed)[0]) == LABEL


def test_figure_on_filler_says_so(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, _ = kaplan_meier(followed, columns=FILLER)
    assert footer(figure) == f"{LABEL} Illustrative, not constrained by any printed figure."
    assert FILLER_NOTE == "illustrative, not constrained by any printed figure"


def test_observed_cohort_has_no_label(followed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    figure, _ = kaplan_meier(followed, cohort=OBSERVED)
    assert not [w for w in words(figure) if "econstructed" in w or "llustrative" in w]


# --- models -------------------------------------------------------------------------------


def cox(cohort: CohortSettings = OBSERVED) -> dict:
    statistics = []
    keys = [f"{e}.univariable.{n}" for e in ("lc", "os", "pfs") for n in NAMES]
    for index, key in enumerate([*keys, "os.multivariable.grade", "os.multivariable.number"]):
        ratio = 0.2 + 0.15 * index
        ci = Interval(ratio / 3, ratio * 4, 0.95, "Wald")
        statistics += [
            Statistic(f"cox.{key}.hr", ratio, "hazard ratio", "Cox", PRINTED, ci=ci),
            Statistic(f"cox.{key}.p", 0.01 * index, "p", "Wald", PRINTED),
        ]
    return registry(statistics, cohort)


def test_forest_plot_writes_every_ratio_with_its_interval_and_p() -> None:
    numbers = cox()
    shown = words(hazard_ratio_figure(numbers, ANALYSIS, OBSERVED))
    assert "HR (95% CI)" in shown
    keys = [key for key in numbers if key.startswith("cox.") and key.endswith(".hr")]
    assert len(keys) == 17
    for key in keys:
        hr, low, high = (numbers[k]["text"] for k in (key, f"{key}.low", f"{key}.high"))
        assert f"{hr} ({low}–{high})" in shown
        assert numbers[f"{key.removesuffix('.hr')}.p"]["text"] in shown
    assert "Chemotherapy (confounded)" in shown


def test_forest_plot_draws_the_ratio_where_it_is() -> None:
    numbers = cox()
    axes = hazard_ratio_figure(numbers, ANALYSIS, OBSERVED).axes[2]
    drawn = [line.get_xdata()[0] for line in axes.lines if line.get_marker() in ("o", "D")]
    os_keys = [k for k in numbers if re.fullmatch(r"cox\.os\.\w+\.\w+\.hr", k)]
    assert sorted(drawn) == pytest.approx(sorted(numbers[k]["value"] for k in os_keys))
    assert axes.get_xscale() == "log"


def test_ratio_that_is_not_estimable_is_named_and_not_drawn() -> None:
    statistic = not_estimable("cox.os.univariable.grade.hr", "hazard ratio", "Cox", "no event")
    figure = hazard_ratio_figure(registry([statistic], OBSERVED), ANALYSIS, OBSERVED)
    assert "not estimable" in words(figure)
    assert [line for line in figure.axes[1].lines if line.get_marker() in ("o", "D")] == []


def test_a_ratio_that_is_withheld_does_not_reach_the_axis() -> None:
    keys = ("cox.os.univariable.grade.hr", "cox.os.univariable.number.hr")
    ratios = [
        Statistic(key, 1.0, "hazard ratio", "Cox", ci=Interval(0.5, high, 0.95, "Wald"), n=n)
        for key, high, n in ((keys[0], 2.0, 9), (keys[1], 40.0, 4))
    ]
    numbers = computed_entries([("cox", s) for s in ratios], OBSERVED) | registry([], OBSERVED)
    figure = hazard_ratio_figure(withhold(numbers, RULE), ANALYSIS, OBSERVED)
    assert "not shown" in words(figure)
    assert figure.axes[1].get_xlim()[1] < 10


def test_interval_beyond_the_axis_ends_in_an_arrow() -> None:
    ci = Interval(0.001, 900.0, 0.95, "Wald")
    statistic = Statistic("cox.os.univariable.grade.hr", 1.0, "hazard ratio", "Cox", ci=ci)
    figure = hazard_ratio_figure(registry([statistic], OBSERVED), ANALYSIS, OBSERVED)
    markers = {line.get_marker(): line.get_xdata()[0] for line in figure.axes[1].lines}
    assert (markers["<"], markers[">"]) == figure.axes[1].get_xlim() == (0.02, 50.0)


# --- flow ---------------------------------------------------------------------------------

LEDGER = {"file": "patients.csv", "rows_read": 55}
FLOW = {
    "screening": {
        "reviewed": 90,
        "excluded": 40,
        "enrolled": 50,
        "reasons": ["multiple metastases", "incomplete treatment plans"],
    },
    "patients": {
        "read": 50,
        "excluded": [{"reason": "younger than 18 years", "patients": 3}],
        "analysed": 47,
    },
    "tables": {
        "patients": LEDGER
        | {
            "excluded": [
                {"reason": "below the table", "rows": 5, "lines": [52, 53, 54, 55, 56]},
                {"reason": "younger than 18 years", "rows": 3, "lines": [4, 8, 9]},
            ]
        },
        "progressions": LEDGER
        | {
            "excluded": [
                {"reason": "below the table", "rows": 5, "lines": [52, 53, 54, 55, 56]},
                {"reason": "no recurrence", "rows": 20, "lines": list(range(2, 22))},
            ]
        },
    },
}


def flow_numbers(cohort: CohortSettings = OBSERVED, columns: tuple[str, ...] = PRINTED) -> dict:
    counts = {
        "flow.screening.reviewed": 90,
        "flow.screening.excluded": 40,
        "flow.patients.read": 50,
        "flow.patients.excluded": 3,
        "flow.patients.analysed": 47,
        "cohort.lesions": 58,
    }
    statistics = [Statistic(key, n, "count", "count", PRINTED) for key, n in counts.items()]
    for endpoint, n, events in (("lc", 58, 19), ("os", 47, 28), ("pfs", 47, 31)):
        own = columns if endpoint == "pfs" else PRINTED
        statistics.append(Statistic(f"{endpoint}.n", n, "count", "count", own))
        statistics.append(Statistic(f"{endpoint}.events", events, "count", "count", own))
    return registry(statistics, cohort)


def test_the_flow_tells_no_small_count_where_these_are_withheld():
    shown = " ".join(words(flow_figure(FLOW, flow_numbers(), OBSERVED, SmallCells(6))))
    assert "younger than 18 years: < 6" in shown
    assert "below the table: < 6" in shown
    assert "Rows of the patients' table: ≥ 6" in shown
    assert "no recurrence: 20" in shown


def test_flow_says_who_left_and_why_and_counts_a_row_once() -> None:
    shown = words(flow_figure(FLOW, flow_numbers(), OBSERVED))
    assert shown == [
        "Reviewed for eligibility: 90 patients",
        "Not enrolled: 40 patients",
        "not split by reason in the source:",
        "– multiple metastases",
        "– incomplete treatment plans",
        "Rows of the patients' table: 55",
        "Rows not used:",
        "– below the table: 5",
        "In the records: 50 patients",
        "Excluded: 3 patients",
        "– younger than 18 years: 3",
        "Analysed: 47 patients",
        "with 58 lesions",
        "Local control",
        "58 analysed, 19 events",
        "Overall survival",
        "47 analysed, 28 events",
        "Progression-free",
        "survival",
        "47 analysed, 31 events",
        "Rows of other tables not used:",
        "– progressions: no recurrence: 20",
    ]


def test_flow_of_a_cohort_that_is_all_analysed_goes_from_screening_to_analysis() -> None:
    nobody = {"read": 50, "excluded": [], "analysed": 50}
    tables = {"patients": LEDGER | {"rows_read": 50, "excluded": []}}
    flow = FLOW | {"patients": nobody, "tables": tables}
    shown = words(flow_figure(flow, flow_numbers(), OBSERVED))
    assert not [w for w in shown if "records" in w or "Rows" in w]
    unscreened = words(flow_figure(flow | {"screening": None}, flow_numbers(), OBSERVED))
    assert unscreened[:2] == ["In the records: 50 patients", "Analysed: 47 patients"]


def sheet(*excluded: tuple[str, list[int]], read: int = 62) -> dict:
    """Ledger of a table that is read from the one sheet of a workbook."""
    rows = [{"reason": why, "rows": len(lines), "lines": lines} for why, lines in excluded]
    return {"file": "sheet.xlsx#Clinical", "rows_read": read, "excluded": rows}


BLANK, BELOW = ("blank row", [53]), ("below the table", list(range(54, 64)))


def test_rows_beside_the_patients_table_are_its_own_and_sum() -> None:
    """The numbers of the TCIA sheet: 62 rows, 1 blank, 10 below the table, 51 patients."""
    none = ("no recurrence or metastasis recorded", list(range(2, 26)))
    ledgers = {
        "patients": sheet(BLANK, BELOW),
        "progressions": sheet(none, BLANK, BELOW),
        "treatments": sheet(BLANK, BELOW),
    }
    flow = {
        "screening": None,
        "patients": {"read": 51, "excluded": [], "analysed": 51},
        "tables": ledgers,
    }
    counts = {"flow.patients.read": 51, "flow.patients.analysed": 51}
    numbers = registry([Statistic(k, n, "count", "count") for k, n in counts.items()], OBSERVED)
    figure = flow_figure(flow, numbers, OBSERVED)
    assert words(figure) == [
        "Rows of the patients' table: 62",
        "Rows not used:",
        "– blank row: 1",
        "– below the table: 10",
        "Analysed: 51 patients",
        "Rows of other tables not used:",
        "– progressions: no recurrence or metastasis recorded: 24",
    ]
    read, blank, below, analysed = (
        int(re.findall(r"\d+", words(figure)[i])[0]) for i in (0, 2, 3, 4)
    )
    assert read - blank - below == analysed


def test_a_row_that_two_other_tables_share_is_counted_once() -> None:
    other = {"file": "events.csv", "rows_read": 9}
    other["excluded"] = [{"reason": "blank row", "rows": 2, "lines": [4, 7]}]
    ledgers = {"patients": sheet(read=50), "progressions": other, "toxicities": other}
    nobody = {"read": 50, "excluded": [], "analysed": 50}
    flow = {"screening": None, "patients": nobody, "tables": ledgers}
    shown = words(flow_figure(flow, flow_numbers(), OBSERVED))
    assert shown[0] == "In the records: 50 patients"
    assert shown[-2:] == [
        "Rows of other tables not used:",
        "– progressions, toxicities: blank row: 2",
    ]


def test_a_reason_of_rows_and_of_patients_alike_counts_each_once() -> None:
    """Seven rows are left out as incomplete: four hold no patient, three a patient."""
    ledgers = {"patients": sheet(("incomplete", list(range(2, 9))), read=54)}
    excluded = [{"reason": "incomplete", "patients": 3}]
    people = {"read": 50, "excluded": excluded, "analysed": 47}
    flow = {"screening": None, "patients": people, "tables": ledgers}
    assert words(flow_figure(flow, flow_numbers(), OBSERVED))[:6] == [
        "Rows of the patients' table: 54",
        "Rows not used:",
        "– incomplete: 4",
        "In the records: 50 patients",
        "Excluded: 3 patients",
        "– incomplete: 3",
    ]


def test_flow_names_the_endpoint_that_rests_on_filler() -> None:
    figure = flow_figure(FLOW, flow_numbers(RECONSTRUCTED, FILLER), RECONSTRUCTED)
    assert footer(figure) == (
        f"{LABEL} Illustrative, not constrained by any printed figure: Progression-free survival."
    )


# --- every figure -------------------------------------------------------------------------


@pytest.fixture(params=["kaplan_meier", "hazard_ratio", "flow"])
def drawing(request: pytest.FixtureRequest, followed: tuple[pd.DataFrame, pd.DataFrame]) -> Figure:
    return draw(request.param, followed)


def draw(kind: str, followed: tuple[pd.DataFrame, pd.DataFrame]) -> Figure:
    if kind == "kaplan_meier":
        return kaplan_meier(followed)[0]
    if kind == "hazard_ratio":
        return hazard_ratio_figure(cox(RECONSTRUCTED), ANALYSIS, RECONSTRUCTED)
    return flow_figure(FLOW, flow_numbers(RECONSTRUCTED), RECONSTRUCTED)


def test_every_figure_is_labelled_and_as_wide_as_a_page(drawing: Figure) -> None:
    assert footer(drawing) == LABEL
    assert drawing.get_size_inches()[0] == 7.0


def test_no_text_leaves_the_page_or_lies_on_another(drawing: Figure) -> None:
    canvas = FigureCanvasAgg(drawing)
    with matplotlib.rc_context(style()):
        canvas.draw()
        boxes = {t: t.get_window_extent(canvas.get_renderer()) for t in texts(drawing)}
    page = drawing.bbox
    outside = [
        t.get_text()
        for t, box in boxes.items()
        if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1
    ]
    assert outside == []
    # Two pixels less on each side: the box of a line is higher than its letters.
    pairs = itertools.combinations([(t, b.padded(-2)) for t, b in boxes.items()], 2)
    assert [(a.get_text(), b.get_text()) for (a, x), (b, y) in pairs if x.overlaps(y)] == []


@pytest.mark.parametrize("kind", ["kaplan_meier", "hazard_ratio", "flow"])
@pytest.mark.parametrize("file_format", ["svg", "png"])
def test_equal_input_gives_equal_bytes(
    kind: str, file_format: str, followed: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    first, second = (saved(draw(kind, followed), file_format) for _ in range(2))
    assert first == second


def test_svg_holds_text_and_no_date(drawing: Figure) -> None:
    svg = saved(drawing, "svg").decode()
    assert LABEL in svg
    assert "dc:date" not in svg
    assert "dc:creator" not in svg


def test_settings_of_the_session_neither_enter_nor_change(
    followed: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    plain = saved(draw("kaplan_meier", followed), "svg")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.grid": True}):
        assert saved(draw("kaplan_meier", followed), "svg") == plain
        assert matplotlib.rcParams["font.size"] == 20


def test_figures_are_saved_as_svg_or_png() -> None:
    with pytest.raises(ValueError, match=r"^figures are saved as svg or png, not pdf$"):
        save_options("pdf")
