"""Expected values from R 4.2.2, survival 3.5-3; the calls stand above each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cut_points import (
    NO_CUT,
    NO_EXCHANGE,
    ONE_DOSE,
    CutPointSearch,
    Selection,
    levels_of,
    search_cut_points,
)
from sarcoma_sbrt.survival.logrank import log_rank

# Twenty lesions of fourteen patients.
PATIENT = np.array([1, 1, 2, 3, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 14])
TIME = np.array([5, 9, 3, 12, 12, 7, 20, 4, 15, 15, 6, 8, 24, 11, 2, 18, 10, 13, 9, 21.0])
EVENT = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0])
GRAY = [30, 45, 30, 45, 50, 30, 60, 40, 50, 60, 40, 45, 54, 54, 30, 50, 40, 60, 48, 48]
DOSE = np.array(GRAY, dtype=float)
FRACTIONS = np.array([3, 5, 3, 5, 5, 3, 8, 5, 5, 8, 5, 5, 3, 3, 3, 5, 5, 6, 4, 4], dtype=float)
BED = np.column_stack([bed(DOSE, FRACTIONS, ratio) for ratio in (3, 4, 10)])


def searched(**changes: object) -> CutPointSearch:
    given = {"time": TIME, "event": EVENT, "doses": BED, "patient": PATIENT}
    rules = {"least_share": 0.1, "least_events": 2, "permutations": 99}
    made = given | rules | {"seed": np.random.SeedSequence(1)} | changes
    return search_cut_points(**made)  # type: ignore[arg-type]


def test_one_lesion_that_failed_has_one_dose() -> None:
    found = searched(time=[5.0], event=[1], doses=[[60.0, 70.0]], patient=[1])
    assert found == CutPointSearch((ONE_DOSE, ONE_DOSE), None, ONE_DOSE)


def of(found: CutPointSearch, measure: int) -> Selection:
    selection = found.selections[measure]
    assert isinstance(selection, Selection)
    return selection


# R: b <- dose * (1 + dose / fx / ab); x <- as.numeric(b >= cut * (1 - 1e-9))
# survdiff(Surv(time, event) ~ x)$chisq, of every cut with two events and lesions on each side
@pytest.mark.parametrize(
    ("measure", "cuts"),
    [
        (
            0,
            {
                146.66666666666666: (4, 4, 17.499493302097548, 2.8738426544736026e-05),
                180.0: (7, 7, 24.910701649805493, 6.0048162731986575e-07),
                210.0: (10, 7, 9.2874881154210929, 0.0023072432009052873),
                216.66666666666669: (12, 7, 3.5879002350131097, 0.058201739609628364),
            },
        ),
        (
            2,
            {
                72.0: (4, 4, 17.499493302097548, 2.8738426544736026e-05),
                85.5: (7, 7, 24.910701649805493, 6.0048162731986575e-07),
                100.0: (10, 7, 9.2874881154210929, 0.0023072432009052873),
            },
        ),
    ],
)
def test_every_split_has_rs_log_rank_test(
    measure: int, cuts: dict[float, tuple[int, int, float, float]]
) -> None:
    selection = of(searched(), measure)
    assert [cut.dose for cut in selection.cuts] == pytest.approx(list(cuts), rel=1e-12)
    for cut, (below, below_events, statistic, p) in zip(selection.cuts, cuts.values(), strict=True):
        assert (cut.below, cut.below_events) == (below, below_events)
        assert (cut.above, cut.above_events) == (20 - below, 9 - below_events)
        assert [cut.statistic, cut.p] == pytest.approx([statistic, p], rel=1e-8)
    assert selection.best == 1


def test_every_split_is_the_test_of_the_two_groups() -> None:
    rng = np.random.default_rng(7)
    time, event = rng.integers(1, 30, 80).astype(float), rng.integers(0, 3, 80)
    dose = rng.integers(1, 12, 80) * 10.0
    found = searched(time=time, event=event, doses=dose[:, None], patient=np.arange(80))
    for cut in of(found, 0).cuts:
        test = log_rank(time, event, dose >= cut.dose)
        assert [cut.statistic, cut.p] == pytest.approx([test.statistic, test.p], rel=1e-8)


def test_the_rules_say_which_cuts_there_are() -> None:
    assert [c.dose for c in of(searched(least_share=0.5), 2).cuts] == [100]
    assert searched(least_events=5).selections[2] == NO_CUT
    assert [c.above_events for c in of(searched(least_events=2), 2).cuts] == [5, 2, 2]


def test_one_dose_has_no_cut_and_nothing_to_correct() -> None:
    found = searched(doses=np.column_stack([BED[:, 0], np.full(20, 100.0)]))
    assert isinstance(found.selections[0], Selection)
    assert found.selections[1] == ONE_DOSE
    alone = searched(doses=np.full((20, 1), 100.0))
    assert alone == CutPointSearch((ONE_DOSE,), None, ONE_DOSE)


def test_doses_are_exchanged_between_patients_with_equally_many_lesions_only() -> None:
    unequal = np.repeat([1, 2, 3, 4], [2, 4, 6, 8])
    found = searched(patient=unequal)
    assert (found.corrected_p, found.reason) == (None, NO_EXCHANGE)
    assert {cut.corrected_p for cut in of(found, 0).cuts} == {None}


def test_the_corrected_p_is_that_of_all_permutations() -> None:
    time, event = np.array([1.0, 2, 3, 4, 5, 6, 7]), np.array([1, 1, 0, 1, 0, 1, 0])
    dose = np.array([30.0, 40, 30, 50, 40, 60, 60])

    def greatest(order: tuple[int, ...]) -> float:
        given = dose[list(order)]
        tests = [
            log_rank(time, event, given >= cut)
            for cut in np.unique(given)[1:]
            if min((event[given >= cut]).sum(), (event[given < cut]).sum()) >= 1
        ]
        return max((test.statistic for test in tests), default=0.0)

    every = [greatest(order) for order in itertools.permutations(range(7))]
    found = searched(
        time=time,
        event=event,
        doses=dose[:, None],
        patient=np.arange(7),
        least_events=1,
        permutations=20_000,
    )
    for cut in of(found, 0).cuts:
        exact = np.mean([value >= cut.statistic * (1 - 1e-9) for value in every])
        error = np.sqrt(exact * (1 - exact) / 20_000)
        assert cut.corrected_p == pytest.approx(exact, abs=4 * error + 1e-4)
    assert found.corrected_p == of(found, 0).cuts[of(found, 0).best].corrected_p


def test_patients_keep_their_lesions_together() -> None:
    """Two patients with two lesions each: what is alike within one stays so.

    Exchanging lesions freely would give six arrangements of two high doses over four lesions;
    whole patients have two, which are mirror images and thus equally extreme.
    """
    found = searched(
        time=[1.0, 2, 3, 4],
        event=[1, 1, 1, 1],
        doses=[[30.0], [30], [50], [50]],
        patient=["a", "a", "b", "b"],
        least_events=1,
        permutations=500,
    )
    assert of(found, 0).cuts[0].statistic == pytest.approx(
        log_rank([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1]).statistic
    )
    free = searched(
        time=[1.0, 2, 3, 4],
        event=[1, 1, 1, 1],
        doses=[[30.0], [30], [50], [50]],
        patient=["a", "b", "c", "d"],
        least_events=1,
        permutations=500,
    )
    assert found.corrected_p is not None
    assert free.corrected_p is not None
    assert found.corrected_p > 0.45  # the mirror image is as extreme or nearly so
    assert free.corrected_p == pytest.approx(1 / 3, abs=0.1)


def test_p_is_never_below_what_the_permutations_can_show_nor_below_the_uncorrected_one() -> None:
    found = searched(permutations=999)
    for selection in found.selections:
        assert isinstance(selection, Selection)
        for cut in selection.cuts:
            assert cut.corrected_p is not None
            assert cut.corrected_p >= max(1e-3, cut.p - 0.03)
    ascending = sorted(of(found, 2).cuts, key=lambda cut: cut.statistic)
    ps = [cut.corrected_p for cut in ascending]
    assert ps == sorted(ps, reverse=True)


def test_the_seed_decides_and_is_not_advanced() -> None:
    seed = np.random.SeedSequence(4)
    assert searched(seed=seed) == searched(seed=seed)
    assert searched(seed=seed) != searched(seed=np.random.SeedSequence(5))


def test_a_dose_that_differs_by_rounding_only_is_the_same() -> None:
    assert levels_of([100.0, 100.00000000000001, 99.9, 105.0]).tolist() == [1, 1, 0, 2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event": np.zeros(20, dtype=int)}, "no event was observed"),
        ({"time": [], "event": [], "doses": np.empty((0, 3)), "patient": []}, "no dose is known"),
    ],
)
def test_without_events_or_doses_there_is_a_reason(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        searched(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"doses": np.where(BED > 300, np.nan, BED)}, "a dose is missing"),
        ({"doses": BED[:, 0]}, "a dose is missing"),
        ({"patient": [None] * 20}, "a patient is missing"),
    ],
)
def test_missing_values_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        searched(**changes)
