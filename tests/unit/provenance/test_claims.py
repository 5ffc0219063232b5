from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.errors import InputError, RenderError
from sarcoma_sbrt.io import read_yaml, write_text
from sarcoma_sbrt.provenance.claims import (
    CLAIM,
    Claims,
    check_claims,
    claim_conditions,
    holds,
    keys_asked,
    read_claims,
    verdicts,
)
from sarcoma_sbrt.rendering.assembly import resolve_conditions
from sarcoma_sbrt.rendering.source import expand

REPOSITORY = Path(__file__).parents[3]
MANUSCRIPT = REPOSITORY / "manuscript"
PACKAGE = REPOSITORY / "workflow" / "src" / "sarcoma_sbrt"
SCHEMA = REPOSITORY / "workflow" / "schemas" / "claims.schema.yaml"
RESULTS = ("index.qmd", "sections/results.qmd")


@dataclass(frozen=True)
class Line:
    """As `rendering.source.Line`, for the text of a test."""

    file: str
    number: int
    text: str
    within: tuple[str, ...]


def entry(value: Any, **changes: Any) -> dict[str, Any]:
    status = "estimated" if value is not None else "not_estimable"
    usual = {"value": value, "text": str(value), "status": status, "reason": "", "support": None}
    return usual | changes


NUMBERS = {
    "lc.bed.p": entry(0.003, text="0.003"),
    "lc.bed.hr": entry(0.4, text="0.400"),
    "os.bed.p": entry(None, reason="there is one group only", text="not estimable"),
    "os.n": entry(37),
    "ptv.median": entry(61.3, support="filler"),
    "os.verdict": entry("possible"),
    "config.models.alpha": entry(0.05),
    "config.times.1": entry(24),
    "lc.gap_12m": entry(0.5),
    "lc.gap_24m": entry(3.5),
    "lc.gap_36m": entry(None),
    "lc.gap_24m.low": entry(9.0),
}
LIST = {
    "parts": ["abstract", "sections/results.qmd"],
    "words": {"numbers": ["two", "none"], "judgements": [r"significan\w+", "better", "less"]},
    "set_aside": {"estimate": {"matches": "one less Kaplan-Meier", "because": "a name"}},
    "claims": {
        "lc_bed": {
            "says": ["significantly better", "better"],
            "when": "lc.bed.p < config.models.alpha and lc.bed.hr < 1",
        },
        "os_bed": {"says": "none", "when": "os.bed.p >= config.models.alpha"},
        "few": {"says": "two", "when": "{of}.n < 40 and max({of}.gap_*m, 0) >= 0"},
    },
}


@pytest.fixture(scope="module")
def claims() -> Claims:
    return read_claims(LIST, "claims.yaml")


def lines(text: str, within: tuple[str, ...] = RESULTS) -> list[Line]:
    return [
        Line(within[-1], number, part, within)
        for number, part in enumerate(text.split("\n"), start=1)
    ]


def problems(text: str, claims: Claims, within: tuple[str, ...] = RESULTS, **changes) -> list[str]:
    numbers = NUMBERS | changes
    with pytest.raises(RenderError) as refused:
        check_claims(lines(text, within), claims, verdicts(claims, numbers), numbers, folder="m")
    return [str(problem) for problem in refused.value.problems]


def made(text: str, claims: Claims, within: tuple[str, ...] = RESULTS, **changes) -> int:
    numbers = NUMBERS | changes
    return check_claims(lines(text, within), claims, verdicts(claims, numbers), numbers)


