from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypandoc
import pytest

from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.published import Figure, Published, Study
from sarcoma_sbrt.provenance.digit_coverage import read_rules
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics
from sarcoma_sbrt.reporting.evidence_tables import RATE_MARKS, evidence_tables
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, text_entry
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import Analysis, CohortSettings, Comparison

ROOT = Path(__file__).parents[3]
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")

COHORT = CohortSettings("small", "A small cohort", "observed", tables={}, times={})
RECONSTRUCTED = replace(
    COHORT, kind="reconstructed", derived_from="yew2022", support={"os.x": "printed"}
)
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
    covariates={},
    endpoints=("lc", "os"),
    strata={},
    univariable={},
    multivariable={},
    forest={},
    figures={},
    comparison=Comparison(("lc", "os"), (12, 24)),
    left_out={},
)

# --- hand-made registries ---------------------------------------------------------------------

Numbers = dict[str, dict[str, Any]]


def study(study_id: str, role: str = "sbrt_series", **given: Any) -> Study:
    texts = dict.fromkeys(
        ("design", "population", "treatment", "country", "dose_printed", "histology"), ""
    )
    blank = dict.fromkeys(("follow_up_method", "citation", "note"), "")
    nothing = dict.fromkeys(
        ("title_year", "years_from", "years_to", "patients", "lesions"), None
    ) | dict.fromkeys(("median_size_cm", "follow_up_months"), None)
    rest = {"label": f"{study_id[:-4].capitalize()} et al. {study_id[-4:]}", "cohort_id": study_id}
    rest |= {"reported_in": (), "members": (), "schedules": (), "site": "lung"}
    rest |= {"locator": "elm2020 table_1 row Elm"}
    return Study(study_id=study_id, role=role, **texts | blank | nothing | rest | given)


def figure(key: str, text: str, paper: str = "elm2020", **given: Any) -> Figure:
    study_id, endpoint = key.split(".")[:2]
    place = {"paper": paper, "place": "table_1", "row": "r", "column": "c"}
    rest = {"measure": "count", "endpoint": endpoint, "printed_text": text, "file": "outcomes.csv"}
    return Figure(key, study_id, **place | {"locator": f"{paper}, Table 1"} | rest | given)


def transcribed(*figures: Figure, studies: tuple[Study, ...] = ()) -> Numbers:
    return published_entries(
        Published({s.study_id: s for s in studies}, {f.key: f for f in figures})
    )


def texts(**said: str) -> Numbers:
    return {key: text_entry(key, text, "configured") for key, text in said.items()}


CONFIGURED = configured_entries(
    {
        "models": {"confidence_level": 0.95, "comparison": {"times_months": [12, 24]}},
        "endpoints": {
            "alpha_beta_gy": 10,
            "endpoints": {"lc": {"unit": "lesion"}, "os": {"unit": "patient"}},
        },
    }
) | texts(
    **{
        "endpoint.lc.label": "Local control",
        "endpoint.os.label": "Overall survival",
        "cohort.label": "reconstructed from printed figures; not patients",
    }
)


def computed(*statistics: Statistic, cohort: CohortSettings = COHORT) -> Numbers:
    return computed_entries([("stage", s) for s in statistics], cohort)


def text(key: str, said: str) -> Statistic:
    return Statistic(key, said, "text", "flag", columns=("published.studies",))


def count(key: str, value: int) -> Statistic:
    return Statistic(key, value, "count", "count", columns=("published.studies",))


def percent(
    key: str, value: float, low: float, high: float, level: float = 0.95, **rest: Any
) -> Statistic:
    ci = Interval(low, high, level, "made by hand")
    given: dict[str, Any] = {"columns": ("published.outcomes",)} | rest
    return Statistic(key, value, "percent", "by hand", ci=ci, **given)


