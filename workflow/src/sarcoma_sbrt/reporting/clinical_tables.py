"""The manuscript's table of dose by treated site; as in `tables`, only keys."""

from __future__ import annotations

from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    Layout,
    Numbers,
    Row,
    in_words,
    median_and_range,
    not_estimable_note,
    num,
    range_words,
    table_div,
)
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import CohortSettings

__all__ = ["clinical_tables"]


def clinical_tables(numbers: Numbers, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of ``site_dose``, where site, dose and fractions are recorded.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    cohort : CohortSettings
        Its label stands under the table of a reconstructed cohort.
    """
    labels = {site: in_words(site) for site in TABLES["lesions"]["site"].codes}
    labels |= {"missing": "Not recorded"}
    rows = [_row(numbers, s, label) for s, label in labels.items() if f"site_dose.{s}.n" in numbers]
    header = ("Site", "Lesions", "Dose, Gy", "Fractions", "BED10, Gy")
    few = any(ABSENT in row for row in rows)
    keys = {f"site_dose.{s}.{name}": label for s, label in labels.items() for name in _DOSES}
    caption = (
        f"Dose of the lesions’ first courses by treated site: {range_words(numbers, keys)}; "
        f"alpha/beta is {num('config.endpoints.alpha_beta_gy')} Gy.",
        f"{ABSENT}: too few lesions to describe without describing a patient." if few else "",
        not_estimable_note(numbers, [(f"{key}.median", label) for key, label in keys.items()]),
    )
    made = table_div(Layout("site_dose", header, (26, 12, 22, 18, 24)), rows, caption, cohort)
    return dict([made]) if made else {}


_DOSES = ("total", "fractions", "bed10")


def _row(numbers: Numbers, site: str, label: str) -> Row:
    keys = [f"site_dose.{site}.{name}" for name in _DOSES]
    cells = [
        median_and_range(numbers, key) if f"{key}.median" in numbers else ABSENT for key in keys
    ]
    return (label, num(f"site_dose.{site}.n"), *cells)