# --- conditions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("lc.bed.p < config.models.alpha", True),
        ("lc.bed.p < config.models.alpha and lc.bed.hr > 1", False),
        ("not lc.bed.hr > 1", True),
        ("config.times.1 == 24", True),
        ("30 < os.n <= 37", True),
        ("30 < os.n <= 36", False),
        ("os.n - 2 * config.times.1 == -11", True),
        ("abs(lc.bed.hr - 1) / 2 > 0.29", True),
        ('os.verdict == "possible"', True),
        ('os.verdict == "impossible"', False),
        ('os.n == "37"', False),
        ('os.n != "37"', True),
        ("os.n is estimated", True),
        ("os.bed.p is estimated", False),
        ("os.bed.p is not estimated", True),
        ("no.such is estimated", False),
        ("ptv.median is quotable", False),
        ("os.n is quotable", True),
        ("no.such is quotable", False),
        # a * stands for one part of a key: .low is not looked at, and neither is what has no value
        ("max(lc.gap_*m) == 3.5", True),
        ("max(lc.gap_*) == 3.5", True),
        ("min(lc.gap_*m, 0.1) == 0.1", True),
        ("max(lc.none_*m) > 0", None),
        ("all(lc.gap_*m > 0.4)", True),
        ("all(lc.gap_*m > 0.5)", False),
        ("not all(lc.gap_*m > 0.5)", True),
        ("all(lc.none_*m > 0)", None),
        ("all(lc.gap_*m > no.such)", None),
        ('all(os.*dict == "possible")', True),
        ("z(0.95) > 1.9599 and z(0.95) < 1.96", True),
        ("z(config.times.1) > 0", None),
        # unknown
        ("os.bed.p < config.models.alpha", None),
        ("not os.bed.p < config.models.alpha", None),
        ("no.such > 1", None),
        ("os.n / 0 > 1", None),
        ("max(os.n, os.bed.p) > 1", None),
        # what decides alone decides
        ("os.bed.p < 1 and os.n < 1", False),
        ("os.bed.p < 1 or os.n > 1", True),
        ("os.bed.p < 1 and os.n > 1", None),
        ("os.bed.p < 1 or os.n < 1", None),
    ],
)
def test_conditions(condition: str, expected: bool | None) -> None:
    assert holds(condition, NUMBERS) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("os.n", "a condition compares, or asks for a state"),
        ("os.n >", "not a condition"),
        ("__import__('os')", "a condition compares, or asks for a state"),
        ("os.n if os.n > 1 else os.n", "a condition compares, or asks for a state"),
        ("(lambda: os.n > 1)()", "a condition compares, or asks for a state"),
        ("os.n in [37]", "a condition compares, or asks for a state"),
        ("os.n < [1]", "what is compared is a key, a number, a text, or worked out from them"),
        ("os.n < True", "what is compared is a key, a number, a text, or worked out from them"),
        ("os.n ** 9 > 1", "what is compared is a key, a number, a text, or worked out from them"),
        ("n > 1", "n is no key of the registry"),
        ("os.n is significant", "a state is estimated or quotable"),
        ("os.n is estimated is estimated", "“is” stands between one key and a state"),
        ("(os.n + 1) is estimated", "“is” stands between one key and a state"),
        ("round(os.n) > 1", "a function is abs, min, max, z"),
        ("max(os.n, key=os.n) > 1", "a function is abs, min, max, z"),
        ("abs(os.n, os.n) > 1", "abs and z take one value, min and max take several"),
        ("max() > 1", "abs and z take one value, min and max take several"),
        ("z(lc.gap_*m) > 1", "a key with * stands within min or max"),
        ("all(lc.gap_*m > 1) > 1", "a function is abs, min, max, z"),
        ("any(lc.gap_*m > 1)", "a condition compares, or asks for a state"),
        ("all(os.n > 1)", "all takes one comparison, in which one key has *"),
        ("all(lc.gap_*m)", "all takes one comparison, in which one key has *"),
        ("all(lc.gap_*m > lc.bed_*m)", "all takes one comparison, in which one key has *"),
        ("all(lc.gap_*m > n)", "n is no key of the registry"),
        ("{of}.n > 1", "what is compared is a key, a number, a text, or worked out from them"),
        ("lc.gap_*m > 1", "a key with * stands within min or max"),
        ("abs(lc.gap_*m) > 1", "a key with * stands within min or max"),
        ("lc.gap_*m is estimated", "a key with * stands within min or max"),
    ],
)
def test_what_is_outside_the_grammar_is_refused(condition: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        holds(condition, NUMBERS)


ATOMS = ["lc.bed.p < 1", "lc.bed.p > 1", "os.bed.p > 1", "no.such == 0", "os.n is estimated"]
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda part: (
        st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part)
        | st.builds("(not {})".format, part)
    ),
    max_leaves=6,
)


