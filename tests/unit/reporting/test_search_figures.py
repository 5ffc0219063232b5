"""The figure of a search has every seed's curve, the best of them thick, and the goal."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from sarcoma_sbrt.evidence.reconstruction.reproduction import Counts
from sarcoma_sbrt.evidence.reconstruction.search_record import Search, SearchRecord
from sarcoma_sbrt.reporting.drawing import BLACK, BLUE, VERMILION, save_options, style
from sarcoma_sbrt.reporting.numbers import computed_entries
from sarcoma_sbrt.reporting.reproduction_statistics import STAGE
from sarcoma_sbrt.reporting.search_figures import search_figure
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.settings import cohort_settings

LABEL = "Reconstructed from published statistics; not patients."
COHORT = cohort_settings(
    "yew",
    {
        "title": "Yew",
        "kind": "reconstructed",
        "derived_from": "yew2022",
        "support": {"patients.grade": "printed"},
        "times": {"unit": "days", "origin": "first fraction"},
        "time_zero": "first_course",
        "tables": {},
    },
)


def search(seed, steps, near, exact):
    curve = tuple((steps * part // 4, near - 4 + part, exact - 4 + part) for part in (1, 2, 3, 4))
    return Search(seed, steps, near, exact, curve)


RECORD = SearchRecord(
    study="yew2022",
    plan_sha256="0" * 64,
    targets_sha256="1" * 64,
    searches=(
        search(1, 40_000_000, 11, 7),
        search(2, 40_000_000, 12, 9),
        search(3, 4_000_000, 9, 5),
        search(4, 2_000_000, 8, 6),
    ),
    best_seed=2,
    best={"os": Counts(12, 9, 15)},
    solutions=None,
    alternatives=(),
    sha256={},
)


def registry(attainable=13, columns=("patients.grade",)):
    values = {
        "count.all.n": 15,
        "attainable.near": 15,
        "attainable.exact": attainable,
        "search.best.all.near": 12,
        "search.best.all.exact": 9,
        "search.longest.seeds": 2,
        "search.longest.million_moves": 40,
        "search.shorter.seeds": 2,
        "search.shorter.million_moves": 4,
    }
    made = [
        Statistic(key=f"{STAGE}.{key}", value=value, unit="count", method="", columns=columns)
        for key, value in values.items()
    ]
    return computed_entries([(STAGE, one) for one in made], COHORT)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return search_figure(RECORD, registry(), COHORT)


def curves(axes):
    return {line.get_gid(): line for line in axes.lines if str(line.get_gid()).startswith("seed_")}


def test_each_panel_has_one_step_line_a_seed_at_its_score(figure) -> None:
    for axes, what in zip(figure.axes, ("near", "exact"), strict=True):
        drawn = curves(axes)
        assert drawn.keys() == {f"seed_{seed}" for seed in (1, 2, 3, 4)}
        for one in RECORD.searches:
            line = drawn[f"seed_{one.seed}"]
            assert line.get_drawstyle() == "steps-post"
            assert list(line.get_xdata()) == [moves / 1e6 for moves, *_ in one.curve]
            assert line.get_ydata()[-1] == getattr(one, what)
        assert axes.get_xscale() == "log"


def test_budgets_and_the_best_look_different_even_without_colour(figure) -> None:
    for axes in figure.axes:
        look = {
            gid: (to_hex(line.get_color()), line.get_linestyle(), line.get_linewidth())
            for gid, line in curves(axes).items()
        }
        assert look["seed_1"] == (BLUE.lower(), "-", 0.7)
        assert look["seed_3"] == look["seed_4"] == (VERMILION.lower(), "--", 0.7)
        assert look["seed_2"][0] == BLACK
        assert look["seed_2"][2] > 2 * look["seed_1"][2]


def test_the_goal_is_a_line_and_so_is_what_a_proof_leaves_of_it(figure) -> None:
    goals = [
        {str(x.get_gid()): x.get_ydata()[0] for x in axes.lines if "reproduction" in x.get_gid()}
        for axes in figure.axes
    ]
    assert goals == [
        {"reproduction.count.all.n": 15},
        {"reproduction.count.all.n": 15, "reproduction.attainable.exact": 13},
    ]
    assert [axes.get_ylim()[1] > 15 for axes in figure.axes] == [True, True]


def test_what_it_writes_is_the_registrys(figure) -> None:
    numbers = registry()
    numbers[f"{STAGE}.count.all.n"]["text"] = "all fifteen"
    numbers[f"{STAGE}.search.longest.million_moves"]["text"] = "forty"
    drawn = search_figure(RECORD, numbers, COHORT)
    legend = [text.get_text() for text in drawn.axes[1].get_legend().get_texts()]
    assert legend == [
        "All printed numbers: all fifteen",
        "No cohort has more, as is proved: 13",
        "The cohort that was taken: 9",
    ]
    said = [text.get_text() for text in drawn.texts]
    assert "Budget of forty million moves; searches: 2" in said
    assert "Budget of up to 4 million moves; searches: 2" in said


def test_one_budget_has_one_line_in_the_key() -> None:
    drawn = search_figure(replace(RECORD, searches=RECORD.longest), registry(), COHORT)
    assert sum("million moves;" in text.get_text() for text in drawn.texts) == 1


def test_it_is_labelled_and_as_wide_as_a_page(figure) -> None:
    assert figure.texts[-1].get_text() == LABEL
    assert figure.get_size_inches()[0] == 7.0


def test_no_text_leaves_the_page_or_lies_on_another(figure) -> None:
    canvas = FigureCanvasAgg(figure)
    with matplotlib.rc_context(style()):
        canvas.draw()
        shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text()]
        boxes = [
            (t, t.get_window_extent(canvas.get_renderer())) for t in shown if not beyond(figure, t)
        ]
    for _, box in boxes:
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 <= box.y1 <= figure.bbox.y1
    pairs = itertools.combinations([(t, b.padded(-2)) for t, b in boxes], 2)
    assert [(a.get_text(), b.get_text()) for (a, x), (b, y) in pairs if x.overlaps(y)] == []


def beyond(figure: Figure, text: Text) -> bool:
    """Whether a text is the label of a tick beyond its axis's end."""
    return any(
        text in tick.findobj(Text)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    )


def test_equal_input_gives_equal_bytes() -> None:
    files = []
    for _ in range(2):
        stream = io.BytesIO()
        with matplotlib.rc_context(style()):
            drawn = search_figure(RECORD, registry(), COHORT)
            drawn.savefig(stream, **save_options("svg"))
        files.append(stream.getvalue())
    assert files[0] == files[1]
