"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines.datasets import load_lung
from sksurv.datasets import load_veterans_lung_cancer

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.logrank import log_rank


# R: survdiff(Surv(time, status) ~ sex, lung); survdiff(Surv(time, status) ~ ph.ecog, lung)
@pytest.mark.parametrize(
    ("column", "statistic", "degrees", "p", "n"),
    [
        ("sex", 10.3267419548856321, 1, 0.0013111645203554882, 228),
        ("ph.ecog", 21.962131682476006, 3, 6.6425353558001711e-05, 227),
    ],
)
def test_equals_r_on_lung(column: str, statistic: float, degrees: int, p: float, n: int) -> None:
    data = load_lung().dropna(subset=[column])
    test = log_rank(data["time"], data["status"], data[column])
    assert (test.degrees_of_freedom, test.n) == (degrees, n)
    assert [test.statistic, test.p] == pytest.approx([statistic, p], rel=1e-10)


# R: survdiff(Surv(time, status) ~ celltype, veteran); survdiff(Surv(time, status) ~ trt, veteran)
@pytest.mark.parametrize(
    ("column", "statistic", "degrees", "p"),
    [
        ("Celltype", 25.4037003457854, 3, 1.27124593900609e-05),
        ("Treatment", 0.00822734320235077, 1, 0.92772723334007379),
    ],
)
def test_equals_r_on_veteran(column: str, statistic: float, degrees: int, p: float) -> None:
    covariates, outcome = load_veterans_lung_cancer()
    groups = covariates[column].astype(str)
    test = log_rank(outcome["Survival_in_days"], outcome["Status"], groups)
    assert (test.degrees_of_freedom, test.n, test.events) == (degrees, 137, 128)
    assert [test.statistic, test.p] == pytest.approx([statistic, p], rel=1e-10)


def test_a_competing_event_is_censored() -> None:
    time, group = [1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 1]
    one = log_rank(time, [1, 1, 2, 1, 0, 1], group)
    assert one == log_rank(time, [1, 1, 0, 1, 0, 1], group)
    assert one.events == 4


def test_curves_that_are_alike_differ_by_nothing() -> None:
    test = log_rank([1, 1, 2, 2, 3, 3], [1, 1, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1])
    assert test.statistic == pytest.approx(0, abs=1e-12)
    assert test.p == pytest.approx(1)


@pytest.mark.parametrize(
    ("time", "event", "group", "reason"),
    [
        ([1, 2, 3], [1, 1, 1], [1, 1, 1], "there is one group only"),
        ([], [], [], "there is one group only"),
        ([1, 2, 3], [0, 2, 0], [0, 1, 1], "no event was observed"),
        (
            [1, 2, 5, 6, 7],
            [0, 0, 1, 1, 0],
            [1, 1, 0, 0, 0],
            "no event happened while two groups were at risk",
        ),
    ],
)
def test_not_estimable(time: list[float], event: list[int], group: list[int], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        log_rank(time, event, group)


def test_a_group_that_leaves_at_the_first_event_is_compared_there() -> None:
    # R: survdiff(Surv(c(5,5,6,7,8), c(0,0,1,1,0)) ~ c(1,1,0,0,0)) has no variance, but with
    #    Surv(c(6,6,6,7,8), ...) chisq = 0.666666666666667
    test = log_rank([6, 6, 6, 7, 8], [0, 0, 1, 1, 0], np.array([1, 1, 0, 0, 0]))
    assert test.statistic == pytest.approx(0.666666666666667, rel=1e-10)