@given(CONDITIONS, CONDITIONS)
def test_negation_and_de_morgan(one: str, other: str) -> None:
    inverse = {True: False, False: True, None: None}
    assert holds(f"not {one}", NUMBERS) is inverse[holds(one, NUMBERS)]
    both, either = f"not ({one} and {other})", f"(not {one}) or (not {other})"
    assert holds(both, NUMBERS) is holds(either, NUMBERS)


@given(CONDITIONS)
def test_a_claim_and_its_denial_are_never_both_carried(condition: str) -> None:
    assert not (holds(condition, NUMBERS) is True and holds(f"not {condition}", NUMBERS) is True)


# --- the list -------------------------------------------------------------------------------


def test_a_list_with_faults_is_refused_with_every_place() -> None:
    faulty = LIST | {
        "claims": {"a": {"says": "better", "when": "os.n"}, "b": {"says": "x", "when": "n > 1"}},
        "set_aside": {"open": {"matches": "(", "because": "x"}},
        "words": {"numbers": ["[", "two"]},
    }
    with pytest.raises(InputError) as refused:
        read_claims(faulty, "claims.yaml", len)
    assert [(p.line, p.column, p.what) for p in refused.value.problems] == [
        (13, "claims.a.when", "a condition compares, or asks for a state"),
        (13, "claims.b.when", "n is no key of the registry"),
        (13, "words.numbers", "not a regular expression"),
        (22, "set_aside.open.matches", "not a regular expression"),
    ]


def test_verdicts_say_what_was_found(claims: Claims) -> None:
    found = verdicts(claims, {"os.bed.p": NUMBERS["os.bed.p"], "lc.bed.hx": entry(1)})
    assert found["os_bed"].holds is None
    assert found["os_bed"].found == (
        "os.bed.p has no value (there is one group only)",
        "config.models.alpha is not in the registry",
    )
    assert "lc.bed.hr is not in the registry" in found["lc_bed"].found[2]


def test_a_condition_holds_only_where_the_claim_is_true(claims: Claims) -> None:
    assert claim_conditions(verdicts(claims, NUMBERS)) == {
        "claim.lc_bed": True,
        "claim.os_bed": False,
    }


# --- ranges over the reconstructions found ----------------------------------------------------


def ranged(value: Any, low: float, high: float, estimated: int = 21) -> dict[str, Any]:
    """A number that no printed figure constrains."""
    one = {"low": low, "high": high, "estimated": estimated, "solutions": 21}
    return entry(value, solutions=one, over_solutions=f"{low} to {high}")


RANGED = NUMBERS | {
    "a.p": ranged(0.02, 0.003, 0.22),
    "a.q": ranged(0.01, 0.003, 0.04),
    "a.n": ranged(0, 0, 4),
    "a.gap": ranged(1.0, -2.0, 3.0),
    "a.lost": ranged(0.01, 0.0, 0.02, estimated=20),
    # a range that is on record, but not printed: the study prints the number
    "a.printed": entry(0.01, solutions={"low": 0.0, "high": 0.9, "estimated": 21, "solutions": 21}),
}


@pytest.mark.parametrize(
    ("condition", "here", "throughout"),
    [
        ("a.p < 0.05", True, None),
        ("not a.p < 0.05", False, None),
        ("a.q < 0.05", True, True),
        ("a.q >= 0.05", False, False),
        ("0.003 <= a.q <= 0.04", True, True),
        ("a.q < a.p", True, None),
        ("a.n == 0", True, None),
        ("a.n == 2", False, None),
        ("a.n != 9", True, True),
        ("a.n == 9", False, False),
        ("a.n - 5 < 0", True, True),
        ("5 - a.n > 1", True, None),
        ("-a.n <= 0", True, True),
        ("a.n * a.gap <= 12", True, True),
        ("a.n * a.gap >= -8", True, True),
        ("a.n * a.gap > -8", True, None),
        ("1 / a.gap > 0.3", True, None),
        ("1 / a.q > 20", True, True),
        ("abs(a.gap) > 0", True, None),
        ("abs(a.gap) <= 3", True, True),
        ("abs(a.gap - 4) >= 1", True, True),
        ("max(a.p, a.q) <= 0.22", True, True),
        ("max(a.p, a.q) < 0.2", True, None),
        ("min(a.p, a.q) >= 0.003", True, True),
        ("a.lost < 1", True, None),
        ("a.lost is estimated", True, None),
        ("a.p is estimated", True, True),
        ("a.p is quotable", True, True),
        ("a.printed < 0.05", True, True),
        ("a.p < 0.05 and os.n < 1", False, False),
        ("a.p < 0.05 or os.n > 1", True, True),
    ],
)
def test_conditions_asked_of_every_reconstruction(condition, here, throughout) -> None:
    assert holds(condition, RANGED) is here
    assert holds(condition, RANGED, throughout=True) is throughout


