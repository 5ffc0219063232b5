import re
from dataclasses import replace

import pytest

from sarcoma_sbrt.provenance.disclosure import OF_ONE_REASON, withhold
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.reporting.tables import not_estimable_note, tables
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    ColumnMapping,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
    TableMapping,
)

SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")

COVARIATES = {
    "grade": Covariate(
        "grade",
        "Histological grade",
        "patients.grade",
        Level("G1", codes=("G1",)),
        Level("G2 and G3", codes=("G2", "G3")),
    ),
    "size": Covariate(
        "size",
        "Lesion size",
        "derived.size_mm",
        Level("5 cm or less", at_most=50),
        Level("more than 5 cm"),
    ),
    "age": Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years"),
    "chemotherapy": Covariate(
        "chemotherapy",
        "Chemotherapy",
        "derived.chemotherapy",
        Level("given", codes=("yes",)),
        Level("not given", codes=("no",)),
        confounded=True,
    ),
}
ENDPOINTS = {
    "lc": EndpointSettings(
        "lc", "Local control", "lesion", "first_course", "local_failure", "last_assessment"
    ),
    "os": EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact"),
}
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(12.0, 36.0),
    ties="efron",
    seed=1,
    trees=10,
    min_samples_leaf=3,
    permutation_repeats=2,
    covariates=COVARIATES,
    endpoints=("lc", "os"),
    strata={"os": ("grade", "chemotherapy")},
    univariable={"lc": ("grade", "size"), "os": ("grade", "age", "chemotherapy")},
    multivariable={
        "lc": {
            "multivariable": ("grade", "size"),
            "model_1": ("grade",),
            "model_2": ("grade", "size"),
        },
        "os": {"multivariable": ("grade",)},
    },
    forest={},
    figures={},
    comparison=Comparison(("lc", "os"), (12, 24)),
    left_out={},
)
OBSERVED = CohortSettings("small", "A small cohort", "observed", tables={}, times={})
RECONSTRUCTED = replace(OBSERVED, kind="reconstructed", derived_from="feng2022")
WITH_INTENTS = replace(
    OBSERVED,
    tables={"treatments": TableMapping("t.csv", {"intent": ColumnMapping("intent")})},
)


def configured(analysis: Analysis) -> dict:
    landmarks = {"landmarks_months": list(analysis.landmarks_months)}
    models = {"confidence_level": analysis.confidence_level, "kaplan_meier": landmarks}
    endpoints = {"alpha_beta_gy": 10, "acute_toxicity_months": 3}
    return configured_entries({"models": models, "endpoints": endpoints})


def registered(
    *statistics: Statistic, cohort: CohortSettings = OBSERVED, analysis: Analysis = ANALYSIS
) -> dict:
    always = [count("cohort.patients", 37), count("cohort.lesions", 58)]
    numbers = computed_entries([("stage", s) for s in (*always, *statistics)], cohort)
    return numbers | configured(analysis) | plan_entries(analysis, cohort, ENDPOINTS)


def made(
    *statistics: Statistic, cohort: CohortSettings = OBSERVED, analysis: Analysis = ANALYSIS
) -> dict[str, str]:
    numbers = registered(*statistics, cohort=cohort, analysis=analysis)
    found = tables(numbers, analysis, cohort, ENDPOINTS)
    for text in found.values():
        assert [key for key in SHORTCODE.findall(text) if key not in numbers] == []
    return found


def withheld(*statistics: Statistic, cohort: CohortSettings = OBSERVED) -> dict:
    """The registry where counts under five are withheld."""
    numbers = registered(*statistics, cohort=cohort)
    for entry in numbers.values():
        if entry["kind"] == "computed":
            entry["source"] = "characteristics"  # a stage that describes the cohort's own
    return withhold(numbers, SmallCells(5))


def read(numbers: dict, name: str) -> str:
    """A table as a reader sees it."""
    text = tables(numbers, ANALYSIS, OBSERVED, ENDPOINTS)[name]
    return SHORTCODE.sub(lambda match: numbers[match[1]]["text"], text)


def count(key: str, value: int) -> Statistic:
    return Statistic(key, value, "count", "count")


def share(key: str, value: int, of: int) -> list[Statistic]:
    return [
        count(f"{key}.n", value),
        Statistic(f"{key}.percent", 100 * value / of, "percent", "percentage"),
    ]


def median(key: str, value: float, low: float | None, high: float | None) -> Statistic:
    return Statistic(key, value, "months", "median", ci=Interval(low, high, 0.95, "crossing"))


def hazard(key: str, ratio: float = 0.5) -> list[Statistic]:
    ci = Interval(ratio / 2, ratio * 2, 0.95, "Wald")
    return [
        Statistic(f"{key}.hr", ratio, "hazard ratio", "Cox", ci=ci),
        Statistic(f"{key}.p", 0.04, "p", "Wald"),
    ]


def lost(key: str, reason: str) -> list[Statistic]:
    return [
        not_estimable(f"{key}.hr", "hazard ratio", "Cox", reason),
        not_estimable(f"{key}.p", "p", "Cox", reason),
    ]


def printed(text: str) -> str:
    """Text with every shortcode shortened to its key in brackets."""
    return SHORTCODE.sub(r"<\1>", text)


def test_patients_table_exactly() -> None:
    found = made(
        *(Statistic(f"cohort.age.{m}", 50, "years", m) for m in ("median", "min", "max")),
        *share("cohort.sex.female", 12, 37),
        *share("cohort.sex.male", 25, 37),
        *share("cohort.grade.G1", 19, 36),
        *share("cohort.grade.G2", 0, 36),
        count("cohort.grade.missing.n", 1),
        cohort=RECONSTRUCTED,
    )
    assert found == {
        "patients": """\
::: {#tbl-patients}
| Characteristic | Patients, n (%) |
|:----------------------------------------------------------|--------------------------------:|
| Age, years: median (range) | {{< num cohort.age.median >}} ({{< num cohort.age.min >}}–{{< num cohort.age.max >}}) |
| **Sex** |  |
| Female | {{< num cohort.sex.female.n >}} ({{< num cohort.sex.female.percent >}}%) |
| Male | {{< num cohort.sex.male.n >}} ({{< num cohort.sex.male.percent >}}%) |
| **Histological grade** |  |
| G1 | {{< num cohort.grade.G1.n >}} ({{< num cohort.grade.G1.percent >}}%) |
| Not recorded | {{< num cohort.grade.missing.n >}} |

Percentages are of the patients whose value is known, and for treatments of all patients.

Characteristics of the {{< num cohort.patients >}} patients. Data {{< num cohort.label >}}.
:::
"""  # noqa: E501
    }