def series(study_id: str, rate: float, name: str = "os.rate_12m", **flags: str) -> list[Statistic]:
    """Records of one series; flags as the stage synthesis writes them."""
    key = f"series.{study_id}.{name}"
    part = flags.pop("part", "")
    level = float(flags.pop("level", "0.95"))
    said = {
        "unit_of_analysis": "patient",
        "interval": "approximated",
        "supported": "yes",
        "crude": "no",
        "figure": f"{study_id}.{name}",
    } | flags
    population = {"filter": {"subgroup": part} if part else {}}
    return [
        percent(key, rate, rate - 10, rate + 10, level, population=population),
        count(f"{key}.n", 40),
        *(text(f"{key}.{flag}", value) for flag, value in said.items() if value),
        text(f"series.{study_id}.site", "lung"),
    ]


def doses(study_id: str, least: float, most: float) -> list[Statistic]:
    return [
        Statistic(f"series.{study_id}.bed10.{name}", gy, "Gy", "BED", columns=("published.x",))
        for name, gy in (("least", least), ("most", most))
    ]


def made(numbers: Numbers, cohort: CohortSettings = COHORT) -> dict[str, str]:
    numbers = CONFIGURED | numbers
    found = evidence_tables(numbers, ANALYSIS, cohort)
    for table in found.values():
        assert [key for key in SHORTCODE.findall(table) if key not in numbers] == []
    return found


def rows(table: str) -> list[list[str]]:
    """Cells of a table's rows, shortcodes shortened to their keys in brackets."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    short = [SHORTCODE.sub(r"<\1>", line) for line in lines]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in short]


def caption(table: str) -> str:
    return SHORTCODE.sub(r"<\1>", table.splitlines()[-2])


def notes(table: str) -> str:
    """Paragraph between a table and its caption."""
    return SHORTCODE.sub(r"<\1>", table.splitlines()[-4])


# --- comparison -----------------------------------------------------------------------------


def test_comparison_exactly() -> None:
    numbers = transcribed(
        figure("elm2020.os.rate_12m", "70", estimate=70.0, unit="percent"),
        studies=(study("elm2020"),),
    ) | computed(*series("elm2020", 70), *doses("elm2020", 48, 100))
    found = made(numbers)
    assert found.keys() == {"comparison_os"}
    assert (
        found["comparison_os"]
        == """\