@given(
    st.sampled_from(
        ["a.x - a.y > {}", "a.x * a.y <= {}", "abs(a.x) < {}", "a.x / a.y >= {}", "a.x == {}"]
    ),
    st.integers(-6, 6),
    *[st.integers(-5, 5)] * 4,
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_what_is_true_throughout_is_true_of_every_value(
    condition, bound, low_x, high_x, low_y, high_y, at_x, at_y
) -> None:
    (low_x, high_x), (low_y, high_y) = sorted((low_x, high_x)), sorted((low_y, high_y))
    x, y = low_x + at_x * (high_x - low_x), low_y + at_y * (high_y - low_y)
    numbers = {"a.x": ranged(x, low_x, high_x), "a.y": ranged(y, low_y, high_y)}
    text = condition.format(bound)
    throughout = holds(text, numbers, throughout=True)
    assert throughout is None or throughout is holds(text, numbers)


def test_a_claim_that_depends_on_the_reconstruction_drawn_is_refused(claims: Claims) -> None:
    drawn = {"lc.bed.p": ranged(0.003, 0.001, 0.2)}
    assert claim_conditions(verdicts(claims, NUMBERS | drawn))["claim.lc_bed"] is False
    assert problems(SENTENCE, claims, **drawn) == [
        "m/sections/results.qmd:2: lc_bed: not every reconstruction found carries “significantly "
        "better”, in “Control was significantly better (p 0.003, @fig-a) with dose.”, read "
        "lc.bed.p = 0.003 [0.001 to 0.2]; config.models.alpha = 0.05; lc.bed.hr = 0.4, accepted: "
        "lc.bed.p < config.models.alpha and lc.bed.hr < 1, in all of them; or a paragraph that "
        "says “this reconstruction”"
    ]
    assert made(f"In this reconstruction it was so. {SENTENCE}", claims, **drawn) == 1
    assert made(SENTENCE, claims, **{"lc.bed.p": ranged(0.003, 0.001, 0.04)}) == 1


# --- the text -------------------------------------------------------------------------------

SENTENCE = (
    'It was so. Control was\n[significantly better]{.claim name="lc_bed"} '
    "(*p* {{< num lc.bed.p >}}, @fig-a) with dose. So it is."
)


def test_a_claim_that_the_numbers_carry_stands(claims: Claims) -> None:
    assert made(SENTENCE, claims) == 1


def test_a_claim_that_they_no_longer_carry_is_refused_with_its_sentence(claims: Claims) -> None:
    changed = {"lc.bed.p": entry(0.21, text="0.210")}
    assert problems(SENTENCE, claims, **changed) == [
        "m/sections/results.qmd:2: lc_bed: the numbers do not carry “significantly better”, in "
        "“Control was significantly better (p 0.210, @fig-a) with dose.”, read lc.bed.p = 0.21; "
        "config.models.alpha = 0.05; lc.bed.hr = 0.4, accepted: "
        "lc.bed.p < config.models.alpha and lc.bed.hr < 1"
    ]


def test_a_claim_on_a_number_without_value_is_refused_wherever_it_stands(claims: Claims) -> None:
    text = '[none]{.claim name="os_bed"}'
    (said,) = problems(text, claims, within=("index.qmd", "sections/discussion.qmd"))
    assert said.startswith("m/sections/discussion.qmd:1: os_bed: the numbers do not carry “none”")
    assert "read os.bed.p has no value (there is one group only)" in said


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ('[worse]{.claim name="lc_bed"}', "lc_bed: claim does not say so, in “It was worse here.”"),
        ('[better]{.claim name="lc_bad"}', "lc_bad: no such claim, accepted: lc_bed, os_bed, few"),
        ("[better]{.claim}", "claim: claim has no name, read {.claim}"),
        ('[better]{.claim #x name="lc_bed"}', "claim: claim has no name"),
    ],
)
def test_a_span_that_is_no_claim_of_the_list(span: str, message: str, claims: Claims) -> None:
    assert any(
        said.startswith(f"m/sections/results.qmd:1: {message}")
        for said in problems(f"It was {span} here.", claims)
    )


