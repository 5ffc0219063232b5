import io
import itertools
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from sarcoma_sbrt.reporting.drawing import FILLER_NOTE, save_options, style
from sarcoma_sbrt.reporting.forest_figures import importance_figure, partial_dependence_figure
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
)

NAMES = ("grade", "size", "age")
COVARIATES = {
    "grade": Covariate("grade", "Grade", "patients.grade", Level("G1"), Level("G2 and G3")),
    "size": Covariate("size", "Size", "derived.size_mm", Level("5 cm or less"), Level("more")),
    "age": Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years"),
}
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
    covariates=COVARIATES,
    endpoints=("lc", "os"),
    strata={},
    univariable={},
    multivariable={},
    forest={"lc": ("grade", "size"), "os": NAMES},
    figures={},
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


def registry(statistics: list[Statistic], cohort: CohortSettings = OBSERVED) -> dict:
    configured = {"confidence_level": 0.95, "kaplan_meier": {"landmarks_months": [12, 24, 36]}}
    numbers = computed_entries([("forest", s) for s in statistics], cohort)
    numbers |= configured_entries({"models": configured})
    return numbers | plan_entries(ANALYSIS, cohort, {"lc": LC, "os": OS})


def statistics(columns: tuple[str, ...] = PRINTED) -> list[Statistic]:
    found = []
    for endpoint, names in ANALYSIS.forest.items():
        key = f"forest.{endpoint}"
        for name in ("concordance", "cv.forest.harrell"):
            found.append(Statistic(f"{key}.{name}", 0.61, "concordance", "C", columns))
        found.append(Statistic(f"{key}.cv.horizon", 28.0, "months", "last", columns))
        for index, name in enumerate(names):
            value = 0.12 - 0.08 * index
            own, unseen = f"{key}.importance.{name}", f"{key}.cv.importance.{name}"
            found.append(Statistic(own, value + 0.05, "importance", "bag", columns))
            ci = Interval(value - 0.04, value + 0.03, 0.95, "quantiles")
            found.append(Statistic(unseen, value, "importance", "fall", columns, ci=ci))
            found += partial(f"{key}.partial.{name}", name, columns)
    return found


def partial(key: str, name: str, columns: tuple[str, ...]) -> list[Statistic]:
    points = [f"point_{i}" for i in range(4)] if name == "age" else ["reference", "level"]
    return [
        Statistic(f"{key}.{point}.rate_{month}m", 80.0 - month + 10 * i, "percent", "free", columns)
        for i, point in enumerate(points)
        for month in (12, 24, 36)
    ]


def markers(axes: Axes, face: str) -> list[tuple[float, float]]:
    """Places of the circles of one colour."""
    lines = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == face]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def test_importances_are_bars_with_their_interval_number_and_out_of_bag_diamond() -> None:
    numbers = registry(statistics())
    figure = importance_figure(numbers, ANALYSIS, OBSERVED)
    axes = figure.axes[1]
    assert [patch.get_width() for patch in axes.patches] == pytest.approx([0.12, 0.04, -0.04])
    whiskers = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][1:]
    expected = [0.08, 0.15, 0.0, 0.07, -0.08, -0.01]
    assert [end for ends in whiskers for end in ends] == pytest.approx(expected)
    diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == pytest.approx([0.17, 0.09, 0.01])
    assert [text.get_text() for text in axes.texts] == [
        numbers[f"forest.os.cv.importance.{name}"]["text"] for name in NAMES
    ]
    assert axes.get_title(loc="left") == "Overall survival\nC in held-out patients 0.610"


def test_covariate_outside_a_forest_has_no_bar_there() -> None:
    figure = importance_figure(registry(statistics()), ANALYSIS, OBSERVED)
    assert [patch.get_y() + patch.get_height() / 2 for patch in figure.axes[0].patches] == [0, 1]


