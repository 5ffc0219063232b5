import hashlib
import json
import math
import re
import shutil
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from hostile_cohort import make_hostile

from sarcoma_sbrt.schema import ENDPOINT_TABLE
from sarcoma_sbrt.validation import pandera_schema

REPOSITORY = Path(__file__).parents[2]
TCIA = REPOSITORY.parent / "shared" / "real" / "tcia-soft-tissue-sarcoma" / "INFOclinical_STS.xlsx"

pytestmark = pytest.mark.workflow


def planned(run):
    """Rules that a dry run would execute."""
    assert run.returncode == 0, run.stdout + run.stderr
    return set(re.findall(r"^(?:local)?rule (\w+):", run.stdout + run.stderr, re.MULTILINE))


def manifest(copy, results="results"):
    return json.loads((copy.folder / results / "manifest.json").read_text(encoding="utf-8"))


def test_every_promised_output_is_there(finished):
    results = finished.folder / "results"
    for name in (
        "manuscript/index.html",
        "manuscript/index.pdf",
        "manuscript/index.docx",
        "numbers.json",
        "flow.json",
        "manifest.json",
        "private/endpoints/lc.parquet",
        "private/endpoints/os.parquet",
        "private/endpoints/pfs.parquet",
        "figures/km_os.svg",
        "figures/km_os.png",
        "figures/flow.svg",
        "figures/flow.numbers.json",
        "lineage.json",
        "places.json",
        "document.json",
        "audit/audit.json",
        "audit/crosscheck.json",
        "audit/index.html",
        "audit/pages.json",
        "audit/claims/repro.yaml",
        "crate/ro-crate-metadata.json",
    ):
        assert (results / name).stat().st_size > 0, name


def test_registry_and_lineage_satisfy_their_schema(finished):
    folder = finished.folder
    schema = yaml.safe_load(
        (folder / "workflow/schemas/numbers.schema.yaml").read_text(encoding="utf-8")
    )
    of_lineage = {"$ref": "#/$defs/lineage", "$defs": schema["$defs"]}
    for name, rules in (("numbers", schema), ("lineage", of_lineage)):
        content = json.loads((folder / "results" / f"{name}.json").read_text(encoding="utf-8"))
        errors = jsonschema.Draft202012Validator(rules).iter_errors(content)
        said = [f"{list(error.absolute_path)}: {error.message}" for error in errors]
        assert said == [], name


def test_endpoint_tables_satisfy_their_schema(finished):
    for name in ("lc", "os", "pfs"):
        path = finished.folder / "results" / "private" / "endpoints" / f"{name}.parquet"
        table = pd.read_parquet(path, dtype_backend="numpy_nullable")
        pandera_schema(ENDPOINT_TABLE).validate(table)
        assert len(table) > 0