def test_an_observed_cohort_has_no_label() -> None:
    assert "cohort.label" not in made(*share("cohort.sex.male", 1, 1))["patients"]


def test_where_a_range_is_withheld_its_row_gives_the_median_alone() -> None:
    ages = [Statistic(f"cohort.age.{m}", 50, "years", m, n=37) for m in ("median", "min", "max")]
    numbers = withheld(*ages, count("cohort.age.missing.n", 6))
    rows = read(numbers, "patients").splitlines()[3:-5]
    assert rows == ["| Age, years: median | 50 |", "| &emsp;Not recorded | 6 |"]
    assert numbers["cohort.age.min"]["reason"] == OF_ONE_REASON


def test_a_median_that_cannot_be_had_has_no_range_either() -> None:
    lost = [not_estimable(f"cohort.age.{m}", "years", m, "none") for m in ("median", "min", "max")]
    assert "| Age, years: median (range) | <cohort.age.median> |" in printed(
        made(*lost)["patients"]
    )


def test_treatment_is_systemic_only_where_intents_are_recorded() -> None:
    statistics = share("treatment.chemotherapy", 2, 3)
    assert "| **Treatment** |  |" in made(*statistics)["patients"]
    systemic = made(*statistics, cohort=WITH_INTENTS)["patients"]
    assert "| **Systemic treatment** |  |" in systemic


def test_chemotherapy_is_split_by_its_timing() -> None:
    statistics = [
        *share("treatment.chemotherapy", 2, 3),
        count("treatment.chemotherapy.before.n", 1),
        count("treatment.chemotherapy.after.n", 0),
        *share("treatment.none", 1, 3),
    ]
    assert [
        line for line in made(*statistics)["patients"].splitlines() if "treatment." in line
    ] == [
        "| Chemotherapy | {{< num treatment.chemotherapy.n >}} "
        "({{< num treatment.chemotherapy.percent >}}%) |",
        "| Chemotherapy before SBRT | {{< num treatment.chemotherapy.before.n >}} |",
        "| None | {{< num treatment.none.n >}} ({{< num treatment.none.percent >}}%) |",
    ]


def test_prescriptions_go_by_dose_and_the_rare_ones_come_last() -> None:
    keys = ["100gy_10fx", "37_5gy_3fx", "37_5gy_15fx", "50gy_5fx", "other"]
    statistics = [s for k in keys for s in share(f"dose.prescription.{k}", 2, 10)]
    statistics += [
        Statistic(f"dose.prescription.{k}.label", k, "text", "as recorded") for k in keys[:-1]
    ]
    text = made(*statistics)["treatment"]
    rows = re.findall(r"dose\.prescription\.(\w+)\.n >", text)
    assert rows == ["37_5gy_3fx", "37_5gy_15fx", "50gy_5fx", "100gy_10fx", "other"]
    assert "| {{< num dose.prescription.37_5gy_3fx.label >}} | {{< num" in text


def test_prescriptions_that_are_all_rare_have_no_block() -> None:
    statistics = [*share("dose.prescription.other", 4, 4), *share("lesions.size_level", 2, 4)]
    text = made(*statistics)["treatment"]
    assert "**Lesion size**" in text
    assert "rescription" not in text
    assert made(*share("dose.prescription.other", 4, 4)) == {}


def test_sides_of_a_split_are_called_as_the_plan_calls_them() -> None:
    bed = replace(COVARIATES["size"], name="bed", label="BED10", column="derived.bed10_gy")
    analysis = replace(ANALYSIS, covariates=COVARIATES | {"bed": bed})
    counted = [s for name in ("size", "bed") for side in ("level", "reference")
               for s in share(f"lesions.{name}_{side}", 2, 4)]  # fmt: skip
    lines = printed(made(*counted, analysis=analysis)["treatment"]).splitlines()
    # The block is called "Lesion size" already, but not "BED10".
    assert [line.split(" | ")[0] for line in lines[3:9]] == [
        "| **Lesion size**",
        "| <covariate.size.level>",
        "| <covariate.size.reference>",
        "| **Dose**",
        "| <covariate.bed.label>: <covariate.bed.level>",
        "| <covariate.bed.label>: <covariate.bed.reference>",
    ]
    assert lines[4].endswith(" | <lesions.size_level.n> (<lesions.size_level.percent>%) |")


def test_a_split_of_another_name_than_its_block_keeps_it() -> None:
    size = replace(COVARIATES["size"], label="Diameter")
    analysis = replace(ANALYSIS, covariates=COVARIATES | {"size": size})
    found = made(*share("lesions.size_level", 2, 5), analysis=analysis)
    assert "| <covariate.size.label>: <covariate.size.level> |" in printed(found["treatment"])


def survival() -> list[Statistic]:
    band = Interval(60.0, 90.0, 0.95, "log-log")
    statistics = [count("os.n", 37), count("os.events", 28), median("os.median", 24, 13, None)]
    statistics.append(Statistic("os.rate_12m", 71.5, "percent", "Kaplan-Meier", ci=band))
    statistics.append(count("os.at_risk_12m", 25))
    reason = "nobody was followed that long"
    statistics.append(not_estimable("os.rate_36m", "percent", "Kaplan-Meier", reason))
    statistics.append(count("os.at_risk_36m", 0))
    return statistics


def test_survival_table_exactly() -> None:
    level = "<config.models.confidence_level>% CI"
    marks = "config.models.kaplan_meier.landmarks_months"
    lines = printed(made(*survival())["survival"]).splitlines()
    assert lines == [
        "::: {#tbl-survival}",
        f"| Endpoint | n | Events | Median, months ({level}) | At <{marks}.0> months "
        f"| At <{marks}.1> months |",
        "|:------------------|------:|--------:|--------------------:|--------------------:"
        "|--------------------:|",
        "| <endpoint.os.label> | <os.n> | <os.events> "
        "| <os.median> (<os.median.low>–<os.median.high>) "
        "| <os.rate_12m.stated> (<os.rate_12m.low>–<os.rate_12m.high>) | <os.rate_36m.stated> |",
        "| &emsp;At risk |  |  |  | <os.at_risk_12m> | <os.at_risk_36m> |",
        "",
        f"Intervals are {level}s by the log-log transform. Analysed: "
        "<endpoint.os.label_lower> per patient. NR: not reached. Not estimable: "
        "<endpoint.os.label> because <os.rate_36m.reason>.",
        "",
        "Kaplan-Meier estimates: median, and rate with its confidence interval and, below it, the "
        "number at risk.",
        ":::",
    ]


