import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.row_ranges import spans
from sarcoma_sbrt.provenance.row_sets import RowSets, Selection, ranges

PATIENTS = pd.DataFrame({"source_file": ["p.csv", "p.csv", "q.csv"], "source_line": [2, 4, 9]})
# One raw sheet that gives two canonical tables, and a row of it that was split into two.
LESIONS = pd.DataFrame({"source_file": ["b.xlsx#L"] * 3, "source_line": [5, 5, 6]})
COURSES = pd.DataFrame({"source_file": ["b.xlsx#L"] * 2, "source_line": [6, 7]})
TABLES = {"patients": PATIENTS, "lesions": LESIONS, "courses": COURSES}


def rows(*numbers):
    return np.asarray(numbers, dtype=np.int64)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((), ""),
        ((0,), "0"),
        ((0, 1, 2), "0-2"),
        ((2, 3, 5), "2-3,5"),
        ((1, 3, 4, 5, 9), "1,3-5,9"),
    ],
)
def test_ranges_are_ascending_and_closed(numbers, text):
    assert ranges(rows(*numbers)) == text


@given(st.sets(st.integers(0, 400)))
def test_ranges_are_read_as_they_are_written(numbers):
    text = ranges(rows(*sorted(numbers)))
    read = [number for first, last in spans(text) for number in range(first, last + 1)]
    assert read == sorted(numbers)
    # As few parts as there are gaps.
    assert len([part for part in text.split(",") if part]) == sum(
        number - 1 not in numbers for number in numbers
    )


def test_a_set_says_units_rows_and_lines_with_their_numbers():
    sets = RowSets(TABLES, "data/cohorts/c")
    name = sets.add(
        Selection(
            units={"endpoints/os": rows(0, 1)},
            canonical={"patients": rows(0, 1, 2), "lesions": rows(0, 1), "courses": rows(0)},
            lines={"data/published/x.csv": rows(3)},
        )
    )
    assert sets.to_json() == {
        name: {
            "units": {"endpoints/os": "0-1"},
            "canonical": {"patients": "0-2", "lesions": "0-1", "courses": "0"},
            "raw": {
                "data/cohorts/c/p.csv": "2,4",
                "data/cohorts/c/q.csv": "9",
                "data/cohorts/c/b.xlsx#L": "5-6",
                "data/published/x.csv": "3",
            },
            # Two lesions were read from one line, which counts once.
            "n": {"units": 2, "canonical": 6, "raw": 6},
        }
    }


def test_a_line_counts_once_though_several_rows_were_read_from_it():
    sets = RowSets(TABLES, "c")

    def raw(**canonical):
        name = sets.add(Selection(canonical={of: rows(*at) for of, at in canonical.items()}))
        return sets.to_json()[name]["raw"], sets.to_json()[name]["n"]["raw"]

    assert raw(lesions=(0, 1)) == ({"c/b.xlsx#L": "5"}, 1)
    # Line 6 gave a lesion and a course.
    assert raw(lesions=(1, 2), courses=(0, 1)) == ({"c/b.xlsx#L": "5-7"}, 3)


def test_the_id_is_the_hash_that_the_page_states():
    sets = RowSets(TABLES, "data/cohorts/c")
    name = sets.add(Selection(canonical={"patients": rows(1)}))
    of = {k: v for k, v in sets.to_json()[name].items() if k != "n"}
    assert of == {"units": {}, "canonical": {"patients": "1"}, "raw": {"data/cohorts/c/p.csv": "4"}}
    text = json.dumps(of, sort_keys=True, separators=(",", ":"))
    assert name == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_equal_rows_are_one_set_in_whatever_order_they_were_named():
    sets = RowSets(TABLES, "c")
    one = sets.add(Selection(canonical={"patients": rows(0), "lesions": rows(1)}))
    other = sets.add(Selection(canonical={"lesions": rows(1), "patients": rows(0)}))
    assert one == other
    assert len(sets.to_json()) == 1


def test_empty_parts_are_left_out():
    sets = RowSets(TABLES, "c")
    name = sets.add(Selection(units={"patients": rows()}, canonical={"lesions": rows()}))
    assert sets.to_json()[name] == {
        "units": {},
        "canonical": {},
        "raw": {},
        "n": {"units": 0, "canonical": 0, "raw": 0},
    }


@given(st.lists(st.sets(st.integers(0, 2)), min_size=2, max_size=6))
def test_sets_share_an_id_only_where_their_rows_are_equal(chosen):
    sets = RowSets(TABLES, "c")
    ids = [sets.add(Selection(canonical={"lesions": rows(*sorted(of))})) for of in chosen]
    for a, first in zip(ids, chosen, strict=True):
        for b, second in zip(ids, chosen, strict=True):
            assert (a == b) == (first == second)


def test_names_of_files_outside_a_folder_stay():
    sets = RowSets({"patients": PATIENTS}, "")
    name = sets.add(Selection(canonical={"patients": rows(2)}))
    assert sets.to_json()[name]["raw"] == {"q.csv": "9"}
