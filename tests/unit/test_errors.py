"""How a problem is worded."""

import pytest

from sarcoma_sbrt.errors import InputError, Problem


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("a.csv", 3, "dose", "not a number"), "a.csv:3: dose: not a number"),
        (Problem("a.csv", 3, "", "empty table"), "a.csv:3: -: empty table"),
        (Problem("a.yaml", 0, "b.c", "unmapped"), "a.yaml: b.c: unmapped"),
        (Problem("a.csv", 0, "", "no such file"), "a.csv: no such file"),
        (
            Problem("a.csv", 0, "", "unknown kind of file", ".sav", "CSV"),
            "a.csv: unknown kind of file, read .sav, accepted: CSV",
        ),
    ],
    ids=["cell", "line", "part of a file", "file", "file with what was read"],
)
def test_a_problem_names_no_line_and_no_column_that_it_has_not(problem, said):
    assert str(problem) == said


def test_bad_input_tells_each_problem_once_in_order_of_place():
    late, early = Problem("a.csv", 3, "", "late"), Problem("a.csv", 0, "", "early")
    assert str(InputError([late, early, late])) == "a.csv: early\na.csv:3: -: late"