def test_rates_that_rest_on_few_at_risk_are_marked() -> None:
    def lines(at_risk: int) -> list[str]:
        band = Interval(60.0, 90.0, 0.95, "log-log")
        statistics = [count("os.n", 37), count("os.events", 28), median("os.median", 24, 13, 40)]
        statistics.append(Statistic("os.rate_12m", 71.5, "percent", "Kaplan-Meier", ci=band))
        statistics.append(count("os.at_risk_12m", at_risk))
        return in_words(made(*statistics)["survival"], registered(*statistics)).splitlines()

    few, enough = lines(9), lines(10)
    assert few[3].endswith("| 71.5% (60.0–90.0)^§^ | – |")
    assert "^§^ Fewer than ten at risk then." in few[-4]
    assert not any("§" in line for line in enough)


def test_captions_say_where_lesions_are_taken_as_independent() -> None:
    """Of an endpoint per lesion alone, and by its label within a sentence."""
    band = Interval(60.0, 90.0, 0.95, "log-log")
    statistics = [
        s
        for name in ("os", "lc")
        for s in (
            *(count(f"{name}.{what}", 20) for what in ("n", "events")),
            median(f"{name}.median", 24, 13, 40),
            Statistic(f"{name}.rate_12m", 71.5, "percent", "Kaplan-Meier", ci=band),
        )
    ]
    said = "Of local control, intervals take the lesions of one patient as independent."
    assert said in in_words(made(*statistics)["survival"], registered(*statistics))
    patients = [s for s in statistics if s.key.startswith("os.")]
    assert "independent" not in made(*patients)["survival"]


def test_what_is_withheld_has_no_interval_but_a_reason() -> None:
    few, enough = {"n": 4, "events": 2}, {"n": 9, "events": 5}
    ci = Interval(60.0, 90.0, 0.95, "log-log")
    statistics = [
        count("os.n", 20),
        count("os.events", 10),
        replace(median("os.median", 24.0, 12.0, None), **enough),
        Statistic("os.rate_12m", 71.5, "percent", "rate", ci=ci, **enough),
        Statistic("os.rate_36m", 40.0, "percent", "rate", ci=ci, **few),
        count("os.at_risk_12m", 9),
        count("os.at_risk_36m", 4),
    ]
    numbers = withheld(*statistics)
    table = read(numbers, "survival").splitlines()
    assert table[3:5] == [
        "| Overall survival | 20 | 10 | 24.0 (12.0–NR) | 71.5% (60.0–90.0)^§^ | not shown |",
        "| &emsp;At risk |  |  |  | 9 | < 5 |",
    ]
    reason = f"{numbers['os.rate_36m.reason']['text']}."
    assert reason.startswith("fewer than 5 patients or lesions")
    assert table[-4].endswith(
        f"^§^ Fewer than ten at risk then. NR: not reached. Not shown where {reason}"
    )
    assert read(numbers, "rates_os") == (
        "The rate of overall survival was 71.5% (95% CI 60.0–90.0; 9 at risk) at 12.0 months. "
        f"It is not shown at 36.0 months, because {reason}\n"
    )
    none = withheld(*(replace(s, **few) if "rate" in s.key else s for s in statistics))
    reason = f"{none['os.rate_12m.reason']['text']}."
    assert read(none, "rates_os") == (
        f"The rate of overall survival is not shown at 12.0 and 36.0 months, because {reason}\n"
    )


def test_without_numbers_at_risk_there_is_no_row_for_them() -> None:
    rates = [s for s in survival() if "at_risk" not in s.key]
    assert "At risk" not in made(*rates)["survival"]


def in_words(text: str, numbers: dict) -> str:
    """Text as a reader sees it."""
    return SHORTCODE.sub(lambda match: numbers[match[1]]["text"], text)


def test_a_rate_reads_with_its_sign_and_without_a_value() -> None:
    numbers = registered(*survival())
    read = in_words(made(*survival())["survival"], numbers)
    assert "| 71.5% (60.0–90.0) | not estimable |\n| &emsp;At risk |  |  |  | 25 | 0 |" in read
    assert "not estimable%" not in read


@pytest.mark.parametrize(
    ("landmarks", "sentence"),
    [
        ((1.0,), "71.0% at 1.0 month."),
        ((12.0,), "82.0% at 12.0 months."),
        ((12.0, 24.0), "82.0% at 12.0 and 94.0% at 24.0 months."),
        ((4.5, 12.0, 24.0), "74.5% at 4.5, 82.0% at 12.0 and 94.0% at 24.0 months."),
    ],
)
def test_rates_are_one_sentence_at_any_number_of_landmarks(
    landmarks: tuple[float, ...], sentence: str
) -> None:
    analysis = replace(ANALYSIS, landmarks_months=landmarks)
    statistics = [Statistic(f"os.rate_{t:g}m", 70 + t, "percent", "rate") for t in landmarks]
    found = made(*statistics, analysis=analysis)
    read = in_words(found["rates_os"], registered(*statistics, analysis=analysis))
    assert read == f"The rate of overall survival was {sentence}\n"
    assert "rates_lc" not in found


def test_a_rate_that_is_not_estimable_reads_on() -> None:
    read = in_words(made(*survival())["rates_os"], registered(*survival()))
    assert read == (
        "The rate of overall survival was 71.5% (95% CI 60.0–90.0; 25 at risk) at 12.0 and "
        "not estimable at 36.0 months.\n"
    )


def test_rates_hold_keys_only() -> None:
    assert made(*survival())["rates_os"] == (
        "The rate of {{< num endpoint.os.label_lower >}} was {{< num os.rate_12m.stated >}} "
        "({{< num config.models.confidence_level >}}% CI {{< num os.rate_12m.low >}}–"
        "{{< num os.rate_12m.high >}}; {{< num os.at_risk_12m >}} at risk) at "
        "{{< num config.models.kaplan_meier.landmarks_months.0 >}} and "
        "{{< num os.rate_36m.stated >}} at "
        "{{< num config.models.kaplan_meier.landmarks_months.1 >}} months.\n"
    )


