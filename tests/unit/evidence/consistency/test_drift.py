"""Two versions of one study, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency.drift import drift
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
RATIO = {"measure": "hazard_ratio", "unit": "hazard ratio"}
RATE = {"measure": "rate", "unit": "percent", "time_months": 12.0}
SHARE = {"measure": "proportion", "unit": "percent"}


def said(finding: Finding) -> tuple[str, str]:
    return finding.verdict, finding.detail["what"]


def contrast(
    figure: Maker,
    old: tuple[str, str, str],
    new: tuple[str, str, str],
    suffix: str = "os.univariable.grade.hr",
) -> Finding:
    """The drift of one hazard ratio: its text, level and reference in either version."""
    versions = [
        [figure(f"{study}.{suffix}", text, **RATIO, level=level, reference=reference)]
        for study, (text, level, reference) in (("old", old), ("new", new))
    ]
    (finding,) = drift(*versions)
    return finding


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "verdict", "arithmetic"),
    [
        ("66.6", "71.5", "changed", "percent 66.6 → 71.5"),
        ("66.6", "66.6", "unchanged", "percent 66.6 = 66.6"),
        ("67", "66.6", "unchanged", "percent 67 = 66.6"),
        ("66", "66.6", "changed", "percent 66 → 66.6"),
    ],
)
def test_a_rate(figure: Maker, old: str, new: str, verdict: str, arithmetic: str) -> None:
    (finding,) = drift(
        [figure("old.os.rate_12m", old, **RATE)], [figure("new.os.rate_12m", new, **RATE)]
    )
    assert finding.check == "drift"
    assert finding.keys == ("old.os.rate_12m", "new.os.rate_12m")
    assert said(finding) == (verdict, verdict)
    assert finding.arithmetic == arithmetic
    assert finding.detail["suffix"] == "os.rate_12m"


def test_a_number_at_another_time_has_changed(figure: Maker) -> None:
    (finding,) = drift(
        [figure("old.os.rate", "66.6", **RATE)],
        [figure("new.os.rate", "66.6", **RATE | {"time_months": 24.0})],
    )
    assert said(finding) == ("changed", "changed")
    assert finding.arithmetic == "percent 66.6 = 66.6; time 12 months → 24 months"


def test_what_only_one_version_has(figure: Maker) -> None:
    findings = drift([figure("old.age.mean", "55")], [figure("new.age.median", "58")])
    assert [(f.keys, said(f)) for f in findings] == [
        (("old.age.mean",), ("changed", "earlier version only")),
        (("new.age.median",), ("changed", "later version only")),
    ]


def test_a_version_is_called_as_its_paper(figure: Maker) -> None:
    locators = {"old": "Doe 2000 (preprint), Table 1", "new": "Doe 2001, Table 1"}
    old, new = (
        [figure(f"{study}.age.{i}", "55", locator=locator, paper=study)]
        for i, (study, locator) in enumerate(locators.items())
    )
    first, second = drift(old, new)
    assert first.arithmetic == "earlier version only: Doe 2000 (preprint)"
    assert (first.detail["version"], first.detail["kind"]) == ("Doe 2000 (preprint)", "one_version")
    assert second.arithmetic == "later version only: Doe 2001"


@pytest.mark.parametrize(
    ("old", "new", "verdict", "arithmetic"),
    [
        ("June 2009 and June 2019", "December 2009 and December 2019", "changed",
         "from June 2009 → December 2009; to June 2019 → December 2019"),
        ("June 2009 and June 2019", "2009 to 2019", "unchanged",
         "from June 2009 = 2009; to June 2019 = 2019"),
    ],
)  # fmt: skip
def test_a_period_by_its_months(
    figure: Maker, old: str, new: str, verdict: str, arithmetic: str
) -> None:
    cells = {"measure": "period", "range_low": 2009.0, "range_high": 2019.0}
    (finding,) = drift(
        [figure("old.period.x", printed_range=old, **cells)],
        [figure("new.period.x", printed_range=new, **cells)],
    )
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [(">", ">", "unchanged"), (">", "", "changed"), ("", "~", "changed"), ("", "", "unchanged")],
)
def test_a_bound_that_another_print_satisfies_has_changed(
    figure: Maker, old: str, new: str, verdict: str
) -> None:
    """A fact over 70 may be 70.5 in the other version, but it is told otherwise."""
    texts = ("70", "70" if old == new else "70.5")
    cells = {"measure": "amount", "unit": "Gy"}
    (finding,) = drift(
        [figure("old.dose.x", texts[0], relation=old, **cells)],
        [figure("new.dose.x", texts[1], relation=new, **cells)],
    )
    assert finding.verdict == verdict


def test_repetitions_are_left_to_their_first_print(figure: Maker) -> None:
    old = [figure("old.patients", "37")]
    new = [
        figure("new.patients", "37"),
        figure("new.patients.text", "36", duplicate_of="new.patients"),
    ]
    assert [f.keys for f in drift(old, new)] == [("old.patients", "new.patients")]


def test_a_version_is_of_one_study(figure: Maker) -> None:
    with pytest.raises(ValueError, match=r"^a version is one study's, these are of new, old$"):
        drift([figure("old.patients", "37"), figure("new.patients", "37")], [])


# --- contrasts --------------------------------------------------------------------------------

BED = ("≥100 Gy", "<100 Gy")
BED_SWAPPED = ("< 100 Gy", "≥ 100 Gy")
POOR = ("poor differentiation", "High or moderately differentiation")
G1 = ("G1", "G2 and G3")


@pytest.mark.parametrize(
    ("old", "new", "verdict", "what", "labels"),
    [
        # The number stays and the labels change places.
        (("0.597", *BED), ("0.597", *BED_SWAPPED), "moved", "label moved", "swapped"),
        (("0.6", *BED), ("0.597", *BED_SWAPPED), "moved", "label moved", "swapped"),
        # A proper relabelling: the reciprocal with swapped labels. 1 / 0.597 = 1.675.
        (("0.597", *BED), ("1.675", *BED_SWAPPED),
         "unchanged", "labels swapped and number inverted", "swapped"),
        # The reciprocal under the same labels.
        (("0.597", *BED), ("1.675", *BED), "moved", "label moved", "same"),
        # Lower BED was worse (2.880), now it is better (0.595).
        (("2.880", *BED_SWAPPED), ("0.595", *BED_SWAPPED), "moved", "direction moved", "same"),
        # Higher BED was better (0.628); now lower BED is.
        (("0.628", *BED), ("0.629", *BED_SWAPPED), "moved", "direction moved", "swapped"),
        # Higher BED was better and is: lower BED is worse.
        (("0.628", *BED), ("1.40", *BED_SWAPPED), "changed", "changed", "swapped"),
        (("0.628", *BED), ("0.70", *BED), "changed", "changed", "same"),
        (("0.597", *BED), ("0.597", "≥ 100 Gy", "< 100 Gy"), "unchanged", "unchanged", "same"),
        # Another unit is the same cut.
        (("0.822", "≤50 mm", ">50 mm"), ("0.822", "≤ 5 cm", "> 5 cm"),
         "unchanged", "unchanged", "same"),
        # Another cut is not: a number that stayed stayed although its groups changed.
        (("0.822", "≤50 mm", ">50 mm"), ("0.822", "≤ 6 cm", "> 6 cm"),
         "unchanged", "unchanged although an input changed", "other cut"),
        (("0.303", "<3", "≥3"), ("0.400", "1", "2–3"),
         "changed", "changed, other groups", "other cut"),
        (("0.303", "<3", "≥3"), ("1.026", "1", "2–3"),
         "changed", "changed, other groups", "other cut"),
        (("0.205", *POOR), ("5.10", *G1),
         "changed", "changed, other groups", "other cut, turned"),
        # The order is the opposite one and the number stayed.
        (("0.205", *POOR), ("0.205", "Low grade", "High grade"),
         "moved", "label moved, other groups", "other cut, turned"),
        # Labels without an order are compared as texts.
        (("0.5", "Recurrence", "metastasis"), ("0.5", "recurrence", "Metastasis"),
         "unchanged", "unchanged", "same"),
        (("0.5", "recurrence", "metastasis"), ("0.5", "metastasis", "recurrence"),
         "moved", "label moved", "swapped"),
        (("0.5", "recurrence", "metastasis"), ("0.5", "local", "distant"),
         "unchanged", "unchanged although an input changed", "other labels"),
        (("0.5", "recurrence", "metastasis"), ("1.5", "local", "distant"),
         "changed", "changed, other labels", "other labels"),
        # 1.0 is its own reciprocal: nothing has moved.
        (("1.0", *BED), ("1.0", *BED_SWAPPED),
         "unchanged", "unchanged", "swapped"),
        # Around 1 there is no side.
        (("0.9", *BED), ("1.0", *BED), "changed", "changed", "same"),
        (("1.0", *BED), ("1.0", *BED), "unchanged", "unchanged", "same"),
    ],
)  # fmt: skip
def test_a_contrast(
    figure: Maker,
    old: tuple[str, str, str],
    new: tuple[str, str, str],
    verdict: str,
    what: str,
    labels: str,
) -> None:
    finding = contrast(figure, old, new)
    assert said(finding) == (verdict, what)
    assert finding.detail["labels"] == labels


@pytest.mark.parametrize(
    ("old", "new", "verdict", "what"),
    [
        # Each interval on its side: poorly differentiated did better, now G1 does.
        (("0.174", "0.059–0.512", *POOR), ("0.194", "0.066–0.575", *G1),
         "moved", "direction moved, other groups"),
        # One of the two reaches beyond 1.
        (("0.174", "0.059–0.512", *POOR), ("0.194", "0.036–1.045", *G1),
         "changed", "changed, other groups"),
        (("0.303", "0.112–0.819", "<3", "≥3"), ("1.026", "0.338–3.117", "1", "2–3"),
         "changed", "changed, other groups"),
        (("0.303", "0.112–0.819", "<3", "≥3"), ("3.300", "1.221–8.929", "1", "2–3"),
         "moved", "direction moved, other groups"),
        # The same side, the order turned round.
        (("0.174", "0.059–0.512", *POOR), ("5.155", "1.739–15.15", *G1),
         "changed", "changed, other groups"),
        # On the other side, but labels that say no order.
        (("0.174", "0.059–0.512", "a", "b"), ("5.155", "1.739–15.15", "c", "d"),
         "changed", "changed, other labels"),
    ],
)  # fmt: skip
def test_the_direction_of_other_groups_by_whole_intervals(
    figure: Maker, old: tuple[str, ...], new: tuple[str, ...], verdict: str, what: str
) -> None:
    versions = [
        [figure(f"{study}.os.univariable.grade.hr", text, ci=ci, **RATIO, level=level,
                reference=reference)]
        for study, (text, ci, level, reference) in (("old", old), ("new", new))
    ]  # fmt: skip
    (finding,) = drift(*versions)
    assert said(finding) == (verdict, what)


def test_the_line_of_a_moved_contrast(figure: Maker) -> None:
    finding = contrast(figure, ("0.597", *BED), ("0.597", *BED_SWAPPED))
    assert finding.printed == "0.597 → 0.597"
    assert finding.arithmetic == (
        "hazard ratio 0.597 = 0.597; ≥100 Gy vs <100 Gy → < 100 Gy vs ≥ 100 Gy; "
        "the earlier one turned round: 1.68"
    )
    assert (finding.detail["kind"], finding.detail["turned"]) == ("moved", "1.68")


def test_the_earlier_ratio_in_the_later_order(figure: Maker) -> None:
    """1 / 0.174, and the reciprocals of its limits changed round."""
    old = figure("old.os.a.grade.hr", "0.174", ci="0.059–0.512", **RATIO, level=POOR[0],
                 reference=POOR[1])  # fmt: skip
    new = figure("new.os.a.grade.hr", "0.194", **RATIO, level=G1[0], reference=G1[1])
    assert drift([old], [new])[0].detail["turned"] == "5.75 (1.95–16.9)"
    same = figure("new.os.a.grade.hr", "0.194", **RATIO, level=POOR[0], reference=POOR[1])
    assert drift([old], [same])[0].detail["turned"] == ""


def test_another_adjustment_is_another_input(figure: Maker) -> None:
    old, new = (
        figure(f"{study}.os.multivariable.grade.hr", "0.500", **RATIO, level="a", reference="b",
               model="multivariable", adjusted_for=others)
        for study, others in (("old", "size"), ("new", "size; setting"))
    )  # fmt: skip
    (finding,) = drift([old], [new])
    assert said(finding) == ("unchanged", "unchanged although an input changed")
    assert finding.detail["inputs"] == ["adjusted for size → setting and size"]


# --- inputs -----------------------------------------------------------------------------------


def version(
    figure: Maker, study: str, hr: str = "0.822", below: str = "29", rate: str = "66.6"
) -> list[Figure]:
    labels = {"level": "< 100 Gy", "reference": "≥ 100 Gy"}
    return [
        figure(f"{study}.os.univariable.bed10.hr", hr, ci="0.362–1.863", **RATIO | labels),
        figure(f"{study}.bed10_class.below_100", below, category="below_100"),
        figure(f"{study}.os.rate_12m", rate, **RATE),
        figure(f"{study}.pfs.rate_12m", "10" if study == "old" else "20", **RATE),
        figure(f"{study}.os.g1.rate_12m", "10" if study == "old" else "20", **RATE,
               subgroup="grade_g1"),
        figure(f"{study}.sex.male", "20" if study == "old" else "21", category="male"),
    ]  # fmt: skip


def test_a_ratio_that_stayed_although_its_groups_changed(figure: Maker) -> None:
    finding = drift(version(figure, "old"), version(figure, "new", below="31"))[0]
    assert said(finding) == ("unchanged", "unchanged although an input changed")
    assert finding.detail["kind"] == "input_changed"
    assert finding.detail["inputs"] == ["bed10_class.below_100: 29 → 31"]


def test_a_ratio_that_stayed_although_its_endpoint_changed(figure: Maker) -> None:
    finding = drift(version(figure, "old"), version(figure, "new", rate="71.5"))[0]
    assert said(finding) == ("unchanged", "unchanged although an input changed")
    assert finding.detail["inputs"] == ["os.rate_12m: 66.6%, at 12 months → 71.5%, at 12 months"]


def test_a_label_that_moved_while_the_number_stayed_with_other_inputs(figure: Maker) -> None:
    old, new = version(figure, "old"), version(figure, "new", below="31")
    labels = {"level": "≥ 100 Gy", "reference": "< 100 Gy"}
    old[0] = figure("old.os.univariable.bed10.hr", "0.822", ci="0.362–1.863", **RATIO | labels)
    finding = drift(old, new)[0]
    assert said(finding) == ("moved", "label moved; unchanged although an input changed")
    assert finding.detail["kind"] == "moved"
    assert finding.detail["inputs"] == ["bed10_class.below_100: 29 → 31"]


def test_a_ratio_that_stayed_with_its_inputs(figure: Maker) -> None:
    """Another endpoint's rates, a subgroup's, and another covariate's groups are no inputs."""
    finding = drift(version(figure, "old"), version(figure, "new"))[0]
    assert said(finding) == ("unchanged", "unchanged")
    assert finding.detail["inputs"] == []


def test_a_ratio_that_changed_with_its_inputs(figure: Maker) -> None:
    finding = drift(version(figure, "old"), version(figure, "new", hr="0.900", below="31"))[0]
    assert said(finding) == ("changed", "changed")


def test_other_categories_are_another_cut(figure: Maker) -> None:
    old, new = version(figure, "old"), version(figure, "new")
    new[1] = figure("new.bed10_class.below_90", "29", category="below_90")
    finding = drift(old, new)[0]
    assert said(finding) == ("unchanged", "unchanged although an input changed")
    assert finding.detail["inputs"] == [
        "bed10_class.below_100: 29, earlier version only",
        "bed10_class.below_90: 29, later version only",
    ]  # fmt: skip