# --- claims whose keys each span fills ------------------------------------------------------


def test_a_claim_asks_the_numbers_of_what_its_span_speaks_for(claims: Claims) -> None:
    assert made('It was [two]{.claim name="few" of="os"} there.', claims) == 1
    (said,) = problems(
        'It was [two]{.claim name="few" of="os"} there.', claims, **{"os.n": entry(41)}
    )
    assert said == (
        "m/sections/results.qmd:1: few: the numbers do not carry “two”, in “It was two there.”, "
        "read os.n = 41; os.gap_*m is not in the registry, accepted: os.n < 40 and "
        "max(os.gap_*m, 0) >= 0"
    )


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (
            '[two]{.claim name="few"}',
            "few: claim does not say of what, in “It was two.”, read "
            '{.claim name="few"}, accepted: {.claim name="few" of="…"} with os, lc',
        ),
        (
            '[two]{.claim name="few" of="oss"}',
            "few: of names no number of the registry, in “It was two.”, read "
            'of="oss", accepted: os, lc',
        ),
        (
            '[two]{.claim name="few" of=""}',
            "few: of names no number of the registry, in “It was two.”, read "
            'of="", accepted: os, lc',
        ),
        (
            '[two]{.claim name="few" of="*"}',
            "few: of names no number of the registry, in “It was two.”, read "
            'of="*", accepted: os, lc',
        ),
        (
            '[better]{.claim name="lc_bed" of="lc"}',
            "lc_bed: claim takes no of, in “It was better.”, read "
            '{.claim name="lc_bed" of="lc"}, accepted: {.claim name="lc_bed"}',
        ),
        (
            '[three]{.claim name="few" of="os"}',
            "few: claim does not say so, in “It was three.”, read “three”, accepted: “two”",
        ),
    ],
)
def test_a_span_that_fills_no_claim(span: str, message: str, claims: Claims) -> None:
    assert problems(f"It was {span}.", claims) == [f"m/sections/results.qmd:1: {message}"]


def test_no_condition_of_the_text_asks_for_an_open_claim(claims: Claims) -> None:
    assert "few" not in verdicts(claims, NUMBERS)
    assert "claim.few" not in claim_conditions(verdicts(claims, NUMBERS))


def test_what_code_words_is_held_to_its_claims(claims: Claims) -> None:
    within = (*RESULTS, "tables/words.qmd")
    (said,) = problems("It is better.", claims, within)
    assert said.startswith("m/tables/words.qmd:1: better: “better” judges or counts outside")
    table = "::: {#tbl-a}\n| better | two |\n|:--|--:|\n| two | 2 |\n\nA better caption.\n:::"
    (said,) = problems(table, claims, within)
    assert said.startswith("m/tables/words.qmd:6: better: ")


@pytest.mark.parametrize("word", ["better", "Better", "significantly", "none"])
def test_a_judging_word_outside_a_claim_is_refused(word: str, claims: Claims) -> None:
    text = f"It did well. Control was {word} in\n{{{{< num os.n >}}}}. So."
    assert problems(text, claims) == [
        f"m/sections/results.qmd:1: {word}: “{word}” judges or counts outside a claim, read "
        f'“Control was {word} in 37.”, accepted: [{word}]{{.claim name="…"}}, or a phrase that '
        "claims.yaml sets aside"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "![Two better curves.](figures/better)",
        "## Two are better",
        "- better",
        "> better",
        "::: {.table-note}\nbetter\n:::",
        '[better]{.claim name="lc_bed"} and better',
        "one less\nKaplan-Meier, less",
        "[better]{.smallcaps}",
        "*better*",
    ],
)
def test_words_are_found_in_every_kind_of_prose(text: str, claims: Claims) -> None:
    assert problems(text, claims)


