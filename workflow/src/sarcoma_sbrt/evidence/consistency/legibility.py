"""Whether what is printed is a number at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sarcoma_sbrt.evidence.consistency.comparisons import MONTHS
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["legible_texts"]

_DATED = ("period",)  # measures that print dates
_NO_NUMBER = ("schedule",)  # measures whose estimate is in other columns
_SHORT = tuple(month[:3] for month in MONTHS)
_MONTH = re.compile(rf"\b({'|'.join((*MONTHS, *_SHORT))})\b")
_RUN = re.compile(r"\d(?:[\d.,]*\d)?")
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?")

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = (
    {word: number for number, word in enumerate(_UNITS)}
    | {word: 10 * number for number, word in enumerate(_TENS, start=2)}
    | {"no": 0, "none": 0, "nil": 0, "a": 1, "single": 1, "both": 2}
)
_POWERS = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ALL = ("all", "every", "each")


def legible_texts(figures: Sequence[Figure]) -> list[Finding]:
    """Printed texts that should be a number.

    Two decimal points, and a month's name where a number is meant (what spreadsheets make of some
    numbers), are inconsistent with the number that they are taken for. Words are numbers where
    they say one; "all" is 100 percent. Texts that print plain digits are not mentioned. Dates of
    a period may name months.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``legible``, for what is misprinted and for numbers in words.
    """
    return [
        finding
        for figure in figures
        if figure.measure not in _DATED
        for finding in (*_misprints(figure), *_in_words(figure))
    ]


def _misprints(figure: Figure) -> Iterator[Finding]:
    taken = [
        (figure.printed_text, (figure.estimate,)),
        (figure.printed_ci, (figure.ci_low, figure.ci_high)),
        (figure.printed_range, (figure.range_low, figure.range_high)),
        (figure.printed_n, (figure.n,)),
        (figure.printed_events, (figure.events,)),
        (figure.printed_p, (figure.p,)),
    ]
    for text, values in taken:
        wrong = _wrong(text)
        if wrong:
            numbers = ", ".join(f"{value:g}" for value in values if value is not None)
            yield _illegible(figure, text, wrong, numbers)


def _wrong(text: str) -> str:
    """Why a text is no number; empty where it may be one."""
    if month := _MONTH.search(text):
        return (
            f"“{text}” is the name of a month"
            if month[0] == text
            else (f"“{text}” has the name of a month")
        )
    broken = next((run for run in _RUN.findall(text) if not _PLAIN.fullmatch(run)), "")
    if not broken:
        return ""
    points = broken.count(".")
    if points > 1:
        return f"“{broken}” has {points} decimal points"
    return f"the comma of “{broken}” separates no thousands"


def _illegible(figure: Figure, text: str, wrong: str, numbers: str) -> Finding:
    unit = "" if figure.unit in ("", "count") else f" {figure.unit}"
    taken = f"taken for {numbers}{unit}" if numbers else "no number was taken from it"
    detail = {"reason": wrong, "taken_for": numbers}
    return Finding(
        "legible", (figure.key,), "inconsistent", text, numbers, f"{wrong}; {taken}", detail
    )


# --- words --------------------------------------------------------------------------------


def _in_words(figure: Figure) -> Iterator[Finding]:
    text, number = figure.printed_text, figure.estimate
    digits = any(map(str.isdigit, text))
    if not text or number is None or digits or _wrong(text) or figure.measure in _NO_NUMBER:
        return
    said = 100 if figure.unit == "percent" and text.casefold() in _ALL else _word_number(text)
    if said is None:
        reason = f"“{text}” is not known to say a number"
        yield unverifiable("legible", [figure.key], text, reason)
        return
    agrees = said == number
    yield Finding(
        "legible",
        (figure.key,),
        "consistent" if agrees else "inconsistent",
        text,
        str(said),
        f"“{text}” says {said}" + ("" if agrees else f", taken for {number:g}"),
        {"taken_for": f"{number:g}"},
    )


def _word_number(text: str) -> int | None:
    """The number that words say (up to millions); None where one of them is no number."""
    total = current = 0
    words = [word for word in re.split(r"[\s-]+", text.casefold()) if word != "and"]
    for word in words:
        if word in _WORDS:
            current += _WORDS[word]
        elif word in _POWERS:
            current = max(current, 1) * _POWERS[word]
            if _POWERS[word] > 100:
                total, current = total + current, 0
        else:
            return None
    return total + current if words else None
