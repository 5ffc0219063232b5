import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.row_ranges import counted, inside, shortened, spans, written


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("", ()), ("7", ((7, 7),)), ("0-3,7,9-10", ((0, 3), (7, 7), (9, 10)))],
)
def test_ranges_of_a_text(text, ranges):
    assert spans(text) == ranges
    assert written(ranges) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5-", "'5-' is no range of rows, accepted: 5 or 5-9"),
        ("a", "'a' is no range of rows, accepted: 5 or 5-9"),
        ("1-2-3", "'1-2-3' is no range of rows, accepted: 5 or 5-9"),
        ("-3", "'-3' is no range of rows, accepted: 5 or 5-9"),
        ("1,,2", "'' is no range of rows, accepted: 5 or 5-9"),
        ("5-3", "'5-3' is no ascending list of ranges"),
        ("1-4,4", "'1-4,4' is no ascending list of ranges"),
        ("4,2", "'4,2' is no ascending list of ranges"),
    ],
)
def test_other_texts_are_refused(text, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        spans(text)


@given(st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_ranges_hold_what_they_were_made_of(numbers, asked):
    text = ",".join(map(str, sorted(numbers)))
    assert counted(spans(text)) == len(numbers)
    assert inside(spans(text), asked) == (asked in numbers)


@pytest.mark.parametrize(
    ("longest", "told"), [(8, "1-3,5,77"), (7, "1-3,5, …"), (5, "1-3, …"), (6, "1-3,5, …")]
)
def test_a_list_is_cut_between_ranges(longest, told):
    assert shortened("1-3,5,77", longest) == told