def test_what_is_left_out_is_listed_with_its_reason() -> None:
    left_out = {"lc": "there is no lesions table", "size": "there is no lesions.size_mm"}
    analysis = replace(ANALYSIS, endpoints=("os",), left_out=left_out)
    assert made(analysis=analysis) == {
        "left_out": "- {{< num endpoint.lc.label >}} is not available: {{< num left_out.lc >}}.\n"
        "- {{< num covariate.size.label >}}: {{< num left_out.size >}}.\n"
    }


def test_two_splits_of_one_quantity_are_left_out_once() -> None:
    high = replace(COVARIATES["grade"], name="grade_high", level=Level("G3", codes=("G3",)))
    analysis = replace(
        ANALYSIS,
        covariates=COVARIATES | {"grade_high": high},
        left_out=dict.fromkeys(("grade", "grade_high"), "there is no patients.grade"),
    )
    assert made(analysis=analysis)["left_out"] == (
        "- {{< num covariate.grade.label >}}: {{< num left_out.grade >}}.\n"
    )


def test_levels_and_landmarks_are_the_plans() -> None:
    """A cohort may choose others: no header says 95 or 12 by itself."""
    analysis = replace(ANALYSIS, confidence_level=0.9, landmarks_months=(6, 18))
    band = Interval(60.0, 90.0, 0.9, "log-log")
    statistics = [count("os.n", 37), count("os.events", 28), median("os.median", 24, 13, None)]
    for month in (6, 18):
        rate = Statistic(f"os.rate_{month}m", 70.0, "percent", "Kaplan-Meier", ci=band)
        statistics += [rate, count(f"os.at_risk_{month}m", 20)]
    statistics += [count("os.grade_level.n", 9), count("os.grade_level.events", 5)]
    statistics.append(median("os.grade_level.median", 30, 10, 40))
    keys = ["os.univariable.grade", "os.multivariable.grade", "lc.model_1.grade",
            "lc.model_2.grade"]  # fmt: skip
    statistics += [s for key in keys for s in hazard(f"cox.{key}")]
    found = made(*statistics, analysis=analysis)
    numbers = registered(*statistics, analysis=analysis)
    headers = {n: in_words(t, numbers).splitlines()[1] for n, t in found.items() if "\n|" in t}
    assert headers == {
        "survival": "| Endpoint | n | Events | Median, months (90% CI) | At 6 months "
        "| At 18 months |",
        "strata": "| Group | n | Events | Median, months (90% CI) | *p* |",
        "univariable": "|  | Overall survival |  |",
        "multivariable": "|  | Overall survival |  |",
        "lc_models": "| Model | HR (90% CI) | *p* |",
    }
    for name in ("univariable", "multivariable"):
        second = in_words(found[name], numbers).splitlines()[3]
        assert second == "| Covariate | HR (90% CI) | *p* |"
    assert in_words(found["rates_os"], numbers) == (
        "The rate of overall survival was 70.0% (90% CI 60.0–90.0; 20 at risk) at 6 and "
        "70.0% (90% CI 60.0–90.0; 20 at risk) at 18 months.\n"
    )
    assert not [n for n, t in found.items() if re.search(r"95|12", in_words(t, numbers))]


def test_nothing_is_said_of_nr_where_everything_is_reached() -> None:
    reached = [replace(s, ci=Interval(13, 28, 0.95, "crossing")) if s.key == "os.median" else s
               for s in survival()]  # fmt: skip
    assert "not reached" not in made(*reached)["survival"]


def test_univariable_table_has_a_row_for_each_covariate_and_two_columns_for_each_endpoint() -> None:
    keys = ["lc.univariable.grade", "lc.univariable.size", "os.univariable.grade",
            "os.univariable.chemotherapy", "os.univariable.age"]  # fmt: skip
    found = made(*(s for key in keys for s in hazard(f"cox.{key}")))
    lines = printed(found["univariable"]).splitlines()
    # An empty cell continues the one on its left; the body's first row is the header's second.
    assert lines[1] == "|  | <endpoint.lc.label> |  | <endpoint.os.label> |  |"
    hr = "HR (<config.models.confidence_level>% CI) | *p*"
    assert lines[3] == f"| Covariate | {hr} | {hr} |"
    lc, os = "cox.lc.univariable", "cox.os.univariable"

    def cells(key: str) -> str:
        return f"<{key}.hr> (<{key}.hr.low>–<{key}.hr.high>) | <{key}.p>"

    assert lines[4:8] == [
        "| <covariate.grade.label>: <covariate.grade.contrast> "
        f"| {cells(f'{lc}.grade')} | {cells(f'{os}.grade')} |",
        f"| <covariate.size.label>: <covariate.size.contrast> | {cells(f'{lc}.size')} | – | – |",
        f"| <covariate.age.label>: <covariate.age.contrast> | – | – | {cells(f'{os}.age')} |",
        "| <covariate.chemotherapy.label> (confounded): <covariate.chemotherapy.contrast> "
        f"| – | – | {cells(f'{os}.chemotherapy')} |",
    ]
    assert lines[9] == (
        "The HR compares the "
        "first group with the second or values one step apart. Intervals are Wald; ties by "
        "Efron's approximation. Analysed: <endpoint.os.label_lower> per patient; "
        "<endpoint.lc.label_lower> per lesion. The *p* are not adjusted for the number of tests "
        "in this table. Confounded: the treatment was chosen, not allotted, so the comparison "
        "does not show its effect."
    )
    assert lines[11:] == [
        "Univariable Cox models: hazard ratio (HR), each covariate by itself.",
        ":::",
    ]


def test_multivariable_table_ends_with_the_size_of_each_model() -> None:
    model = "cox.os.multivariable"
    sizes = [count(f"{model}.n", 37), count(f"{model}.events", 28)]
    sizes.append(Statistic(f"{model}.events_per_variable", 28.0, "ratio", "events per covariate"))
    lines = printed(made(*hazard(f"{model}.grade"), *sizes)["multivariable"]).splitlines()
    assert lines[5:8] == [
        f"| Analysed | <{model}.n> |  |",
        f"| Events | <{model}.events> |  |",
        f"| Events per covariate | <{model}.events_per_variable> |  |",
    ]