def test_the_manifest_holds_the_hash_of_every_result(finished):
    results = finished.folder / "results"
    entries = manifest(finished)
    for name, digest in entries.items():
        assert hashlib.sha256((results / name).read_bytes()).hexdigest() == digest, name
    made = {
        path.relative_to(results).as_posix()
        for path in results.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    timed = ("logs/", "benchmarks/", "crate/")
    left_out = {name for name in made - entries.keys() if not name.startswith(timed)}
    assert left_out == {"manifest.json"}


def test_nothing_is_written_outside_the_prefix(finished):
    before = {"Snakefile", "config", "data", "envs", "manuscript", "profiles", "workflow"}
    assert {p.name for p in finished.folder.iterdir()} - before == {"results", ".snakemake"}


def test_no_path_of_the_machine_is_in_a_result(finished):
    needle = str(finished.folder).encode()
    for path in (finished.folder / "results").rglob("*"):
        if path.is_file() and "logs" not in path.parts:
            assert needle not in path.read_bytes(), path


def test_a_second_run_has_nothing_to_do(rerunnable):
    run = rerunnable.snakemake("--dry-run")
    assert "Nothing to be done" in run.stdout + run.stderr


def test_one_core_and_the_other_entry_give_the_same_bytes(finished, copy):
    run = copy.snakemake("--snakefile", "workflow/Snakefile", cores=1)
    assert run.returncode == 0, run.stdout + run.stderr
    assert manifest(copy) == manifest(finished)
    assert "\nAudit (results/audit/audit.json): all " in run.stderr


def test_the_end_of_a_run_tells_of_a_failed_audit(copy):
    def said(*arguments):
        run = copy.snakemake("results/sources.json", *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return [line for line in (run.stdout + run.stderr).splitlines() if "audit.json" in line]

    assert said() == []
    audit = copy.folder / "results/audit/audit.json"
    audit.parent.mkdir()
    check = {"name": "cross-checks", "problems": ["os.median: the second engine gives 1"]}
    audit.write_text(
        json.dumps({"ok": False, "summary": "1 of 1 checks failed", "checks": [check]})
    )
    told = "AUDIT FAILED (results/audit/audit.json, of an earlier run): 1 of 1 checks failed"
    assert told in said("--force")[0]
    assert said("--dry-run") == []


def test_two_cohorts_coexist(rerunnable):
    before = manifest(rerunnable)
    run = rerunnable.snakemake(cohort="reconstructed-2022", results="elsewhere/second")
    assert run.returncode == 0, run.stdout + run.stderr
    results = rerunnable.folder / "results"
    for name, digest in before.items():
        assert hashlib.sha256((results / name).read_bytes()).hexdigest() == digest, name
    second = rerunnable.folder / "elsewhere" / "second"
    assert {path.name for path in second.iterdir()} >= {"logs", "benchmarks", "private"}
    numbers = json.loads((second / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["cohort.patients"]["text"] == "37"
    assert numbers["cohort.lesions"]["text"] == "58"
    html = (second / "manuscript" / "index.html").read_text(encoding="utf-8")
    assert "reconstructed from published statistics; not patients" in html


def test_a_change_of_prose_renders_only(rerunnable):
    rerunnable.edit(
        "manuscript/sections/introduction.qmd", "# Introduction", "# Introduction\n\nA sentence."
    )
    rules = planned(rerunnable.snakemake("--dry-run"))
    pages = {"assemble", "digit_coverage", "render", "page_coverage"}
    after = {"sources", "explorer", "audit", "export", "manifest", "crate", "all"}
    assert rules == pages | after


def test_an_edited_package_module_runs_what_reaches_it(rerunnable):
    module = rerunnable.folder / "workflow/src/sarcoma_sbrt/survival/cox.py"
    module.write_text(module.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    rules = planned(rerunnable.snakemake("--dry-run"))
    assert {"cox", "numbers", "render"} <= rules
    assert not {"extract", "endpoints"} & rules


def test_a_digit_typed_by_hand_fails_the_run_and_is_named(rerunnable):
    rerunnable.edit(
        "manuscript/sections/discussion.qmd", "# Discussion", "# Discussion\n\nAbout 93 of them."
    )
    run = rerunnable.snakemake()
    assert run.returncode == 1
    output = run.stdout + run.stderr
    assert "sections/discussion.qmd:3:" in output
    assert "93" in output


def test_a_missing_key_fails_the_run_with_file_and_line(rerunnable):
    rerunnable.edit(
        "manuscript/sections/discussion.qmd",
        "# Discussion",
        "# Discussion\n\nSo {{< num os.medain >}} months.",
    )
    run = rerunnable.snakemake()
    assert run.returncode == 1
    assert "sections/discussion.qmd:3:" in run.stdout + run.stderr
    assert "os.medain" in run.stdout + run.stderr


def test_a_claim_that_a_changed_record_makes_false_fails_the_run_and_is_named(rerunnable):
    rerunnable.edit(
        "manuscript/claims.yaml",
        "claims:\n",
        "claims:\n  one_high: {says: one of them, when: toxicity.grade_3_or_more.n == 1}\n",
    )
    rerunnable.edit(
        "manuscript/sections/results.qmd",
        "## Toxicity\n",
        '## Toxicity\n\nIt was severe in [one of them]{.claim name="one_high"}.\n',
    )
    project = "results/manuscript/project"
    run = rerunnable.snakemake(project)
    assert run.returncode == 0, run.stdout + run.stderr
    rerunnable.edit_bytes(
        "data/cohorts/small/toxicities.csv", b"S09;Fracture;3;", b"S09;Fracture;2;"
    )
    run = rerunnable.snakemake(project)
    assert run.returncode == 1
    text = (rerunnable.folder / "manuscript/sections/results.qmd").read_text(encoding="utf-8")
    line = 1 + text.split("\n").index('It was severe in [one of them]{.claim name="one_high"}.')
    assert (
        f"sections/results.qmd:{line}: one_high: the numbers do not carry “one of them”, in "
        "“It was severe in one of them.”, read toxicity.grade_3_or_more.n = 0"
    ) in " ".join((run.stdout + run.stderr).split())


def test_bad_records_are_reported_at_once_masked_and_leave_no_output(copy):
    raw = copy.folder / "data" / "cohorts" / "small"
    copy.edit_bytes(
        "data/cohorts/small/lesions.csv", b"S01;A;Kopf/Hals;7.5", b"S01;A;Kopf/Hals;-7.25"
    )
    (raw / "imaging.csv").unlink()
    run = copy.snakemake()
    assert run.returncode == 1
    log = (copy.folder / "results" / "logs" / "extract.log").read_text(encoding="utf-8")
    assert log.strip() in run.stdout + run.stderr
    assert "imaging.csv: " in log
    assert "lesions.csv:2: " in log
    assert "read <masked>" in log
    assert "7.25" not in log
    results = copy.folder / "results"
    made = {path for path in results.rglob("*") if path.is_file()}
    stages = ("consistency", "synthesis")
    public = ("logs", "benchmarks", "evidence", "sources.json")
    published = (*public, *(f"statistics/{name}.json" for name in stages))
    assert not [
        path for path in made if not path.relative_to(results).as_posix().startswith(published)
    ]
    assert not list((copy.folder / "results").rglob("*.parquet"))


def test_published_figures_that_cannot_be_are_refused_with_file_line_and_column(copy):
    outcomes = "data/published/outcomes.csv"
    copy.edit(outcomes, "acs2021,shah2021,section_1,sentence 1,", "acs2021,shah2021,,sentence 1,")
    run = copy.snakemake("results/statistics/synthesis.json")
    assert run.returncode == 1
    assert f"{outcomes}:2: place: value is missing" in run.stdout + run.stderr
    assert not list((copy.folder / "results").rglob("synthesis.json"))


def test_an_unknown_configuration_key_is_refused(copy):
    run = copy.snakemake(reslts="elsewhere")
    assert run.returncode == 1
    assert "'reslts' was unexpected" in run.stdout + run.stderr


def test_an_unknown_cohort_key_is_refused_with_its_line(copy):
    cohort = copy.folder / "config" / "cohorts" / "small.yaml"
    lines = cohort.read_text(encoding="utf-8").splitlines()
    cohort.write_text("\n".join([*lines, "tabels: {}"]) + "\n", encoding="utf-8")
    run = copy.snakemake("--dry-run")
    assert run.returncode == 1
    place = f"config/cohorts/small.yaml:{len(lines) + 1}: tabels: unknown key"
    assert place in run.stdout + run.stderr


def test_the_real_sheet_runs_with_a_cohort_file_and_nothing_else(rerunnable):
    if not TCIA.is_file():
        pytest.skip("the TCIA sheet is not here")
    folder = rerunnable.folder / "data" / "cohorts" / "tcia-sts"
    folder.mkdir()
    shutil.copy2(TCIA, folder)
    run = rerunnable.snakemake(cohort="tcia-sts", results="results-tcia")
    assert run.returncode == 0, run.stdout + run.stderr
    results = rerunnable.folder / "results-tcia"
    numbers = json.loads((results / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["cohort.patients"]["value"] == 51
    assert numbers["os.events"]["value"] == 15
    assert "lc.median" not in numbers
    html = (results / "manuscript" / "index.html").read_text(encoding="utf-8")
    assert "Local control" in html
    assert "not available" in html
    assert "reconstructed" not in html
    for name in ("forest.os.concordance", "cox.os.univariable.age.hr", "mfs.median"):
        assert numbers[name]["status"] in {"estimated", "not_reached"}, name


def test_a_cohort_of_survival_alone_makes_a_manuscript_that_says_what_is_missing(rerunnable):
    folder = rerunnable.folder / "data" / "cohorts" / "bare"
    folder.mkdir()
    rows = [f"{i};{100 + 37 * i};{'dead' if i % 3 else 'alive'}" for i in range(1, 25)]
    (folder / "patients.csv").write_text("id;days;status\n" + "\n".join(rows) + "\n", "utf-8")
    (rerunnable.folder / "config" / "cohorts" / "bare.yaml").write_text(
        """
title: Survival and nothing else
kind: observed
times: {unit: days, origin: diagnosis}
tables:
  patients:
    file: patients.csv
    delimiter: ";"
    columns:
      patient_id: {from: id}
      last_contact_day: {from: days}
      vital_status: {from: status}
""",
        encoding="utf-8",
    )
    run = rerunnable.snakemake(cohort="bare")
    assert run.returncode == 0, run.stdout + run.stderr
    html = (rerunnable.folder / "results" / "manuscript" / "index.html").read_text(encoding="utf-8")
    page = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "Progression-free survival is not available" in page
    assert "Local control is not available" in page
    assert "toxicity is not available" in page
    numbers = json.loads(
        (rerunnable.folder / "results" / "numbers.json").read_text(encoding="utf-8")
    )
    assert numbers["os.n"]["value"] == 24
    assert numbers["os.events"]["value"] == 16


HOSTILE = {
    # nobody fails
    "lc.grade.logrank.p": "no event was observed",
    "cox.lc.univariable.grade.hr": "no event was observed",
    "cox.lc.multivariable.likelihood_ratio.p": "no event was observed",
    "fine_gray.lc.multivariable.grade.hr": "no event was observed",
    "imputation.lc.multivariable.grade.hr": "in every completed data set no event was observed",
    # one level
    "os.setting.logrank.p": "there is one group only",
    "os.setting_reference.median": "nobody is in this group",
    "cox.os.univariable.setting.hr": "disease setting has one level only",
    "cox.pfs.multivariable.grade.hr": "disease setting has one level only",
    # five covariates, three deaths among the complete cases
    "cox.os.multivariable.grade.hr": "there are fewer events than covariates",
    "diagnostics.os.multivariable.age.ph.p": "there are fewer events than covariates",
    # nobody with G1 dies
    "diagnostics.os.univariable.grade.ph.p": (
        "one level of histological grade has no event, so that the likelihood is monotone"
    ),
    "os.grade.logrank.observed_expected": "one group has no event",
    "forest.os.concordance": "fewer than ten events were observed",
}


def test_a_cohort_that_models_cannot_carry_makes_a_manuscript_that_says_so(rerunnable):
    """Separation, one level, no event, fewer events than covariates, ties, day 0, gaps."""
    make_hostile(rerunnable.folder)
    run = rerunnable.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    results = rerunnable.folder / "results"
    numbers = json.loads((results / "numbers.json").read_text(encoding="utf-8"))
    for key, entry in numbers.items():
        if entry["kind"] == "computed" and entry["value"] is None:
            assert entry["status"] != "estimated", key
            assert entry["reason"], key
        else:
            assert not isinstance(entry["value"], float) or math.isfinite(entry["value"]), key

    # day 0 counts: a death then is an event at time 0, and a patient censored then is counted
    assert (numbers["os.n"]["value"], numbers["os.events"]["value"]) == (14, 4)
    assert numbers["os.time_min"]["value"] == 0
    assert (numbers["lc.events"]["value"], numbers["lc.competing"]["value"]) == (0, 2)
    # where a group has no event the ratio is Firth's, and its reason says so
    separated = numbers["cox.os.univariable.grade.hr"]
    assert (separated["status"], "Firth" in separated["method"]) == ("estimated", True)
    # a group of missing values goes only with the complete cases
    assert numbers["imputation.os.univariable.age.hr"]["status"] == "estimated"

    page = BeautifulSoup((results / "manuscript" / "index.html").read_text("utf-8"), "html.parser")
    for code in page(["script", "style"]):
        code.decompose()
    said = " ".join(page.get_text().split())
    for text in (said, *(image.get("alt", "") for image in page("img"))):
        assert not re.search(r"\b(?:nan|NaN|NaT|inf)\b", text)
    # "None" is an English word where it begins a row or a sentence
    for row in page("tr"):
        assert not [cell for cell in row(["td", "th"])[1:] if "None" in cell.get_text()]
    for table in page("table"):
        table.decompose()
    assert not re.search(r"\bNone\b(?! of )", page.get_text())
    for key, reason in HOSTILE.items():
        assert numbers[key]["status"] == "not_estimable", key
        assert numbers[key]["reason"] == reason, key
        assert f"because {reason}" in said, key
    assert "Median local control was not reached. In 2 of the lesions" in said
    assert (
        "For overall survival no hazard ratio of G1 vs G2 and G3 is estimable, because there are "
        "fewer events than covariates." in said
    )


def test_the_manuscript_follows_the_configuration(rerunnable):
    """Other definitions, landmarks and confidence level: nothing of the default is left."""
    rerunnable.edit("config/endpoints.yaml", "reference: baseline  ", "reference: nadir  ")
    rerunnable.edit("config/endpoints.yaml", "growth_mm: 0  ", "growth_mm: 5  ")
    rerunnable.edit("config/endpoints.yaml", "death_gap_months: 7  ", "death_gap_months: null  ")
    rerunnable.edit("config/endpoints.yaml", "second_course: censor  ", "second_course: ignore  ")
    rerunnable.edit(
        "config/models.yaml", "landmarks_months: [12, 24, 36]", "landmarks_months: [6, 18]"
    )
    rerunnable.edit("config/models.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    run = rerunnable.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    html = (rerunnable.folder / "results" / "manuscript" / "index.html").read_text(encoding="utf-8")
    page = " ".join(re.sub(r"<[^>]+>", "", html).split())
    assert "smallest diameter measured so far" in page
    assert "and by at least 5 mm" in page
    assert "however long before it the lesion was last imaged" in page
    assert "A second course to a lesion is disregarded" in page
    assert "at 6 and" in page
    assert "at 18 months" in page
    assert "90% CI" in page
    body = page[
        : page.rindex("Supplement: consistency")
    ]  # printed figures keep the level of their papers
    assert "95%" not in body
    assert "none months" not in page
    numbers = json.loads(
        (rerunnable.folder / "results" / "numbers.json").read_text(encoding="utf-8")
    )
    assert numbers["os.median"]["ci"]["level"] == 0.9
    assert "os.rate_18m" in numbers
    assert "os.rate_12m" not in numbers


def test_a_cohorts_own_plan_is_the_one_that_is_printed(rerunnable):
    cohort = rerunnable.folder / "config" / "cohorts" / "small.yaml"
    with cohort.open("a", encoding="utf-8") as stream:
        stream.write("  confidence_level: 0.8\n")
    run = rerunnable.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    numbers = json.loads(
        (rerunnable.folder / "results" / "numbers.json").read_text(encoding="utf-8")
    )
    assert numbers["os.median"]["ci"]["level"] == 0.8
    assert numbers["config.models.confidence_level"]["text"] == "80"


def test_what_rests_on_filler_leaves_abstract_and_discussion(rerunnable):
    """Progression-free survival by distant progression alone: filler in the reconstruction."""
    old = "progression_kinds: [local, regional, distant]"
    rerunnable.edit("config/endpoints.yaml", old, "progression_kinds: [distant]")
    run = rerunnable.snakemake(cohort="reconstructed-2022")
    assert run.returncode == 0, run.stdout + run.stderr
    html = (rerunnable.folder / "results" / "manuscript" / "index.html").read_text(encoding="utf-8")
    abstract = html[html.index("Abstract") : html.index('id="introduction"')]
    assert "os.median.stated" in abstract
    assert "pfs.median" not in abstract
    assert "reproduction.count" not in abstract
    assert "not constrained by any printed figure" in html