@pytest.mark.parametrize(
    "text",
    [
        "Betterment is a matter of twos.",
        "one less\nKaplan-Meier",
        "[@better2020] and @tbl-two in `better` and $two$ and [a link](two/better)",
        "{{< num lc.better >}}",
        "| better | two |",
        "{{< include /sections/two.qmd >}}",
        "::: {#tbl-two}",
        "<!-- better -->",
    ],
)
def test_names_calls_and_tables_are_no_prose(text: str, claims: Claims) -> None:
    assert made(text, claims) == 0


@pytest.mark.parametrize(
    "within",
    [
        ("index.qmd",),
        ("index.qmd", "sections/methods.qmd"),
        ("index.qmd", "sections/methods.qmd", "tables/words.qmd"),
    ],
)
def test_words_are_free_outside_the_parts(within, claims: Claims) -> None:
    assert made("It is better.", claims, within) == 0


def test_words_are_bound_in_what_a_part_includes(claims: Claims) -> None:
    within = (*RESULTS, "sections/dose.qmd")
    assert problems("a\n\nIt is better.", claims, within)[0].startswith("m/sections/dose.qmd:3: ")


def test_the_abstract_ends_with_its_key(claims: Claims) -> None:
    text = "---\ntitle: two\nabstract: |\n  a\n\n  It is better.\nkeywords: none\n---\ntwo"
    (said,) = problems(text, claims, within=("index.qmd",))
    assert said.startswith("m/index.qmd:6: better: ")


# --- the manuscript -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed() -> Claims:
    return read_claims(read_yaml(MANUSCRIPT / "claims.yaml", SCHEMA), "claims.yaml")


