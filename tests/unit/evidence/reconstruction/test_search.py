"""A chain stays among feasible cohorts, keeps its books, and continues as if it never stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from sarcoma_sbrt.evidence.reconstruction import search
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import check
from sarcoma_sbrt.evidence.reconstruction.evaluator import printed
from sarcoma_sbrt.evidence.reconstruction.problem import SCORED, printed_numbers
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.logrank import log_rank, peto_hazard_ratio

ROOT = Path(__file__).parents[4]
SHARE = np.linspace(0, 1, len(search.MOVES) + 1)[1:]


def ready(feng, seed):
    endpoints = [feng.endpoint(at) for at in range(3)]
    feng.weigh(endpoints, 1.0, 0.2, 0.5)
    chain = feng.start(seed)
    search.refresh(chain, feng.structure, *endpoints)
    return chain, endpoints


def run(feng, chain, endpoints, steps=3000):
    return search.anneal(steps, 1.0, 0.5, 6, SHARE, chain, feng.structure, *endpoints)


def test_targets_are_the_printed_numbers_that_no_other_row_repeats(feng):
    counted = [x for numbers in feng.numbers for x in numbers if x is not None and x.counted]
    assert sum(x.endpoint != "lc" for x in counted) == 89
    assert sum(x.endpoint == "lc" for x in counted) == 52
    assert len({x.target_id for x in counted}) == len(counted)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_state_is_a_cohort_that_the_tables_accept(feng, seed):
    chain, endpoints = ready(feng, seed)
    for _ in range(5):
        run(feng, chain, endpoints)
        assert search.feasible(chain.patients, chain.lesions, feng.structure)
        patients, lesions = feng.tables(chain.patients, chain.lesions)
        assert check(patients, lesions) == []
        assert (len(patients), len(lesions)) == (37, 58)
        assert patients[["G1", "recurrence", "single_lesion"]].sum().tolist() == [19, 18, 24]
        assert lesions[["size_le5", "bed_lt100"]].sum().tolist() == [26, 31]
        assert (lesions.groupby("patient")["size_le5"].min() == patients["size_le5"].array).all()


def test_the_loss_kept_is_that_of_the_state(feng):
    chain, endpoints = ready(feng, 3)
    run(feng, chain, endpoints, 20_000)
    kept = chain.losses.sum()
    assert search.refresh(chain, feng.structure, *endpoints) == pytest.approx(kept, rel=1e-3)


def test_a_chain_that_was_stored_continues_as_one_that_was_not(feng):
    chain, endpoints = ready(feng, 4)
    run(feng, chain, endpoints)
    stored = search.Chain(*(part.copy() for part in chain))
    run(feng, chain, endpoints)
    again = [feng.endpoint(at) for at in range(3)]
    feng.weigh(again, 1.0, 0.2, 0.5)
    run(feng, stored, again)
    assert all((one == two).all() for one, two in zip(chain, stored, strict=True))


def test_results_stand_beside_their_printed_numbers(feng):
    chain, endpoints = ready(feng, 5)
    endpoints = [x._replace(fits=x.fits._replace(tolerance=SCORED)) for x in endpoints]
    search.refresh(chain, feng.structure, *endpoints)
    patients, lesions = feng.tables(chain.patients, chain.lesions)
    found = {
        number.target_id: value
        for numbers, endpoint in zip(feng.numbers, endpoints, strict=True)
        for number, value in zip(numbers, printed(endpoint.fits, endpoint.result), strict=True)
        if number is not None
    }
    test = log_rank(patients["pfs_months"], patients["pfs_event"], patients["recurrence"])
    ratio = peto_hazard_ratio(test, of=1, level=0.95)
    key = "feng2022.pfs.univariable.setting.hr."
    assert found[key + "ci_high"] == pytest.approx(ratio.high, rel=1e-8)
    assert found[key + "p"] == pytest.approx(test.p, rel=1e-8)
    model = fit_cox(
        lesions[["G1", "single_lesion", "size_le5"]],
        lesions["lc_months"],
        lesions["lf"],
        level=0.95,
        ties="efron",
    )
    key = "feng2022.lc.multivariable.size.hr."
    assert found[key + "estimate"] == pytest.approx(model.terms[2].hazard_ratio, rel=1e-8)
    assert found[key + "p"] == pytest.approx(model.terms[2].p, rel=1e-8)


def test_a_p_below_a_printed_one_is_met_by_every_smaller_p():
    row = dict.fromkeys(("printed_text", "printed_ci", "printed_range"), "") | {
        "target_id": "yew.os.p",
        "endpoint": "os",
        "measure": "p_value",
        "p": "0.001",
        "printed_p": "0.001",
        "p_relation": "<",
        "model": "",
    }
    (below,) = printed_numbers(row)
    (exact,) = printed_numbers(row | {"p_relation": "="})
    assert [below.status(p) for p in (1e-12, 0.0009, 0.001, 0.00101, 0.0016)] == [
        *("exact", "exact", "unit", "unit", "unit"),
    ]
    low, high, near_low, near_high, reach = below.bounds
    assert low == pytest.approx(norm.isf(0.0005))
    assert near_low == pytest.approx(norm.isf(0.00051))
    assert high == near_high > norm.isf(1e-300)
    assert reach == exact.bounds[4]