def test_forest_that_is_not_estimable_says_so() -> None:
    names = ["concordance", "cv.forest.harrell"]
    names += [f"{w}importance.{n}" for n in ("grade", "size") for w in ("", "cv.")]
    lost = [not_estimable(f"forest.lc.{n}", "concordance", "C", "too few") for n in names]
    numbers = registry(lost)
    axes = importance_figure(numbers, ANALYSIS, OBSERVED).axes[0]
    assert [text.get_text() for text in axes.texts] == ["not estimable"] * 2
    assert axes.get_title(loc="left").endswith("C not estimable")
    axes = partial_dependence_figure(numbers, ANALYSIS, OBSERVED).axes[0]
    assert axes.get_title(loc="left") == "Local control\nno prediction"
    assert not axes.lines


def test_partial_dependence_is_drawn_at_the_last_landmark_that_is_scored() -> None:
    axes = partial_dependence_figure(registry(statistics()), ANALYSIS, OBSERVED).axes[1]
    assert axes.get_title(loc="left") == "Overall survival\nat 24 months"
    assert markers(axes, "#FFFFFF") == [(56, 0), (56, 1), (56, 2)]
    assert markers(axes, "#0072B2") == [(66, 0), (66, 1), (86, 2)]
    assert [label.get_text() for label in axes.get_yticklabels()] == []


def test_rows_say_which_group_is_which() -> None:
    axes = partial_dependence_figure(registry(statistics()), ANALYSIS, OBSERVED).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Grade\n● G1\n○ G2 and G3",
        "Size\n● 5 cm or less\n○ more",
        "Age\n● largest\n○ smallest",
    ]


def test_a_group_alone_keeps_its_circle() -> None:
    kept = [s for s in statistics() if ".partial.grade.reference." not in s.key]
    axes = partial_dependence_figure(registry(kept), ANALYSIS, OBSERVED).axes[1]
    assert (66, 0) in markers(axes, "#0072B2")
    assert (66, 0) not in markers(axes, "#FFFFFF")


@pytest.mark.parametrize("draw", [importance_figure, partial_dependence_figure])
class TestEveryFigure:
    def test_it_is_labelled_and_names_filler(self, draw) -> None:
        for columns, note in ((PRINTED, LABEL), (FILLER, f"{LABEL} I{FILLER_NOTE[1:]}.")):
            numbers = registry(statistics(columns), RECONSTRUCTED)
            figure = draw(numbers, ANALYSIS, RECONSTRUCTED)
            assert figure.texts[-1].get_text() == note
            assert figure.get_size_inches()[0] == 7.0

    def test_no_text_leaves_the_page_or_lies_on_another(self, draw) -> None:
        figure: Figure = draw(registry(statistics(), RECONSTRUCTED), ANALYSIS, RECONSTRUCTED)
        canvas = FigureCanvasAgg(figure)
        with matplotlib.rc_context(style()):
            canvas.draw()
            shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text()]
            inside = [t for t in shown if not _beyond(figure, t)]
            boxes = [(t, t.get_window_extent(canvas.get_renderer())) for t in inside]
        page = figure.bbox
        for _, box in boxes:
            assert 0 <= box.x0 <= box.x1 <= page.x1
            assert 0 <= box.y0 <= box.y1 <= page.y1
        pairs = itertools.combinations([(t, b.padded(-2)) for t, b in boxes], 2)
        assert [(a.get_text(), b.get_text()) for (a, x), (b, y) in pairs if x.overlaps(y)] == []

    def test_equal_input_gives_equal_bytes(self, draw) -> None:
        numbers = registry(statistics())
        first, second = (_saved(draw(numbers, ANALYSIS, OBSERVED)) for _ in range(2))
        assert first == second


def _beyond(figure: Figure, text: Text) -> bool:
    """Whether a text is the label of a tick beyond its axis's end."""
    return any(
        text in tick.findobj(Text)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    )


def _saved(figure: Figure) -> bytes:
    stream = io.BytesIO()
    with matplotlib.rc_context(style()):
        figure.savefig(stream, **save_options("svg"))
    return stream.getvalue()