def test_what_is_not_estimable_keeps_its_row_and_the_reason_is_said_once() -> None:
    reason = "no event was seen in one group"
    other = "the model did not converge"
    found = made(
        *lost("cox.os.univariable.grade", reason),
        *lost("cox.lc.univariable.grade", reason),
        *lost("cox.os.univariable.age", other),
    )
    text = printed(found["univariable"])
    assert "| <cox.lc.univariable.grade.hr> | – | <cox.os.univariable.grade.hr> | – |" in text
    assert text.splitlines()[-4].endswith(
        "Not estimable: <endpoint.lc.label> by <covariate.grade.label> and <endpoint.os.label> by "
        "<covariate.grade.label> because <cox.lc.univariable.grade.hr.reason>; <endpoint.os.label> "
        "by <covariate.age.label> because <cox.os.univariable.age.hr.reason>."
    )


def test_what_the_plan_withholds_is_said_apart_from_what_is_not_estimable() -> None:
    reason = "there are fewer than 100 patients"
    withheld = Statistic("a", None, "ratio", "slope", status="not_available", reason=reason)
    impossible = not_estimable("b", "ratio", "slope", "no event was observed")
    numbers = computed_entries([("x", withheld), ("x", impossible)], OBSERVED)
    assert not_estimable_note(numbers, [("a", "one"), ("b", "another"), ("c", "a third")]) == (
        "Not estimable: another because {{< num b.reason >}}. "
        "Not available: one because {{< num a.reason >}}."
    )


def test_models_of_local_control_follow_the_first_models_covariate() -> None:
    keys = ("model_1.grade", "model_2.grade", "model_2.size")
    found = made(*(s for key in keys for s in hazard(f"cox.lc.{key}")))
    lines = printed(found["lc_models"]).splitlines()
    assert lines[0] == "::: {#tbl-lc-models}"
    assert lines[3:5] == [
        "| Model I: <covariate.grade.label> | <cox.lc.model_1.grade.hr> "
        "(<cox.lc.model_1.grade.hr.low>–<cox.lc.model_1.grade.hr.high>) "
        "| <cox.lc.model_1.grade.p> |",
        "| Model II: <covariate.grade.label> + <covariate.size.label> "
        "| <cox.lc.model_2.grade.hr> "
        "(<cox.lc.model_2.grade.hr.low>–<cox.lc.model_2.grade.hr.high>) "
        "| <cox.lc.model_2.grade.p> |",
    ]


def test_caption_of_the_models_names_what_they_follow() -> None:
    models = {"model_1": ("size",), "model_2": ("size", "grade")}
    analysis = replace(ANALYSIS, multivariable={"lc": models})
    keys = ("model_1.size", "model_2.size", "model_2.grade")
    found = made(*(s for key in keys for s in hazard(f"cox.lc.{key}")), analysis=analysis)
    lines = printed(found["lc_models"]).splitlines()
    assert lines[3].startswith("| Model I: <covariate.size.label> | <cox.lc.model_1.size.hr> ")
    assert lines[-2] == (
        "<endpoint.lc.label>: hazard ratio (HR) of <covariate.size.label> "
        "(<covariate.size.contrast>) in Cox models of the covariates that each row names."
    )


