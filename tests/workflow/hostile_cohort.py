"""The small cohort made hostile: data that models cannot carry, written over its tables."""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl

__all__ = ["make_hostile"]

# Days from the first fraction to last contact (None: as it was), status and grade. Two patients
# have no follow-up at all, six end on the same day, nobody with G1 dies, two have no grade.
LAST = {
    "S01": (0, "died", 2),
    "S02": (0, "NED", 3),
    "S03": (365, "died", 3),
    "S04": (365, "NED", 1),
    "S05": (365, "died", 2),
    "S06": (365, "died", 3),
    "S07": (365, "NED", 2),
    "S08": (365, "AWD", 1),
    "S09": (None, "NED", None),
    "S10": (None, "NED", None),
    "S11": (None, "NED", 1),
    "S12": (None, "NED", 3),
    "S13": (None, "AWD", 2),
    "S14": (None, "NED", 1),
}
SEVERAL_LESIONS = "S04"

# More covariates than deaths for overall survival; setting, with one level, for progression.
# A missing age is imputed only where a model asks for it.
PLAN = """\
  univariable:
    lc: [setting, grade]
    os: [setting, grade, age]
    pfs: [setting, grade]
  multivariable:
    os: {multivariable: [grade, age, number_of_lesions, size, bed10]}
    pfs: {multivariable: [setting, grade, number_of_lesions]}
    lc: {multivariable: [grade, size], model_1: [grade]}
  imputation: {datasets: 3, iterations: 2}
"""


def make_hostile(checkout: Path) -> None:
    """Rewrite the small cohort's tables and plan in a copy of the repository.

    Nothing grows, so that no lesion fails; everybody has a recurrence; and what lies after the
    new last contact, or belongs to a second lesion of anybody but one patient, is gone.
    """
    folder = checkout / "data" / "cohorts" / "small"
    last = _workbook(folder / "centre.xlsx")
    for name, day in (("lesions", None), ("imaging", 2), ("progressions", 1), ("toxicities", 3)):
        _table(folder / f"{name}.csv", day, last)
    with (checkout / "config" / "cohorts" / "small.yaml").open("a", encoding="utf-8") as stream:
        stream.write(PLAN)


def _day(value: str | datetime) -> datetime:
    return datetime.strptime(value, "%d/%m/%Y") if isinstance(value, str) else value


def _workbook(path: Path) -> dict[str, datetime]:
    """Write the workbook anew; give everybody's day of last contact."""
    book = openpyxl.load_workbook(path)
    courses = book["SBRT courses"]
    starts: dict[str, datetime] = {}
    for patient, _, _, start, *_ in courses.iter_rows(min_row=2, values_only=True):
        starts.setdefault(patient, start)
    last = {}
    rows = book["Patients"].iter_rows(min_row=3)
    at = {cell.value: index for index, cell in enumerate(next(rows))}
    for row in rows:
        patient = row[0].value
        if patient in starts:
            contact = row[at["Last contact"]]
            if patient in LAST:
                days, row[at["Status"]].value, row[at["Grade"]].value = LAST[patient]
                row[at["Setting"]].value = "recurrent"
                if days is not None:
                    contact.value = starts[patient] + timedelta(days=days)
            last[patient] = _day(contact.value)
    for row in reversed(list(courses.iter_rows(min_row=2))):
        patient, lesion, _, start, *_ = (cell.value for cell in row)
        if (lesion != "A" and patient != SEVERAL_LESIONS) or start > last[patient]:
            courses.delete_rows(row[0].row)
    book.save(path)
    return last


def _table(path: Path, day: int | None, last: dict[str, datetime]) -> None:
    header, *rows = csv.reader(io.StringIO(path.read_text("latin-1")), delimiter=";")
    kept = []
    for row in rows:
        other_lesion = header[1] == "Läsion" and row[1] != "A" and row[0] != SEVERAL_LESIONS
        if not other_lesion and (day is None or _day(row[day]) <= last[row[0]]):
            if path.stem == "imaging":
                row[3] = "4.0"
            if path.stem == "lesions":
                row[4] = row[5] = ""  # nobody is lost to imaging
            kept.append(row)
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows([header, *kept])
    path.write_text(text.getvalue(), "latin-1")
