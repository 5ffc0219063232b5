from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from extract_document import extract

from sarcoma_sbrt.rendering import quarto

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden"


@pytest.fixture(scope="session")
def embedded_page(rendered: dict[str, Path]) -> dict[str, Any]:
    return extract(rendered["html"].read_bytes())


def test_the_extractor_reads_what_the_embedded_renderer_prints(
    embedded_page: dict[str, Any],
) -> None:
    assert embedded_page["title"] == "Radiotherapy of 37 patients with soft tissue sarcoma"
    assert embedded_page["headings"][:4] == [
        "1 Methods",
        "1.1 Endpoints",
        "2 Results",
        "2.1 Survival of 37 patients",
    ]
    assert [caption.split(".")[0] for caption in embedded_page["captions"]] == [
        "Table 1: Characteristics of 37 patients",
        "Figure 1: Overall survival of 37 patients",
        "Table 2: Cox models of each endpoint",
        "Figure 2: Local failure, by the volume (61",
    ]
    assert embedded_page["references"][3] == ["sec-endpoints", "Section 1.1"]
    assert embedded_page["citations"] == [
        [["example2022"], "(Example and Sample 2022)"],
        [["sample1989"], "Sample (1989)"],
        [["example2022", "sample1989"], "(e.g. Example and Sample 2022; Sample 1989)"],
        [["example2022"], "Example and Sample (2022)"],
    ]
    patients, models = embedded_page["tables"]
    assert patients[0] == ["Characteristic", "Level", "Patients", "Percent"]
    assert patients[-1] == ["Planning volume", "cm3", "61.3‡", ""]
    assert (len(patients), len(models)) == (27, 6)
    assert models[5] == ["BED10", *["0.452 (0.201–1.016)", "0.055"] * 3]
    assert embedded_page["numbers"][:3] == [
        ["cohort.patients", "37"],
        ["cohort.patients", "37"],
        ["cohort.lesions", "58"],
    ]


# As Quarto 1.4 and later writes it: captions of tables in figures, numbers in attributes.
QUARTO = """
<nav id="TOC"><h2 id="toc-title">Contents</h2>
<a href="#sec-a">1 A <span class="num" data-key="n">37</span></a></nav>
<h1 class="title">Of <span class="num" data-key="n">37</span></h1>
<h1 data-number="1" class="anchored"><span class="header-section-number">1</span> Results</h1>
<p>See <a href="#tbl-x" class="quarto-xref">Table&nbsp;1</a>
<span class="citation" data-cites="a b">(<a href="#ref-a">A 2000</a>; B 2001)</span>.</p>
<div id="tbl-x" class="quarto-float"><figure class="quarto-float quarto-float-tbl">
<figcaption class="quarto-float-caption-top">Table&nbsp;1: Patients.</figcaption>
<div><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>
<span class="num" data-key="n">37</span></td></tr></tbody></table></div></figure></div>
"""


def test_the_extractor_reads_quartos_markup_to_the_same_form() -> None:
    assert extract(QUARTO) == {
        "title": "Of 37",
        "headings": ["1 Results"],
        "captions": ["Table 1: Patients."],
        "references": [["tbl-x", "Table 1"]],
        "citations": [[["a", "b"], "(A 2000; B 2001)"]],
        "tables": [[["a"], ["37"]]],
        "numbers": [["n", "37"], ["n", "37"]],
    }


def test_both_renderers_print_the_same(
    project: Path, embedded_page: dict[str, Any], tmp_path: Path
) -> None:
    if shutil.which("quarto") is None:
        pytest.skip("Quarto is not installed; the embedded renderer stands alone")
    files = quarto.render(project, tmp_path, date="2026-11-21")
    assert extract(files["html"].read_bytes()) == embedded_page


def test_the_embedded_renderer_prints_what_golden_extracts_say(
    embedded_page: dict[str, Any],
) -> None:
    golden = sorted(GOLDEN.glob("*.json"))
    if not golden:
        pytest.skip("no golden extract is supplied in tests/data/golden")
    for path in golden:
        assert embedded_page == json.loads(path.read_text(encoding="utf-8")), path.name
