"""Printed prescriptions against the medians, ranges and classes of dose, fractions and BED."""

from dataclasses import replace

import pytest

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.evidence.reconstruction.prescriptions import (
    described,
    judged,
    prescription_table,
)


def table(figures, **changes):
    changed = dict(figures)
    for name, values in changes.items():
        key = f"feng2022.{name.replace('__', '.')}"
        changed[key] = replace(changed[key], **values)
    return prescription_table("feng2022", changed, 100, 10)


def test_the_least_bed_is_of_no_whole_dose(figures):
    verdict = judged(table(figures), 1)
    assert described(verdict.clash) == "least BED 51.3"
    assert verdict.example == ()


def test_half_grays_meet_everything_that_is_printed(figures):
    verdict = judged(table(figures), 0.5)
    assert verdict.clash == ()
    assert sum(n for *_, n in verdict.example) == 58
    values = sorted(bed(d, f, 10) for _, d, f, n in verdict.example for _ in range(n))
    assert (values[28] + values[29]) / 2 == pytest.approx(85.5)
    assert (round(values[0], 1), values[-1]) == (51.3, 187.5)
    assert sum(value < 100 - 1e-9 for value in values) == 31
    others = [one for key, *one, _ in verdict.example if key.endswith(".others")]
    assert [50, 5] not in others  # that would be a lesion of the row of its own
    assert not any(45 <= dose <= 48 and fractions in (3, 4) for dose, fractions in others)
    # at least 27 - 15 - 4 - 3; at most what leaves a median BED of 85.5
    assert verdict.others_from_cut == (5, 7)


@pytest.mark.parametrize(
    ("changes", "clash"),
    [
        # with 35 from 100 Gy on, the middle of 58 lies there too
        (
            {"bed10_class__below_100": {"events": 23}, "bed10_class__at_least_100": {"events": 35}},
            "35 lesions of 100 Gy or more; median BED 85.5",
        ),
        # more than half of 58 had five
        (
            {"fractions__median": {"estimate": 3.0, "printed_text": "3"}},
            "5 lesions of 40 Gy/5 Fx; 11 lesions of 45 Gy/5 Fx; 15 lesions of 50 Gy/5 Fx; "
            "median fractions 3",
        ),
        # in ten fractions 75 Gy have the least BED, 131.3 Gy
        (
            {"bed10__median": {"range_high": 100.0, "printed_range": "51.3–100.0"}},
            "greatest dose 75; greatest BED 100.0",
        ),
    ],
)
def test_a_mutation_is_found_with_what_it_contradicts(figures, changes, clash):
    assert described(judged(table(figures, **changes), 0.5).clash) == clash


def test_a_study_that_prints_less_is_not_judged(figures):
    fewer = {k: f for k, f in figures.items() if k != "feng2022.schedule.others"}
    assert prescription_table("feng2022", fewer, 100, 10) is None
