"""Hazard ratios against their intervals and p values."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.contrasts import symmetric_intervals, wald_p_values
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
RATIO = {"measure": "hazard_ratio", "unit": "hazard ratio", "estimator": "cox"}
ALLOWED = "; all ratios and limits that round to these and fit each other give p "
LOGRANK = "; a log-rank p need not equal the Wald p of a Cox ratio exactly"


# --- symmetry ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ci", "verdict", "arithmetic"),
    [
        ("0.363", "0.159–0.828", "consistent",
         "√(0.159 × 0.828) = 0.3628; rounding allows 0.3622 to 0.3635; "
         "printed 0.363 allows 0.3625 to 0.3635"),
        # The geometric mean of 0.250 and 1.000 is a half.
        ("0.500", "0.250–1.000", "consistent",
         "√(0.250 × 1.000) = 0.5000; rounding allows 0.4994 to 0.5006; "
         "printed 0.500 allows 0.4995 to 0.5005"),
        # The arithmetic middle is a mistake.
        ("0.625", "0.250–1.000", "inconsistent",
         "√(0.250 × 1.000) = 0.5000; rounding allows 0.4994 to 0.5006; "
         "printed 0.625 allows 0.6245 to 0.6255"),
        # The same numbers with one digit prove nothing.
        ("0.6", "0.3–1.0", "consistent",
         "√(0.3 × 1.0) = 0.55; rounding allows 0.49 to 0.61; printed 0.6 allows 0.55 to 0.65"),
        ("1.20", "1.30–1.90", "inconsistent",
         "√(1.30 × 1.90) = 1.572; rounding allows 1.567 to 1.577; "
         "printed 1.20 allows 1.195 to 1.205"),
    ],
)  # fmt: skip
def test_symmetry(figure: Maker, text: str, ci: str, verdict: str, arithmetic: str) -> None:
    (finding,) = symmetric_intervals([figure("s.os.univariable.grade.hr", text, ci=ci, **RATIO)])
    assert (finding.check, finding.verdict) == ("interval_symmetry", verdict)
    assert finding.arithmetic == arithmetic


def test_symmetry_where_only_the_end_points_touch(figure: Maker) -> None:
    # √(0.25 × 1.00) with limits in [0.245, 0.255] and [0.995, 1.005]: 0.4937 to 0.5062;
    # 0.49 allows up to 0.495, 0.48 only up to 0.485.
    near = figure("s.os.a.hr", "0.49", ci="0.25–1.00", **RATIO)
    far = figure("s.os.b.hr", "0.48", ci="0.25–1.00", **RATIO)
    assert [f.verdict for f in symmetric_intervals([near, far])] == ["consistent", "inconsistent"]


@pytest.mark.parametrize(
    ("text", "ci", "level", "reason"),
    [
        ("0.02", "0.00–0.30", 95.0, "a number that rounding allows to be 0 has no logarithm"),
        ("0.50", "0.25–1.00", None, "the level of the confidence interval is not known"),
    ],
)
def test_what_has_no_logarithm_or_level(
    figure: Maker, text: str, ci: str, level: float | None, reason: str
) -> None:
    ratio = figure("s.os.a.hr", text, ci=ci, p="0.05", **RATIO, ci_level=level)
    findings = [*symmetric_intervals([ratio]), *wald_p_values([ratio])]
    assert [f.verdict for f in findings] == ["unverifiable", "unverifiable"]
    assert {f.detail["reason"] for f in findings} == {reason}


def test_a_median_with_an_interval_is_no_ratio(figure: Maker) -> None:
    median = figure("s.os.median", "24", ci="13–28", p="0.5", measure="median")
    assert symmetric_intervals([median]) == []
    assert wald_p_values([median]) == []


# --- Wald p -----------------------------------------------------------------------------------


def test_the_worked_example_of_altman_and_bland(figure: Maker) -> None:
    # BMJ 2011;343:d2304: 0.81 (0.70 to 0.94), SE 0.0753, z = -2.80, P = 0.005.
    ratio = figure("s.os.a.hr", "0.81", ci="0.70–0.94", p="0.005", **RATIO)
    (finding,) = wald_p_values([ratio])
    assert finding.verdict == "consistent"
    assert finding.arithmetic.startswith(
        "z = ln 0.81 / ((ln 0.94 − ln 0.70) / 3.92) = −2.802, p = 0.00508" + ALLOWED
    )
    assert finding.arithmetic.endswith("; printed p = 0.005")
    assert finding.detail["off_p"] == 0.0


@pytest.mark.parametrize(
    ("text", "ci", "p", "verdict", "arithmetic"),
    [
        # R: 2 * pnorm(log(0.363) / ((log(0.828) - log(0.159)) / (2 * qnorm(0.975)))) is 0.01607;
        # over a fine grid of lower limits x and upper limits y on the log scale,
        # m <- exp((x + y) / 2); ok <- m >= 0.3625 & m <= 0.3635
        # range(2 * pnorm(-abs(qnorm(0.975) * (x + y) / (y - x)))[ok]) is 0.01592, 0.01613
        ("0.363", "0.159–0.828", "0.016", "consistent",
         "z = ln 0.363 / ((ln 0.828 − ln 0.159) / 3.92) = −2.407, p = 0.0161"
         + ALLOWED + "0.0159 to 0.0161; printed p = 0.016"),
        ("0.363", "0.159–0.828", "0.017", "inconsistent",
         "z = ln 0.363 / ((ln 0.828 − ln 0.159) / 3.92) = −2.407, p = 0.0161"
         + ALLOWED + "0.0159 to 0.0161; printed p = 0.017" + LOGRANK),
        ("0.363", "0.159–0.828", "0.02", "consistent",
         "z = ln 0.363 / ((ln 0.828 − ln 0.159) / 3.92) = −2.407, p = 0.0161"
         + ALLOWED + "0.0159 to 0.0161; printed p = 0.02"),
        ("0.363", "0.159–0.828", "<0.05", "consistent",
         "z = ln 0.363 / ((ln 0.828 − ln 0.159) / 3.92) = −2.407, p = 0.0161"
         + ALLOWED + "0.0159 to 0.0161; printed p < 0.05"),
        ("0.363", "0.159–0.828", "<0.01", "inconsistent",
         "z = ln 0.363 / ((ln 0.828 − ln 0.159) / 3.92) = −2.407, p = 0.0161"
         + ALLOWED + "0.0159 to 0.0161; printed p < 0.01" + LOGRANK),
        # A ratio of 1 rounds from either side: any p near 1. The smallest has a lower limit of
        # 0.55 and a ratio of 1.05: 1.96 (2 ln 1.05) / (2 ln 1.05 − 2 ln 0.55) = 0.148.
        ("1.0", "0.5–2.0", "0.97", "consistent",
         "z = ln 1.0 / ((ln 2.0 − ln 0.5) / 3.92) = 0.000, p = 1.0000"
         + ALLOWED + "0.8824 to 1.0000; printed p = 0.97"),
    ],
)  # fmt: skip
def test_wald_p(figure: Maker, text: str, ci: str, p: str, verdict: str, arithmetic: str) -> None:
    (finding,) = wald_p_values([figure("s.os.a.hr", text, ci=ci, p=p, **RATIO)])
    assert finding.keys == ("s.os.a.hr",)
    assert finding.verdict == verdict
    assert finding.arithmetic == arithmetic


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model": "univariable"}, True),
        ({"model": "multivariable"}, False),
        ({"model": "model_2", "adjusted_for": "size"}, False),
    ],
)
def test_a_logrank_test_is_no_excuse_for_an_adjusted_ratio(
    figure: Maker, model: dict[str, str], said: bool
) -> None:
    ratio = figure("s.os.a.hr", "0.363", ci="0.159–0.828", p="0.017", **RATIO, **model)
    (finding,) = wald_p_values([ratio])
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic.endswith(LOGRANK) is said


def test_how_far_off_and_what_would_be_needed(figure: Maker) -> None:
    ratio = figure("s.os.a.hr", "0.500", ci="0.250–1.000", p="0.500", **RATIO)
    (finding,) = wald_p_values([ratio])
    # z = −1.96 within rounding, p = 0.05; the printed p needs z = −0.674, an SE of 1.028.
    assert finding.detail["needed_p"] == pytest.approx([0.0497, 0.0503], abs=3e-4)
    assert finding.detail["off_p"] == pytest.approx(0.4995 - 0.0503, abs=3e-4)
    # R: exp(log(0.5) + c(-1, 1) * qnorm(0.975) * log(0.5) / qnorm(0.25))
    assert finding.detail["needed_ci"] == [0.067, 3.747]


def test_another_level_is_taken_as_it_is(figure: Maker) -> None:
    # exp(ln 0.5 ± 1.645 × 0.4): 0.259 to 0.965; z = −1.733, p = 0.083
    ratio = figure("s.os.a.hr", "0.500", ci="0.259–0.965", p="0.083", **RATIO, ci_level=90.0)
    (finding,) = wald_p_values([ratio])
    assert finding.verdict == "consistent"
    assert "/ 3.29)" in finding.arithmetic
    wrong = figure("s.os.a.hr", "0.500", ci="0.259–0.965", p="0.083", **RATIO)
    assert wald_p_values([wrong])[0].verdict == "inconsistent"


def test_a_p_in_the_text_is_held_against_the_ratio_of_the_table(figure: Maker) -> None:
    table = figure("s.os.a.hr", "0.363", ci="0.159–0.828", p="0.016", **RATIO)
    text = figure("s.os.a.p", p="0.02", measure="p_value", duplicate_of="s.os.a.hr")
    lone = figure("s.os.b.p", "0.04", measure="p_value", duplicate_of="s.os.a.p",
                  estimator="logrank")  # fmt: skip
    unrelated = figure("s.os.c.p", p="0.5", measure="p_value")
    findings = wald_p_values([table, text, lone, unrelated])
    assert [f.keys for f in findings] == [
        ("s.os.a.hr",), ("s.os.a.p", "s.os.a.hr"), ("s.os.b.p", "s.os.a.hr"),
    ]  # fmt: skip
    assert [f.verdict for f in findings] == ["consistent", "consistent", "inconsistent"]
    assert findings[2].arithmetic.endswith("; printed p = 0.04" + LOGRANK)


def test_a_ratio_repeated_without_interval_uses_the_first_ones(figure: Maker) -> None:
    table = figure("s.lc.bed10.hr", "0.595", ci="0.212–1.671", **RATIO)
    text = figure("s.lc.bed10.hr.text", "0.595", p="0.324", **RATIO, duplicate_of="s.lc.bed10.hr")
    (finding,) = wald_p_values([table, text])
    assert finding.keys == ("s.lc.bed10.hr.text", "s.lc.bed10.hr")
    assert finding.verdict == "consistent"


def test_an_asymmetric_interval_is_judged_with_free_limits(figure: Maker) -> None:
    # No coefficient and SE give 0.629 (0.278–1.381): ratio and limits vary by themselves.
    # R: log(0.629) / ((log(1.381) - log(0.278)) / 3.919928) = -1.1338, p = 0.2569
    ratio = figure("s.os.bed10.hr", "0.629", ci="0.278–1.381", p="0.248", **RATIO)
    (finding,) = wald_p_values([ratio])
    assert finding.verdict == "inconsistent"
    assert finding.detail["z"] == pytest.approx([-1.1366, -1.1310], abs=2e-3)
    assert "; all ratios and limits that round to these, though none fit each other, give p " in (
        finding.arithmetic
    )
    assert symmetric_intervals([ratio])[0].verdict == "inconsistent"


def test_an_interval_without_width_is_unverifiable(figure: Maker) -> None:
    ratio = figure("s.os.a.hr", "1.00", ci="1.00–1.00", p="0.9", **RATIO)
    (finding,) = wald_p_values([ratio])
    assert finding.detail["reason"] == "rounding allows an interval without width"


@given(
    b=st.floats(-2.5, 2.5),
    error=st.floats(0.05, 1.2),
    places=st.integers(2, 4),
    p_places=st.integers(2, 4),
    rule=st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN]),
)
def test_figures_made_from_one_coefficient_are_always_consistent(
    figure: Maker, b: float, error: float, places: int, p_places: int, rule: str
) -> None:
    def rounded(value: float, digits: int) -> str:
        return format(Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=rule), "f")

    low, ratio, high = (rounded(math.exp(b + k * 1.959963984540054 * error), places)
                        for k in (-1, 0, 1))  # fmt: skip
    assume(float(low) > 0)
    p = math.erfc(abs(b / error) / math.sqrt(2))
    printed = figure("s.os.a.hr", ratio, ci=f"{low}–{high}", p=rounded(p, p_places), **RATIO)
    assert symmetric_intervals([printed])[0].verdict == "consistent"
    (finding,) = wald_p_values([printed])
    assert finding.verdict in ("consistent", "unverifiable")
    if finding.verdict == "consistent":
        lowest, highest = finding.detail["needed_p"]
        assert lowest - 1e-9 <= p <= highest + 1e-9