def sources() -> dict[str, str]:
    paths = [MANUSCRIPT / "index.qmd", *sorted((MANUSCRIPT / "sections").glob("*.qmd"))]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def makers() -> dict[str, ast.Module]:
    """Modules that word sentences and captions."""
    paths = sorted((PACKAGE / "reporting").glob("*tables.py"))
    return {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def worded() -> Iterator[tuple[str, str]]:
    """Texts of the code, each with its module; what an f-string fills in is a NUL."""
    for name, tree in makers().items():
        within = {id(p) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
        notes = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", "") for part in node.values)
                yield name, "".join(part if isinstance(part, str) else "\0" for part in parts)
            elif isinstance(node, ast.Constant) and id(node) not in within | notes:
                yield name, str(node.value)


def test_every_claim_of_the_list_is_made_somewhere_and_every_one_made_is_listed(listed) -> None:
    text = "\n".join(sources().values())
    generated = [told for _, told in worded()]
    said = set(re.findall(r'\.claim name="(\w+)"', text))
    by_code = {name for name, claim in listed.claims.items() if name in generated}
    by_code |= set(re.findall(r'\.claim name="(\w+)"', "\n".join(generated)))
    assert said | by_code == set(listed.claims)
    for name, claim in listed.claims.items():
        spans = set(re.findall(rf'\[([^\[\]]*)\]\{{\.claim name="{name}"', text))
        spans |= {says for says in claim.says for told in generated if says in told}
        assert spans == set(claim.says), name


def test_an_open_claim_is_made_by_code_or_with_what_it_speaks_for(listed) -> None:
    spans = re.findall(r'\.claim name="(\w+)"( of="\w+")?', "\n".join(sources().values()))
    assert {name for name, of in spans if of} == {"near_target", "apart_from_target"}
    assert all(listed.claims[name].is_open == bool(of) for name, of in spans)


def test_a_claim_is_made_only_where_its_condition_was_asked_for(listed) -> None:
    """So that a cohort whose numbers say otherwise has another text, and not a failed run."""
    asked_otherwise = {
        # by conditions.py, which reads the same counts
        "covariates_complete": 'content-hidden when-meta="some.imputation.incomplete"',
        "proved_sets": 'content-visible when-meta="has.table.reproduction_proofs"',
        "near_target": 'content-visible when-meta="near.os"',
        "apart_from_target": 'content-visible when-meta="apart.os"',
    }
    text = "\n".join(sources().values())
    for name in set(re.findall(r'\.claim name="(\w+)"', text)):
        asked = asked_otherwise.get(name, f'content-visible when-meta="claim.{name}"')
        assert asked in text, name


def test_every_set_aside_phrase_holds_a_word_and_is_said_somewhere(listed) -> None:
    told = [*sources().values(), *(text for _, text in worded())]
    # A note puts it together: of which estimates it gives the reason, and the reason.
    for name, pattern in listed.set_aside.items() - {("reasons", listed.set_aside["reasons"])}:
        found = [match[0] for text in told for match in pattern.finditer(text)]
        assert found, name
        assert any(listed.words.search(phrase) for phrase in found), name


def test_no_sentence_of_the_code_judges_outside_a_claim(listed) -> None:
    """Of any cohort: whatever a caption may come to say, and the sentences beside the tables."""
    # Their tables stand in the supplement alone, and the grid in the methods.
    free = {"consistency_tables.py", "marginal_tables.py"}
    said = {says for claim in listed.claims.values() for says in claim.says}
    judged = []
    for name, text in worded():
        if name in free or text in said or not re.search(r"[.;:](?:\s|$)", text):
            continue
        for pattern in (CLAIM, *listed.set_aside.values()):
            text = pattern.sub(lambda match: "\0" * len(match[0]), text)
        judged += [(name, word[0], text) for word in listed.words.finditer(text)]
    assert judged == []


@pytest.mark.parametrize(
    "word",
    [
        *("significant", "significantly", "better", "worse", "higher", "lower", "similar"),
        *("one", "two", "twelve", "half", "all", "none", "fourteen", "twenty-one", "Both"),
        *("neither", "majority", "differ", "difference", "reduced", "superior"),
    ],
)
def test_the_vocabulary_has_the_words_that_judge_and_count(word: str, listed) -> None:
    match = listed.words.search(f"so {word} it was")
    assert match is not None
    assert match[0] == word


@pytest.mark.parametrize("word", ["someone", "tone", "tall", "nonetheless", "lone", "halfway"])
def test_it_finds_no_word_within_another(word: str, listed) -> None:
    assert listed.words.search(f"so {word} it was") is None


class EveryCondition(dict[str, bool]):
    """Answers of a cohort that has everything, or nothing: each condition has the same."""

    def __init__(self, answer: bool) -> None:
        super().__init__()
        self.answer = answer

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, _name: str) -> bool:
        return self.answer


@pytest.mark.parametrize("answer", [True, False])
def test_no_sentence_of_any_cohort_judges_outside_a_claim(answer: bool, tmp_path: Path) -> None:
    for path in [MANUSCRIPT / "index.qmd", *MANUSCRIPT.glob("sections/*.qmd")]:
        text, problems = resolve_conditions(
            path.read_text(encoding="utf-8"), EveryCondition(answer), path
        )
        assert problems == []
        write_text(tmp_path / path.relative_to(MANUSCRIPT), text)
        for table in re.findall(r"include /(tables/\S+) ", text):
            write_text(tmp_path / table, "")
    claims = read_claims(read_yaml(MANUSCRIPT / "claims.yaml", SCHEMA), "claims.yaml")
    said: list[str] = []
    try:
        check_claims(expand(tmp_path), claims, verdicts(claims, {}), {})
    except RenderError as error:  # without numbers no claim is carried
        said = [str(problem) for problem in error.problems]
    assert [text for text in said if "judges or counts" in text] == []


def test_the_keys_of_a_condition_are_those_of_the_registry() -> None:
    condition = "lc.bed.p < config.models.alpha and max(lc.b*.hr) < 1 and lc.bed.p < no.such"
    assert keys_asked(condition, NUMBERS) == ["lc.bed.p", "config.models.alpha", "lc.bed.hr"]
