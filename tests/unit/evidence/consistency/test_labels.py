"""Groups of patients as labels name them."""

from __future__ import annotations

from math import inf

import pytest

from sarcoma_sbrt.evidence.consistency.labels import Group, end, group, slugs


@pytest.mark.parametrize(
    ("label", "placed"),
    [
        ("≤ 5 cm", Group("mm", -inf, 50.0)),
        ("at_most_50_mm", Group("mm", -inf, 50.0)),
        ("≥100 Gy", Group("gy", 100.0, inf)),
        ("<3", Group("", -inf, 3.0)),
        ("2–3", Group("", 2.0, 3.0)),
        ("single lesion", Group("", 1.0, 1.0)),
        ("number_multiple", Group("", 1.0, inf)),
        ("G2 and G3", Group("grade", 2.0, 3.0)),
        ("grade_low", Group("grade", 1.0, 1.0)),
        # Low differentiation is poor differentiation.
        ("low differentiation", Group("grade", 3.0, 3.0)),
        ("High or moderately differentiation", Group("grade", 1.0, 2.0)),
        ("undifferentiated", None),
        ("recurrence", None),
        ("size_small", None),
    ],
)
def test_a_label_on_its_scale(label: str, placed: Group | None) -> None:
    assert group(label) == placed


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        ("1", "<3", True),
        ("2–3", "<3", False),
        ("2-3", "≤3", True),
        ("single", "<3", True),
        ("multiple", "≥3", False),
        ("> 5 cm", "≥ 50 mm", True),
        ("≥ 5 cm", "> 50 mm", False),
        ("≥ 5 cm", "≥ 5 Gy", False),
        ("low grade", "High or moderately differentiation", True),
        ("G2 and G3", "poor differentiation", False),
    ],
)
def test_one_group_within_another(inner: str, outer: str, within: bool) -> None:
    one, other = group(inner), group(outer)
    assert one is not None
    assert other is not None
    assert one.within(other) is within


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("≥ 100 Gy", {"at_least_100", "at_least_100_gy"}),
        ("<3", {"below_3"}),
        ("Low-grade", {"low_grade"}),
        ("SABR/SBRT", {"sabr_sbrt"}),
        ("", set()),
    ],
)
def test_slugs_of_a_label(label: str, expected: set[str]) -> None:
    assert slugs(label) == expected


def test_ends_of_a_scale() -> None:
    assert [end(name) for name in ("size_small", "size_large", "relapse_late", "sbrt", "")] == [
        -1, 1, 1, 0, 0,
    ]  # fmt: skip
