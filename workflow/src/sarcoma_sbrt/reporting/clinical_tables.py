"""The manuscript's table of dose by treated site; as in `tables`, only keys."""

from __future__ import annotations

from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    Layout,
    Numbers,
    Row,
    in_words,
    num,
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
    caption = (
        "Dose of the lesions’ first courses by treated site: median (range); alpha/beta is "
        f"{num('config.endpoints.alpha_beta_gy')} Gy.",
        f"{ABSENT}: too few lesions to describe without describing a patient." if few else "",
    )
    made = table_div(Layout("site_dose", header, (26, 12, 22, 18, 24)), rows, caption, cohort)
    return dict([made]) if made else {}


def _row(numbers: Numbers, site: str, label: str) -> Row:
    cells = []
    for name in ("total", "fractions", "bed10"):
        key = f"site_dose.{site}.{name}"
        if f"{key}.median" in numbers:
            median, low, high = (num(f"{key}.{measure}") for measure in ("median", "min", "max"))
            cells.append(f"{median} ({low}–{high})")
        else:
            cells.append(ABSENT)
    return (label, num(f"site_dose.{site}.n"), *cells)