def models_of_local_control(models: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Tables of a cohort that leaves these models of the plan."""
    keys = [f"cox.lc.{model}.{name}" for model, names in models.items() for name in names]
    analysis = replace(ANALYSIS, multivariable={"lc": models})
    return made(*(s for key in keys for s in hazard(key)), analysis=analysis)


def test_without_the_first_models_covariate_there_is_no_series() -> None:
    models = {"model_2": ("size",), "model_3": ("size", "age")}
    assert "lc_models" not in models_of_local_control(models)


def test_models_that_a_missing_covariate_makes_the_same_are_one() -> None:
    models = {"model_1": ("grade",), "model_2": ("grade",), "model_3": ("grade", "age")}
    lines = printed(models_of_local_control(models)["lc_models"]).splitlines()
    assert [re.findall(r"cox\.lc\.(\w+)", line)[0] for line in lines[3:5]] == ["model_1", "model_3"]
    assert lines[4].startswith("| Model II: <covariate.grade.label> + <covariate.age.label> |")
    assert lines[5] == ""


def test_one_model_is_no_series() -> None:
    models = {"model_1": ("grade",), "model_2": ("grade",)}
    assert "lc_models" not in models_of_local_control(models)


def test_groups_stand_under_their_endpoint_with_one_test_for_both() -> None:
    statistics = []
    for side, months in (("level", 30.0), ("reference", 12.0)):
        group = f"os.grade_{side}"
        statistics += [count(f"{group}.n", 9), count(f"{group}.events", 5)]
        statistics.append(median(f"{group}.median", months, 10, 40))
    statistics.append(Statistic("os.grade.logrank.p", 0.03, "p", "log-rank"))
    lines = printed(made(*statistics)["strata"]).splitlines()
    assert lines[3:6] == [
        "| **<endpoint.os.label>** |  |  |  |  |",
        "| <covariate.grade.label>: <covariate.grade.level> | <os.grade_level.n> "
        "| <os.grade_level.events> | <os.grade_level.median> "
        "(<os.grade_level.median.low>–<os.grade_level.median.high>) | <os.grade.logrank.p> |",
        "| <covariate.grade.label>: <covariate.grade.reference> | <os.grade_reference.n> "
        "| <os.grade_reference.events> | <os.grade_reference.median> "
        "(<os.grade_reference.median.low>–<os.grade_reference.median.high>) |  |",
    ]


# --- quartiles, means, log-rank tests -----------------------------------------------------


def restricted(prefix: str) -> list[Statistic]:
    mean = Interval(10.0, 20.0, 0.95, "symmetric")
    return [
        median(f"{prefix}.quartile_1", 8, 3, 12),
        median(f"{prefix}.quartile_3", 40, 30, None),
        Statistic(f"{prefix}.rmst", 15.0, "months", "restricted mean", ci=mean),
        Statistic(f"{prefix}.rmst_se", 2.5, "months", "standard error"),
        Statistic(f"{prefix}.rmst_horizon", 60.0, "months", "horizon"),
    ]


def test_quartiles_and_means_of_all_and_of_each_group() -> None:
    statistics = [s for p in ("os", "os.grade_level", "os.grade_reference") for s in restricted(p)]
    lines = printed(made(*statistics)["quartiles"]).splitlines()

    def cells(prefix: str) -> str:
        timed = [f"{prefix}.{name}" for name in ("quartile_1", "quartile_3", "rmst")]
        values = " | ".join(f"<{key}> (<{key}.low>–<{key}.high>)" for key in timed)
        return f"{values} | <{prefix}.rmst_se> | <{prefix}.rmst_horizon> |"

    assert lines[3:7] == [
        "| **<endpoint.os.label>** |  |  |  |  |  |",
        f"| All | {cells('os')}",
        f"| <covariate.grade.label>: <covariate.grade.level> | {cells('os.grade_level')}",
        f"| <covariate.grade.label>: <covariate.grade.reference> | {cells('os.grade_reference')}",
    ]
    assert "of the quartiles by the log-log transform, of the means symmetric." in lines[-4]
    assert "NR: not reached." in lines[-4]


def test_a_mean_that_is_not_estimable_has_no_horizon() -> None:
    names = ("rmst", "rmst_se", "rmst_horizon")
    lost = [not_estimable(f"os.{n}", "months", "mean", "nobody was here") for n in names]
    lines = printed(made(*restricted("os")[:2], *lost)["quartiles"]).splitlines()
    assert lines[4].endswith("| <os.rmst> | – | – |")
    assert lines[-4].endswith("Not estimable: <endpoint.os.label>, All because <os.rmst.reason>.")


def test_rules_of_the_plan_are_said_where_times_stand() -> None:
    analysis = replace(ANALYSIS, transform="plain", median_ci="first_event")
    groups = [count("os.grade_level.n", 9), count("os.grade_level.events", 5)]
    groups.append(median("os.grade_level.median", 30, 10, 40))
    found = made(*survival(), *restricted("os"), *groups, analysis=analysis)
    for name in ("survival", "quartiles", "strata"):
        assert "without a transform" in found[name]
        assert (
            "An upper limit that the band does not reach is given as the last event time."
            in found[name]
        )
    assert "last event time" not in made(*survival())["survival"]


def log_rank(key: str) -> list[Statistic]:
    ci = Interval(0.2, 0.9, 0.95, "normal")
    return [
        Statistic(f"{key}.chi_square", 5.8, "chi-square", "log-rank"),
        Statistic(f"{key}.p", 0.016, "p", "log-rank"),
        Statistic(f"{key}.peto", 0.4, "hazard ratio", "Peto", ci=ci),
        not_estimable(f"{key}.observed_expected", "hazard ratio", "O/E", "one group has no event"),
    ]


def test_a_stratified_test_stands_beside_the_plain_one() -> None:
    key = "os.grade.logrank_stratified"
    tests = (*log_rank("os.grade.logrank"), *log_rank("os.chemotherapy.logrank"))
    within = Statistic(f"{key}.p", 0.02, "p", "log-rank, stratified by Chemotherapy")
    analysis = replace(ANALYSIS, stratified_by={"os": ("chemotherapy",)})
    lines = printed(made(*tests, within, analysis=analysis)["log_rank"]).splitlines()
    assert lines[1].endswith("| *p* | Stratified *p* |")
    assert lines[4].endswith(f"| <os.grade.logrank.p> | <{key}.p> |")
    assert lines[5].endswith("| <os.chemotherapy.logrank.p> | – |")
    assert (
        "Stratified: the groups are compared within those of <covariate.chemotherapy" in lines[-4]
    )


def test_hazard_ratios_of_log_rank_counts() -> None:
    lines = printed(made(*log_rank("os.grade.logrank"))["log_rank"]).splitlines()
    key = "os.grade.logrank"
    assert lines[3:5] == [
        "| **<endpoint.os.label>** |  |  |  |  |",
        f"| <covariate.grade.label>: <covariate.grade.contrast> | <{key}.chi_square> "
        f"| <{key}.peto> (<{key}.peto.low>–<{key}.peto.high>) | <{key}.observed_expected> "
        f"| <{key}.p> |",
    ]
    assert lines[-4].endswith(
        "Not estimable: <endpoint.os.label> by <covariate.grade.label> because "
        f"<{key}.observed_expected.reason>."
    )


def test_ordered_groups_have_a_trend_and_their_pairs() -> None:
    keys = ["os.grade.trend", "os.grade.pair.G1_G2"]
    statistics = [s for key in keys for s in log_rank(key)[:2]]
    statistics.append(Statistic("os.grade.pair.G1_G2.p_holm", 0.04, "p", "Holm"))
    reason = "no event was observed"
    lost = {"chi_square": "chi-square", "p": "p", "p_holm": "p"}
    statistics += [not_estimable(f"os.grade.pair.G1_G3.{n}", u, "log-rank", reason)
                   for n, u in lost.items()]  # fmt: skip
    lines = printed(made(*statistics)["ordered"]).splitlines()
    pair = "os.grade.pair.G1_G2"
    assert lines[3:7] == [
        "| **<endpoint.os.label>** |  |  |  |",
        "| <covariate.grade.label>: trend | <os.grade.trend.chi_square> | <os.grade.trend.p> |  |",
        f"| &emsp;G1 and G2 | <{pair}.chi_square> | <{pair}.p> | <{pair}.p_holm> |",
        "| &emsp;G1 and G3 | <os.grade.pair.G1_G3.p> | – | – |",
    ]
    assert "G1 and G3 because <os.grade.pair.G1_G3.p.reason>." in lines[-4]


# --- what the Cox models say beside their hazard ratios -----------------------------------


def clustered(key: str) -> list[Statistic]:
    ci = Interval(0.2, 1.4, 0.95, "Wald, lesions taken as independent")
    return [
        *hazard(key),
        Statistic(f"{key}.naive", 0.5, "hazard ratio", "Cox", ci=ci),
        Statistic(f"{key}.naive_p", 0.2, "p", "Wald"),
        Statistic(f"{key}.se_ratio", 0.8, "ratio", "ratio"),
    ]


def test_what_clustering_changes_stands_side_by_side() -> None:
    keys = [f"cox.lc.{k}" for k in ("univariable.grade", "univariable.size", "multivariable.grade")]
    lines = printed(made(*(s for key in keys for s in clustered(key)))["clustering"]).splitlines()
    level = "<config.models.confidence_level>% CI"
    assert lines[1] == "|  | HR | Lesions independent |  | Clustered by patient |  | SE ratio |"
    assert lines[3] == f"| Covariate | HR | {level} | *p* | {level} | *p* | SE ratio |"

    def row(key: str, name: str) -> str:
        return (
            f"| <covariate.{name}.label>: <covariate.{name}.contrast> | <{key}.hr> "
            f"| <{key}.naive.low>–<{key}.naive.high> | <{key}.naive_p> "
            f"| <{key}.hr.low>–<{key}.hr.high> | <{key}.p> | <{key}.se_ratio> |"
        )

    assert lines[4:9] == [
        "| **<endpoint.lc.label>, univariable** |  |  |  |  |  |  |",
        row(keys[0], "grade"),
        row(keys[1], "size"),
        "| **<endpoint.lc.label>, multivariable** |  |  |  |  |  |  |",
        row(keys[2], "grade"),
    ]


def test_limits_by_themselves_are_left_out_where_the_ratio_is_withheld() -> None:
    key = "cox.lc.univariable.grade"
    few = [replace(s, n=4) for s in (*clustered(key), *profiled(key))]
    numbers = withheld(*few)
    told = "| Histological grade: G1 vs G2 and G3"
    shown = "not shown | – | not shown"
    assert f"{told} | {shown} | – | not shown | not shown |" in read(numbers, "clustering")
    assert f"{told}, univariable | {shown} | – | not shown |" in read(numbers, "profile")


def test_captions_say_whose_standard_errors_are_clustered() -> None:
    keys = ["lc.univariable.grade", "lc.model_1.grade", "lc.model_2.grade"]
    found = made(*(s for key in keys for s in clustered(f"cox.{key}")),
                 *hazard("cox.os.univariable.grade"))  # fmt: skip
    said = (
        "Intervals are Wald, of {{< num endpoint.lc.label_lower >}} with standard errors clustered "
        "by patient; ties by Efron's approximation."
    )
    assert said in found["univariable"]
    assert said in found["lc_models"]


def test_firths_estimates_are_marked_and_the_reason_is_said() -> None:
    hr, p = hazard("cox.os.univariable.grade")
    why = "one level of grade has no event"
    penalised = replace(hr, method="Cox model, Firth's penalty", reason=why)
    text = printed(made(penalised, p, *hazard("cox.os.univariable.age"))["univariable"])
    key = "cox.os.univariable.grade"
    assert f"| <{key}.hr> (<{key}.hr.low>–<{key}.hr.high>)^F^ | <{key}.p> |" in text
    assert text.count("^F^") == 2
    assert text.splitlines()[-4].endswith(
        "^F^ Firth’s penalised likelihood with its profile limits: <endpoint.os.label> by "
        f"<covariate.grade.label> because <{key}.hr.reason>."
    )


def whole(key: str, *names: str) -> list[Statistic]:
    units = {"chi_square": "chi-square", "df": "count", "p": "p"}
    return [Statistic(f"{key}.{n}.{q}", 2, u, "test") for n in names for q, u in units.items()]


def test_tests_of_the_models_as_wholes() -> None:
    lc, os, three = "cox.lc.multivariable", "cox.os.multivariable", (
        "likelihood_ratio", "wald", "score")  # fmt: skip
    found = made(
        *whole(lc, *three, "robust_wald", "robust_score"),
        *whole(os, *three),
        *whole("cox.lc.model_1", *three),
        *hazard("cox.lc.model_1.grade"),
    )
    lines = printed(found["global_tests"]).splitlines()

    def cells(key: str, *names: str) -> str:
        return " | ".join(f"<{key}.{name}.chi_square> | <{key}.{name}.p>" for name in names)

    assert lines[1] == "|  | df | Likelihood ratio |  | Wald |  | Score |  |"
    # One model is no series: model_1 says nothing that the univariable one does not.
    assert lines[3:9] == [
        "| Model | df | Chi-square | *p* | Chi-square | *p* | Chi-square | *p* |",
        "| **<endpoint.lc.label>** |  |  |  |  |  |  |  |",
        f"| Multivariable | <{lc}.likelihood_ratio.df> | {cells(lc, *three)} |",
        f"| &emsp;Clustered by patient |  | – | – | {cells(lc, 'robust_wald', 'robust_score')} |",
        "| **<endpoint.os.label>** |  |  |  |  |  |  |  |",
        f"| Multivariable | <{os}.likelihood_ratio.df> | {cells(os, *three)} |",
    ]


def test_models_of_the_series_are_tested_under_their_names() -> None:
    models = ("model_1", "model_2")
    ratios = [s for m in models for s in hazard(f"cox.lc.{m}.grade")]
    tests = [s for m in models for s in whole(f"cox.lc.{m}", "likelihood_ratio")]
    lines = printed(made(*ratios, *tests)["global_tests"]).splitlines()
    # The second holds what the multivariable one does.
    assert [line.split(" | ")[0] for line in lines[5:7]] == ["| Model I", ""]
    assert lines[5].endswith("| – | – | – | – |")
    tests = whole("cox.lc.multivariable", "likelihood_ratio")
    lines = printed(made(*ratios, *tests)["global_tests"]).splitlines()
    assert lines[5].startswith("| Multivariable (Model II) | ")


def profiled(key: str) -> list[Statistic]:
    ci = Interval(0.1, 1.1, 0.95, "profile likelihood")
    return [
        Statistic(f"{key}.profile", 0.5, "hazard ratio", "Cox", ci=ci),
        Statistic(f"{key}.profile_p", 0.03, "p", "likelihood ratio"),
    ]


def test_profile_limits_stand_beside_the_wald_limits_that_they_correct() -> None:
    lc, os = "cox.lc.univariable.grade", "cox.os.univariable.grade"
    found = made(*hazard(os), *profiled(os), *clustered(lc), *profiled(lc))
    lines = printed(found["profile"]).splitlines()

    def row(key: str, wald: str, p: str) -> str:
        return (
            "| <covariate.grade.label>: <covariate.grade.contrast>, univariable "
            f"| <{key}.hr> | <{key}.{wald}.low>–<{key}.{wald}.high> | <{key}.{p}> "
            f"| <{key}.profile.low>–<{key}.profile.high> | <{key}.profile_p> |"
        )

    # The profile knows no clusters, so it is compared with what takes lesions as independent.
    assert lines[5] == row(lc, "naive", "naive_p")
    assert lines[7] == row(os, "hr", "p")
    independent = "Lesions are taken as independent here."
    assert independent in lines[-4]
    assert independent not in made(*hazard(os), *profiled(os))["profile"]


def toxicity() -> list[Statistic]:
    statistics = []
    for key, patients, grades in (
        ("acute.enteritis", 2, (1, 1, 0, 0, 0)),
        ("acute.fatigue", 8, (5, 3, 0, 0, 0)),
        ("late.dermatitis", 1, (0, 0, 1, 0, 0)),
    ):
        statistics += share(f"toxicity.{key}", patients, 37)
        statistics.append(Statistic(f"toxicity.{key}.label", key, "text", "as recorded"))
        statistics += [count(f"toxicity.{key}.grade_{g}.n", n) for g, n in enumerate(grades, 1)]
    statistics += share("toxicity.grade_3_or_more", 1, 37)
    return statistics + share("toxicity.grade_4_or_more", 0, 37)


def test_toxicity_table_goes_up_to_the_worst_grade_and_shows_that_there_was_no_worse() -> None:
    lines = printed(made(*toxicity())["toxicity"]).splitlines()
    assert lines[1] == "| Adverse event | Patients, n (%) | G1 | G2 | G3 |"
    assert [line.split("|")[1].strip() for line in lines[3:-5]] == [
        "**Acute**",
        "<toxicity.acute.fatigue.label>",
        "<toxicity.acute.enteritis.label>",
        "**Late**",
        "<toxicity.late.dermatitis.label>",
        "**Acute or late**",
        "Any of G3 or more",
        "Any of G4 or more",
    ]
    assert "| <toxicity.grade_4_or_more.n> (<toxicity.grade_4_or_more.percent>%) |" in lines[-6]


def test_the_order_of_events_tells_nothing_of_counts_that_are_withheld() -> None:
    key = "toxicity.acute.anaemia"
    label = Statistic(f"{key}.label", "acute.anaemia", "text", "as recorded")
    grades = [count(f"{key}.grade_{g}.n", int(g == 1)) for g in range(1, 6)]
    numbers = withheld(*toxicity(), *share(key, 1, 37), label, *grades)
    rows = [line.split("|")[1:3] for line in read(numbers, "toxicity").splitlines()[4:7]]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["acute.fatigue", "8 (21.6%)"],
        ["acute.anaemia", "< 5"],  # of one patient; enteritis is of two
        ["acute.enteritis", "< 5"],
    ]


def all_statistics() -> list[Statistic]:
    models = [f"lc.{m}.{n}" for m in ("univariable", "multivariable") for n in ("grade", "size")]
    models += ["lc.model_1.grade", "lc.model_2.grade", "os.univariable.age"]
    return [
        *share("cohort.sex.male", 1, 2),
        *(Statistic(f"lesions.size.{m}", 5.0, "cm", m) for m in ("median", "min", "max")),
        *(Statistic(f"dose.bed10.{m}", 5.0, "Gy", m) for m in ("median", "min", "max")),
        *(Statistic(f"dose.eqd2.{m}", 5.0, "Gy", m) for m in ("median", "min", "max")),
        *survival(),
        *(s for key in models for s in clustered(f"cox.{key}")),
        *(s for key in models[:4] for s in profiled(f"cox.{key}")),
        *whole("cox.lc.multivariable", "likelihood_ratio", "wald", "score", "robust_wald"),
        *whole("cox.lc.model_1", "likelihood_ratio"),
        *restricted("os"),
        *log_rank("os.grade.logrank"),
        *(s for key in ("trend", "pair.G1_G2") for s in log_rank(f"os.grade.{key}")[:2]),
        *toxicity(),
    ]


def everything() -> dict[str, str]:
    return made(*all_statistics(), cohort=RECONSTRUCTED)


def test_no_table_has_an_interval_of_what_is_not_shown() -> None:
    numbers = withheld(*(replace(s, n=s.n or 4) for s in all_statistics()))
    found = [name for name in everything() if "not shown" in read(numbers, name)]
    assert {"survival", "quartiles", "log_rank", "univariable", "treatment"} <= set(found)
    for name in found:
        assert re.findall(r"not shown ?[–(]|[–(]not shown", read(numbers, name)) == [], name


def test_every_digit_is_in_a_shortcode_or_an_identifier() -> None:
    found = everything()
    assert sorted(found) == [
        "clustering", "global_tests", "lc_models", "log_rank", "multivariable", "ordered",
        "patients", "profile", "quartiles", "rates_os", "survival", "toxicity", "treatment",
        "univariable",
    ]  # fmt: skip
    for text in found.values():
        plain = SHORTCODE.sub("", text)
        assert re.findall(r"\S*\d\S*", re.sub(r"\b(BED10|EQD2|G[1-5])\b", "", plain)) == []


def test_every_table_is_one_div_whose_rows_have_the_headers_columns() -> None:
    found = everything()
    del found["rates_os"]  # a sentence
    for name, text in found.items():
        lines = text.splitlines()
        assert lines[0] == f"::: {{#tbl-{name.replace('_', '-')}}}"
        assert lines[-1] == ":::"
        assert lines[-3] == ""
        # Rows, a blank, the notes, a blank: what a cell may hold never makes a paragraph.
        rows = lines[1 : lines.index("")]
        assert len({line.count("|") for line in rows}) == 1
        assert [line for line in lines[len(rows) + 1 : -2] if line == ""] in ([""], [""] * 2)
        assert lines[-2].endswith("Data {{< num cohort.label >}}.")


def test_a_reason_for_many_names_is_that_of_all_others():
    entry = {"status": "not_estimable", "reason": "nobody was there"}
    numbers = {f"k{i}": entry for i in range(6)}
    named = [(key, key.upper()) for key in numbers]
    assert not_estimable_note(numbers, named) == "Not estimable: all because {{< num k0.reason >}}."
    numbers |= {"k9": {"status": "not_estimable", "reason": "another"}}
    named += [("k9", "K0")]
    assert not_estimable_note(numbers, named) == (
        "Not estimable: K0 because {{< num k9.reason >}}; "
        "K0 and all others because {{< num k0.reason >}}."
    )


def test_no_numbers_no_tables() -> None:
    assert made() == {}


@pytest.mark.parametrize("name", ["lc_models", "multivariable"])
def test_a_plan_without_such_models_has_no_such_table(name: str) -> None:
    analysis = replace(ANALYSIS, multivariable={})
    numbers = computed_entries([("cox", s) for s in hazard("cox.lc.model_1.grade")], OBSERVED)
    assert name not in tables(numbers, analysis, OBSERVED, ENDPOINTS)