::: {#tbl-comparison-os}
| Series | Site | Unit | Patients | BED10, Gy | Rate, % ({{< num config.models.confidence_level >}}% CI) | Printed in |
|:----------------------------|---------|------|----------:|--------------:|----------------------:|----------------------|
| **At {{< num config.models.comparison.times_months.0 >}} months** |  |  |  |  |  |  |
| {{< num published.elm2020.label >}} | Lung | P | {{< num series.elm2020.os.rate_12m.n >}} | {{< num series.elm2020.bed10.least >}}–{{< num series.elm2020.bed10.most >}} | {{< num published.elm2020.os.rate_12m >}} ({{< num series.elm2020.os.rate_12m.low >}}–{{< num series.elm2020.os.rate_12m.high >}})^a^ | {{< num published.elm2020.os.rate_12m.place >}} |

Unit: what is counted, P patients, L lesions; Patients: their number, also where lesions are counted. BED10: as printed, or else from the lowest printed dose in the most fractions to the highest in the fewest; of this cohort, the range of its lesions; alpha/beta {{< num config.endpoints.alpha_beta_gy >}} Gy. ^a^ Interval approximated from the number of patients, also where lesions were counted.

{{< num endpoint.os.label >}} in this cohort and in published series, by time: this cohort first, then the highest rate first.
:::
"""  # noqa: E501
    )


def test_rows_go_by_time_and_rate_and_this_cohort_stands_first() -> None:
    ids = ("elm2020", "fir2021", "oak2019")
    numbers = transcribed(studies=tuple(map(study, ids))) | computed(
        *series("elm2020", 60),
        *series("fir2021", 80),
        *series("oak2019", 80),
        *series("fir2021", 50, "os.rate_24m")[:-1],
        percent("os.rate_12m", 40, 30, 50),
    )
    first = [row[0] for row in rows(made(numbers)["comparison_os"])]
    assert first == [
        "**At <config.models.comparison.times_months.0> months**",
        "**This cohort**",
        "<published.fir2021.label>",
        "<published.oak2019.label>",
        "<published.elm2020.label>",
        "**At <config.models.comparison.times_months.1> months**",
        "<published.fir2021.label>",
    ]


@pytest.mark.parametrize(
    ("flags", "marks"),
    [
        ({"interval": ""}, ()),
        ({"interval": "approximated"}, ("approximated",)),
        ({"interval": "", "supported": "no"}, ("unsupported",)),
        ({"interval": "", "crude": "yes"}, ("crude",)),
        ({"interval": "", "part": "men"}, ("part",)),
        ({"interval": "printed", "level": "0.9"}, ("level",)),
        (
            {"supported": "no", "crude": "yes", "part": "men"},
            ("approximated", "unsupported", "crude", "part"),
        ),
    ],
)
def test_marks_of_a_rate_are_said_once_and_lettered_without_a_gap(
    flags: dict[str, str], marks: tuple[str, ...]
) -> None:
    numbers = transcribed(studies=(study("elm2020"),)) | computed(*series("elm2020", 60, **flags))
    table = made(numbers)["comparison_os"]
    letters = "abcdef"[: len(marks)]
    shown = re.search(r"\^([a-f,]+)\^$", rows(table)[1][5])
    assert (shown[1] if shown else "") == ",".join(letters)
    assert re.findall(r"\^([a-f])\^ ([^^]+\.)", notes(table)) == [
        (letter, RATE_MARKS[mark]) for letter, mark in zip(letters, marks, strict=True)
    ]


def test_the_reproduction_target_is_marked_beside_its_name() -> None:
    numbers = transcribed(studies=(study("yew2022"),)) | computed(*series("yew2022", 60))
    table = made(numbers, RECONSTRUCTED)["comparison_os"]
    assert rows(table)[1][0] == "<published.yew2022.label>^b^"
    assert rows(table)[1][5].endswith("^a^")
    assert "^b^ This cohort is reconstructed from this study" in notes(table)
    assert "^b^" not in made(numbers)["comparison_os"]


def test_a_time_that_the_text_does_not_support_is_marked_in_the_context_too() -> None:
    numbers = transcribed(studies=(study("gum1999", role="context", site="any"),))
    numbers |= computed(
        *context("gum1999", "os.rate_12m", 71.0),
        text("context.gum1999.os.rate_12m.supported", "no"),
    )
    table = made(numbers)["comparison_os"]
    assert rows(table)[1][5].endswith("^a^")
    assert notes(table).endswith(f"^a^ {RATE_MARKS['unsupported']}")


def test_a_printed_interval_is_shown_as_printed() -> None:
    printed = figure("elm2020.os.rate_12m", "70", ci_low=60.0, ci_high=80.0, printed_ci="60 to 80")
    numbers = transcribed(printed, studies=(study("elm2020"),))
    numbers |= computed(*series("elm2020", 70, interval="printed"))
    of = "published.elm2020.os.rate_12m"
    assert rows(made(numbers)["comparison_os"])[1][5] == f"<{of}> (<{of}.low>–<{of}.high>)"


def test_this_cohort_as_far_as_it_is_known() -> None:
    numbers = transcribed(studies=(study("elm2020"),)) | computed(
        *series("elm2020", 60, "lc.rate_12m", unit_of_analysis=""),
        percent("lc.rate_12m", 40, 30, 50),
        count("cohort.patients", 37),
        count("lesions.site.lung.n", 3),
        count("lesions.site.head_neck.n", 0),
        Statistic("dose.bed10.min", 60.0, "Gy", "min"),
        Statistic("dose.bed10.max", 60.0, "Gy", "max"),
    )
    assert rows(made(numbers)["comparison_lc"])[1] == [
        "**This cohort**",
        "Lung",
        "L",
        "<cohort.patients>",
        "<dose.bed10.min>",
        "<lc.rate_12m> (<lc.rate_12m.low>–<lc.rate_12m.high>)",
        "this work",
    ]
    assert rows(made(numbers)["comparison_lc"])[2][2] == "–"
    numbers |= computed(count("lesions.site.head_neck.n", 1))
    assert rows(made(numbers)["comparison_lc"])[1][1] == "Mixed"


def test_filler_of_this_cohort_never_stands_beside_published_rates() -> None:
    filler = {"columns": ("patients.vital_status",)}
    printed = {"columns": ("patients.x",)}
    cohort = replace(RECONSTRUCTED, support={"patients.x": "printed"})
    numbers = transcribed(studies=(study("elm2020"),)) | computed(*series("elm2020", 60))
    hidden = numbers | computed(percent("os.rate_12m", 40, 30, 50, **filler), cohort=cohort)
    table = made(hidden, cohort)["comparison_os"]
    assert "This cohort" not in table
    assert "cohort.label" not in table
    sites = Statistic("lesions.site.lung.n", 3, "count", "n", **filler)
    shown = numbers | computed(
        percent("os.rate_12m", 40, 30, 50, **printed),
        Statistic("cohort.patients", 37, "count", "n", **filler),
        sites,
        cohort=cohort,
    )
    table = made(shown, cohort)["comparison_os"]
    assert rows(table)[1][:5] == ["**This cohort**", "–", "P", "–", "–"]
    assert caption(table).endswith("Data <cohort.label>.")


def context(study_id: str, name: str, rate: float | str, part: str = "") -> list[Statistic]:
    """Records of what is set beside the series, as the stage synthesis writes them."""
    endpoint, time = name.split(".")
    key = f"context.{study_id}.{endpoint}{part}.{time}"
    unit: Any = "text" if isinstance(rate, str) else "percent"
    return [
        Statistic(key, rate, unit, "context", columns=("published.outcomes",)),
        text(f"{key}.kind", "conventional radiotherapy"),
        text(f"{key}.figure", f"{study_id}.{name}"),
    ]


def test_context_stands_under_its_own_header_with_its_kind() -> None:
    printed = figure("gum1999.os.rate_12m", "71", ci_low=60.0, ci_high=80.0, printed_ci="60–80")
    numbers = transcribed(
        printed,
        figure("hop2001.os.rate_12m", "50 to 60"),
        studies=(study("gum1999", role="context", site="any"), study("hop2001", role="review")),
    )
    numbers |= computed(
        *context("hop2001", "os.rate_12m", "50–60", part=".surgery"),
        *context("gum1999", "os.rate_12m", 71.0),
    )
    table = made(numbers)["comparison_os"]
    of = "published.gum1999"
    in_parts = "context.hop2001.os.surgery.rate_12m"
    assert rows(table) == [
        [
            "**Context, not pooled, at <config.models.comparison.times_months.0> months**",
            *[""] * 6,
        ],
        [
            f"<{of}.label>: <context.gum1999.os.rate_12m.kind>",
            "Any",
            *"–––",
            f"<{of}.os.rate_12m> (<{of}.os.rate_12m.low>–<{of}.os.rate_12m.high>)",
            f"<{of}.os.rate_12m.place>",
        ],
        [
            f"<published.hop2001.label>: <{in_parts}.kind>",
            "Lung",
            *"–––",
            f"<{in_parts}>",
            "<published.hop2001.os.rate_12m.place>",
        ],
    ]
    assert "–: not given." in notes(table)


def test_without_series_there_is_no_comparison() -> None:
    assert made(computed(percent("os.rate_12m", 40, 30, 50))) == {}


# --- synthesis ------------------------------------------------------------------------------


def pooled(key: str, rate: float, k: int, reach: float = 10) -> list[Statistic]:
    return [percent(key, rate, rate - reach, rate + reach), count(f"{key}.k", k)]


def refused(key: str, k: int) -> list[Statistic]:
    reason = "fewer than 3 series can be pooled"
    return [not_estimable(key, "percent", "pooling", reason), count(f"{key}.k", k)]


def whole_group(key: str) -> list[Statistic]:
    return [
        *pooled(key, 80, 4),
        percent(f"{key}.prediction", 80, 50, 95),
        Statistic(f"{key}.tau2", 0.2, "variance", "REML"),
        Statistic(f"{key}.i2", 40.0, "percent", "share"),
        *pooled(f"{key}.all_rows", 82, 5),
        percent(f"{key}.all_rows.prediction", 82, 40, 96),
        Statistic(f"{key}.all_rows.tau2", 0.3, "variance", "REML"),
        Statistic(f"{key}.all_rows.i2", 50.0, "percent", "share"),
        *pooled(f"{key}.half_n", 79, 4),
        percent(f"{key}.plain", 80, 60, 90),
    ]


def test_a_group_and_its_sensitivity_rows() -> None:
    key = "synthesis.lc.all.rate_24m"
    table = made(computed(*whole_group(key)))["synthesis"]

    def interval(of: str) -> str:
        return f"<{of}> (<{of}.low>–<{of}.high>)"

    assert rows(table) == [
        ["**<endpoint.lc.label> at <config.models.comparison.times_months.1> months**", *[""] * 5],
        [
            "All sites",
            f"<{key}.k>",
            interval(key),
            f"<{key}.prediction.low>–<{key}.prediction.high>",
            f"<{key}.tau2>",
            f"<{key}.i2>",
        ],
        [
            "&emsp;also times that only a table gives",
            f"<{key}.all_rows.k>",
            interval(f"{key}.all_rows"),
            f"<{key}.all_rows.prediction.low>–<{key}.all_rows.prediction.high>",
            f"<{key}.all_rows.tau2>",
            f"<{key}.all_rows.i2>",
        ],
        [
            "&emsp;half of n where no interval is printed",
            f"<{key}.half_n.k>",
            interval(f"{key}.half_n"),
            *"–––",
        ],
        [
            "&emsp;plain Hartung-Knapp interval",
            f"<{key}.k>",
            interval(f"{key}.plain"),
            *"–––",
        ],
    ]
    assert "not pooled" not in table


def test_sensitivity_rows_that_take_nothing_else_are_not_shown() -> None:
    key = "synthesis.lc.all.rate_24m"
    same = [*pooled(f"{key}.all_rows", 80, 4), percent(f"{key}.plain", 80, 70, 90)]
    table = made(computed(*pooled(key, 80, 4), *same))["synthesis"]
    assert [row[0] for row in rows(table)[1:]] == ["All sites"]


def test_groups_that_are_not_pooled() -> None:
    brain, lung = "synthesis.os.brain.rate_12m", "synthesis.os.lung.rate_12m"
    table = made(
        computed(
            *pooled("synthesis.os.all.rate_12m", 60, 4),
            *refused(brain, 1),
            *refused(f"{brain}.all_rows", 2),
            *refused(lung, 2),
            *pooled(f"{lung}.all_rows", 60, 3),
        )
    )["synthesis"]
    names = [row[0] for row in rows(table)]
    assert names[1:] == ["All sites", "Lung", "&emsp;also times that only a table gives"]
    assert rows(table)[2][1:] == [f"<{lung}.k>", f"not pooled: <{lung}.reason>", *"–––"]
    sentence = f"A site and time without a row is not pooled, because <{brain}.reason>."
    assert notes(table).endswith(sentence)


def test_the_source_of_a_reconstruction_is_said_to_be_left_out() -> None:
    numbers = computed(*pooled("synthesis.os.all.rate_12m", 60, 4))
    sentence = "The series that this cohort is reconstructed from is not pooled."
    assert sentence in made(numbers, RECONSTRUCTED)["synthesis"]
    assert sentence not in made(numbers)["synthesis"]


@pytest.mark.parametrize(
    ("variance", "k", "said"), [(0.0, 4, True), (0.2, 4, False), (0.0, 12, False)]
)
def test_a_variance_of_nought_between_few_series_is_not_taken_for_agreement(
    variance: float, k: int, said: bool
) -> None:
    key = "synthesis.os.all.rate_12m"
    tau2 = Statistic(f"{key}.tau2", variance, "variance", "REML")
    table = made(computed(*pooled(key, 60, k), tau2))["synthesis"]
    assert ("a τ² of nought does not show that the series agree." in table) == said


def test_leave_one_out_exactly() -> None:
    key, lung = "synthesis.os.all.rate_12m", "synthesis.os.lung.rate_12m"
    numbers = transcribed(studies=(study("elm2020"), study("fir2021"))) | computed(
        *pooled(key, 60, 4),
        percent(f"{key}.leave_out.fir2021", 62, 50, 70),
        percent(f"{key}.leave_out.elm2020", 58, 50, 70),
        *pooled(lung, 60, 3),
        *refused(f"{lung}.leave_out.elm2020", 2),
    )
    table = made(numbers)["leave_one_out"]
    title = "**<endpoint.os.label> at <config.models.comparison.times_months.0> months, all sites**"
    assert rows(table) == [
        [title, ""],
        ["None", f"<{key}> (<{key}.low>–<{key}.high>)"],
        *(
            [
                f"<published.{left}.label>",
                f"<{key}.leave_out.{left}> "
                f"(<{key}.leave_out.{left}.low>–<{key}.leave_out.{left}.high>)",
            ]
            for left in ("elm2020", "fir2021")
        ),
    ]
    assert notes(table).endswith("A group of which too few series would remain has no rows.")


# --- published series -------------------------------------------------------------------------


def schedule(key: str, text: str, dose: float, fractions: int, **given: Any) -> Figure:
    return figure(
        key,
        text,
        measure="schedule",
        dose_low_gy=dose,
        dose_high_gy=dose,
        fractions_low=fractions,
        fractions_high=fractions,
        **given,
    )


def test_series_are_listed_in_one_form() -> None:
    first = "elm2020.schedule.30gy_3fx"
    numbers = transcribed(
        figure("elm2020.patients", "Fourteen", estimate=14.0),
        figure("elm2020.lesions", "37", estimate=37.0),
        schedule(first, "30 Gy in three fractions", 30, 3),
        schedule("elm2020.schedule.45gy_4fx", "45Gy/4fx", 45, 4),
        figure("elm2020.schedule.others", "12"),
        schedule("elm2020.schedule.51gy_3fx", "51 Gy", 51, 3, duplicate_of=first),
        schedule("elm2020.schedule.boost", "60 Gy/8 fx", 60, 8),
        figure("elm2020.follow_up.median", "17", printed_range="3–30", range_low=3, range_high=30),
        figure(
            "elm2020.period",
            "",
            printed_range="2010 to 2014",
            range_low=2010,
            range_high=2014,
            measure="period",
        ),
        schedule("fir2021.schedule.sbrt", "30 Gy/6 fx", 30, 6),
        figure("oak2019.patients", "9"),
        figure("pin2018.os.rate_12m", "50"),
        studies=(
            study("fir2021", site="mixed", citation="fir2021key"),
            study("elm2020"),
            study("oak2019", role="context"),
            study("pin2018"),
        ),
    )
    table = made(numbers)["published_series"]
    of, other = "published.elm2020", "published.fir2021"
    assert rows(table) == [
        ["**Lung**", *[""] * 6],
        [
            f"<{of}.label>",
            f"<{of}.patients.digits>",
            f"<{of}.lesions>",
            f"<{of}.schedule.30gy_3fx.dose>; <{of}.schedule.45gy_4fx.dose>",
            f"<{of}.follow_up.median> (<{of}.follow_up.median.least>–<{of}.follow_up.median.most>)",
            f"<{of}.period.years>",
            f"<{of}.place>",
        ],
        ["**Mixed**", *[""] * 6],
        ["@fir2021key", "–", "–", f"<{other}.schedule.sbrt.dose>", "–", "–", f"<{other}.place>"],
    ]
    assert "–: not printed." in notes(table)
    assert notes(table).endswith("None of this is printed of <published.pin2018.label>.")
    assert numbers[f"{of}.patients.digits"]["text"] == "14"
    assert numbers[f"{of}.schedule.45gy_4fx.dose"]["text"] == "45 Gy/4 fx"
    assert numbers[f"{of}.period.years"]["text"] == "2010–2014"


def test_numbers_of_a_part_of_a_series_are_marked() -> None:
    numbers = transcribed(
        figure("elm2020.patients", "five", estimate=5.0, subgroup="schedule_30gy_3fx"),
        studies=(study("elm2020"),),
    )
    table = made(numbers)["published_series"]
    assert rows(table)[1][1:3] == ["<published.elm2020.patients.digits>^a^", "–"]
    said = "^a^ Of a part of the series only: <published.elm2020.patients.part>."
    assert said in notes(table)
    assert numbers["published.elm2020.patients.part"]["text"] == "30 Gy/3 fx"


# --- all tables -------------------------------------------------------------------------------


def consistency() -> Numbers:
    male, ratio = figure("elm2020.sex.male", "40"), figure("elm2020.lc.grade.hr", "0.3")
    new = figure("fir2021.lc.grade.hr", "0.2")
    moved = {"suffix": "lc.grade.hr", "old": "0.3", "new": "0.2", "what": "label moved"}
    moved["kind"] = "moved"
    findings = [
        Finding("count_percentage", (male.key,), "inconsistent", "a", "b", "4/9 = 44%"),
        Finding("subtotal", (male.key,), "consistent", "a", "b", "4 + 5 = 9"),
        Finding("drift", (ratio.key, new.key), "moved", "0.3 → 0.2", "x", "0.3 → 0.2", moved),
    ]
    printed = (male, ratio, new)
    return transcribed(*printed) | computed(
        *consistency_statistics(findings, {f.key: f for f in printed})
    )


def everything() -> Numbers:
    key = "synthesis.os.all.rate_12m"
    ids = ("yew2022", "elm2020", "fir2021")
    return (
        consistency()
        | transcribed(
            figure("elm2020.patients", "40"),
            figure("elm2020.os.rate_12m", "70"),
            studies=tuple(map(study, ids)),
        )
        | computed(
            *series("yew2022", 60, supported="no", crude="yes", part="men"),
            *series("elm2020", 70),
            *series("elm2020", 70, "lc.rate_24m")[:-1],
            *whole_group(key),
            percent(f"{key}.leave_out.elm2020", 58, 50, 70),
            *refused("synthesis.os.lung.rate_12m", 1),
            percent("os.rate_12m", 40, 30, 50),
            *context("elm2020", "os.rate_24m", 40.0),
        )
    )


TABLES = (
    "comparison_lc",
    "comparison_os",
    "synthesis",
    "leave_one_out",
    "published_series",
    "consistency_summary",
    "consistency_findings",
    "drift",
    "consistency_all",
)


def test_all_tables_are_made() -> None:
    assert tuple(made(everything(), RECONSTRUCTED)) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_every_digit_is_a_shortcode_or_part_of_a_name(name: str) -> None:
    bare = re.sub(r"@\w+", "", SHORTCODE.sub("", made(everything(), RECONSTRUCTED)[name]))
    for pattern in read_rules(ROOT / "manuscript/coverage.yaml").patterns.values():
        bare = pattern.sub("", bare)
    assert [c for c in bare if unicodedata.category(c) in ("Nd", "Nl", "No")] == []


@pytest.mark.parametrize("name", TABLES)
def test_pandoc_reads_a_table_and_a_caption(name: str) -> None:
    table = made(everything(), RECONSTRUCTED)[name]
    plain = SHORTCODE.sub("x", table)
    document = pypandoc.convert_text(plain, "native", format="markdown")
    assert len(re.findall(r"\bTable\b", document)) == 1
    cells = {line.count(" | ") for line in table.splitlines() if line.startswith("| ")}
    assert len(cells) == 1
    assert plain.endswith(".\n:::\n")
