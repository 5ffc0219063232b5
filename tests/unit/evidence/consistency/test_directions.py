"""Which group the places of one paper favour, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency.directions import directions
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
RATIO = {"measure": "hazard_ratio", "category": "grade", "model": "univariable"}
POOR = {"level": "poor differentiation", "reference": "well or moderate differentiation"}


def ratio(figure: Maker, text: str, key: str = "s.os.uni.grade.hr", **cells: object) -> Figure:
    return figure(key, text, **RATIO | cells)


def words(figure: Maker, favours: str, key: str = "s.os.grade.p", **cells: object) -> Figure:
    given = {"measure": "p_value", "category": "grade", "place": "results"}
    return figure(key, p="0.01", favours=favours, **given | cells)


@pytest.mark.parametrize(
    ("favours", "text", "labels", "verdict", "by"),
    [
        # Below 1 the level does better, above 1 the reference.
        ("sbrt", "0.50", ("SBRT", "surgery"), "consistent", "label"),
        ("surgery", "0.50", ("SBRT", "surgery"), "inconsistent", "label"),
        ("surgery", "2.00", ("SBRT", "surgery"), "consistent", "label"),
        ("at_least_100", "0.50", ("< 100 Gy", "≥ 100 Gy"), "inconsistent", "label"),
        # Low grade lies in "well or moderate".
        ("grade_low", "0.234", (POOR["level"], POOR["reference"]), "inconsistent", "scale"),
        ("grade_low", "4.27", (POOR["level"], POOR["reference"]), "consistent", "scale"),
        ("grade_high", "0.234", (POOR["level"], POOR["reference"]), "consistent", "scale"),
        ("size_small", "0.282", ("≤ 5 cm", "> 5 cm"), "consistent", "scale"),
        ("size_small", "0.282", ("> 5 cm", "≤ 5 cm"), "inconsistent", "scale"),
        ("number_single", "0.349", ("<3", "≥3"), "consistent", "scale"),
    ],
)
def test_words_against_a_ratio(
    figure: Maker, favours: str, text: str, labels: tuple[str, str], verdict: str, by: str
) -> None:
    table = ratio(figure, text, level=labels[0], reference=labels[1])
    (finding,) = directions([table, words(figure, favours)])
    assert finding.keys == ("s.os.grade.p", "s.os.uni.grade.hr")
    assert (finding.check, finding.verdict, finding.detail["by"]) == ("direction", verdict, by)


def test_the_line(figure: Maker) -> None:
    (finding,) = directions([ratio(figure, "0.234", **POOR), words(figure, "grade_low")])
    assert finding.arithmetic == (
        "the words of Results favour grade low; in Table 1 0.234 < 1 (poor differentiation vs "
        "well or moderate differentiation) favours poor differentiation; "
        "grade low by its place on one scale"
    )
    assert finding.printed == "grade low | poor differentiation"


@pytest.mark.parametrize(
    ("favours", "labels"),
    [
        ("radiotherapy", ("SBRT", "surgery")),
        # No end of a scale, half in either group, in none.
        ("size_small", ("central", "peripheral")),
        ("g2_g3", (POOR["level"], POOR["reference"])),
        ("number_multiple", ("<3", "≥3")),
    ],
)
def test_groups_that_are_not_matched(figure: Maker, favours: str, labels: tuple[str, str]) -> None:
    table = ratio(figure, "0.5", level=labels[0], reference=labels[1])
    (finding,) = directions([table, words(figure, favours)])
    assert finding.verdict == "unverifiable"
    assert finding.detail["reason"] == (
        "the words and the labels of the ratio do not name the same groups"
    )
    # Without the covariate's name, nothing says that the two belong together.
    assert directions([table, words(figure, favours, category="")]) == []


@pytest.mark.parametrize(
    "other",
    [{"paper": "t"}, {"endpoint": "lc"}, {"subgroup": "old"}, {"category": "differentiation"},
     {"study_id": "t"}, {"arm": "sbrt"}],
)  # fmt: skip
def test_other_places_are_not_compared(figure: Maker, other: dict[str, object]) -> None:
    table = ratio(figure, "0.234", **POOR)
    assert directions([table, words(figure, "grade_low", **other)]) == []


def test_a_ratio_around_1_favours_nobody(figure: Maker) -> None:
    assert directions([ratio(figure, "1.0", **POOR), words(figure, "grade_low")]) == []


def test_an_odds_ratio_of_we_do_not_know_what(figure: Maker) -> None:
    table = ratio(figure, "0.234", measure="odds_ratio", **POOR)
    assert directions([table, words(figure, "grade_low")]) == []


def test_the_ratio_of_the_same_kind_of_model_is_taken(figure: Maker) -> None:
    adjusted = ratio(figure, "0.5", "s.os.multi.grade.hr", **POOR | {"model": "multivariable"})
    plain = ratio(figure, "2.0", **POOR)
    figures = [adjusted, plain]
    (alone,) = directions([*figures, words(figure, "grade_low")])
    assert (alone.keys[1], alone.verdict) == ("s.os.uni.grade.hr", "consistent")
    (multi,) = directions([*figures, words(figure, "grade_low", model="multivariable")])
    assert (multi.keys[1], multi.verdict) == ("s.os.multi.grade.hr", "inconsistent")
    # Without one of its kind, the other.
    assert directions([adjusted, words(figure, "grade_low")])[0].verdict == "inconsistent"


def test_words_and_ratio_of_one_row(figure: Maker) -> None:
    row = ratio(figure, "0.5", level="SBRT", reference="surgery", favours="surgery")
    (finding,) = directions([row])
    assert (finding.keys, finding.verdict) == (("s.os.uni.grade.hr",), "inconsistent")


def test_words_against_earlier_words(figure: Maker) -> None:
    labels = {"level": "low grade", "reference": "high grade"}
    first = words(figure, "low_grade", **labels)
    second = words(figure, "high_grade", "s.os.grade.abstract", place="abstract", **labels)
    again = words(figure, "low_grade", "s.os.grade.discussion", place="discussion")
    found = directions([first, second, again])
    assert [(f.keys, f.verdict) for f in found] == [
        (("s.os.grade.abstract", "s.os.grade.p"), "inconsistent"),
        (("s.os.grade.discussion", "s.os.grade.p"), "consistent"),
    ]


@pytest.mark.parametrize(("text", "verdict"), [("0.628", "inconsistent"), ("1.592", "consistent")])
def test_labels_that_change_places(figure: Maker, text: str, verdict: str) -> None:
    table = ratio(figure, "0.628", level="≥100 Gy", reference="<100 Gy")
    turned = ratio(figure, text, "s.os.again.hr", level="<100 Gy", reference="≥100 Gy")
    (finding,) = directions([table, turned])
    assert finding.keys == ("s.os.again.hr", "s.os.uni.grade.hr")
    assert finding.verdict == verdict


def test_another_model_may_find_another_direction(figure: Maker) -> None:
    table = ratio(figure, "0.628", level="≥100 Gy", reference="<100 Gy")
    adjusted = {"model": "model_2", "adjusted_for": "size"}
    turned = ratio(figure, "0.628", "s.os.again.hr",
                   **adjusted | {"level": "<100 Gy", "reference": "≥100 Gy"})  # fmt: skip
    assert directions([table, turned]) == []


def test_groups_that_overlap_in_one_are_not_turned_round(figure: Maker) -> None:
    """G1 before G2, and G2 before G3, do not contradict each other."""
    first = ratio(figure, "0.5", level="G1", reference="G2")
    second = ratio(figure, "0.5", "s.os.again.hr", level="G2", reference="G3")
    assert directions([first, second]) == []
