"""Write tests/data/cohorts/small/centre.xlsx. Its patients are invented.

Run it from the root of the repository. The same bytes come out every time: a test compares.
"""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl

__all__ = ["COURSES", "PATIENTS", "workbook", "workbook_bytes"]

_EPOCH = datetime(2026, 1, 1)

# fmt: off
PATIENTS = [
    ["Patient", "Age", "Sex", "Histology", "Group", "Primary site", "Grade", "Setting",
     "Diagnosis", "Recurrence", "Last contact", "Status"],
    ["S01", 36, "f", "dedifferentiated liposarcoma", "Adipocytic", "upper arm", 1,
     "oligometastatic",
     date(2014, 6, 3), date(2016, 3, 21), date(2021, 4, 27), "AWD"],
    ["S02", 38, "m", "leiomyosarcoma", "Smooth muscle", "thigh", 2, "recurrent",
     date(2013, 7, 12), date(2015, 7, 9), "08/03/2021", "NED"],
    ["S03", None, "m", "synovial sarcoma", "Uncertain", "trunk", 3, "oligometastatic",
     date(2016, 1, 3), date(2016, 12, 7), date(2019, 9, 12), "died"],
    ["S04", 70, "f", "myxofibrosarcoma", "Fibroblastic", "retroperitoneum", 1, "recurrent",
     date(2014, 1, 25), date(2014, 8, 24), date(2018, 12, 7), "died"],
    ["S05", 67, "f", "angiosarcoma", "Vascular", "upper arm", 2, "recurrent",
     date(2013, 8, 12), date(2015, 7, 31), date(2018, 10, 2), "NED"],
    ["S06", 29, "m", "myxoid liposarcoma", "Adipocytic", "thigh", 3, "oligometastatic",
     "05/08/2010", date(2013, 11, 26), date(2015, 8, 11), "died"],
    ["S07", 36, "m", "rhabdomyosarcoma", "Skeletal muscle", "trunk", 2, "oligometastatic",
     date(2012, 1, 30), date(2014, 12, 13), date(2018, 10, 5), "died"],
    ["S08", 63, "f", "dedifferentiated liposarcoma", "Adipocytic", "retroperitoneum", 1,
     "recurrent",
     date(2015, 2, 9), date(2017, 8, 11), date(2018, 12, 9), "died"],
    ["S09", 74, "f", "leiomyosarcoma", "Smooth muscle", "upper arm", 3, "oligometastatic",
     date(2013, 11, 1), date(2015, 11, 15), date(2018, 10, 29), "died"],
    ["S10", 79, "m", "synovial sarcoma", "Uncertain", "thigh", 2, "recurrent",
     date(2012, 12, 3), date(2014, 8, 12), date(2017, 12, 20), "died"],
    ["S11", 33, "m", "myxofibrosarcoma", "Fibroblastic", "trunk", 1, "oligometastatic",
     date(2011, 7, 12), date(2013, 11, 4), date(2017, 7, 23), "NED"],
    ["S12", 35, "f", "angiosarcoma", "Vascular", "retroperitoneum", 3, "recurrent",
     date(2012, 2, 14), date(2014, 9, 9), date(2017, 4, 30), "NED"],
    ["S13", 29, "f", "myxoid liposarcoma", "Adipocytic", "upper arm", 2, "recurrent",
     date(2012, 2, 11), date(2014, 5, 21), date(2020, 2, 27), "AWD"],
    ["S14", 67, "m", "rhabdomyosarcoma", "Skeletal muscle", "thigh", 1, "oligometastatic",
     date(2009, 10, 17), date(2013, 2, 14), date(2014, 8, 25), "died"],
    ["S15", 58, "f", "leiomyosarcoma", "Smooth muscle", "thigh", 2, "primary",
     date(2016, 2, 1), None, date(2018, 5, 14), "NED"],
]

COURSES = [
    ["Patient", "Lesion", "Course", "First fraction", "Dose (cGy)", "Fractions", "Isodose",
     "PTV (ml)", "CI", "nCI", "HI", "Coverage"],
    ["S01", "A", 1, date(2017, 3, 26), 4500, 5, 70, 86.6, 1.19, 1.21, 1.2, 94.2],
    ["S01", "B", 1, date(2017, 4, 9), 5000, 5, 80, 18.2, 1.23, 1.18, 1.34, 93.3],
    ["S02", "A", 1, date(2017, 6, 8), 6000, 8, 70, 42.0, 1.37, 1.16, 1.44, 96.6],
    ["S03", "A", 1, date(2017, 12, 11), 3000, 3, 70, 170.1, 1.28, 1.11, 1.21, 95.8],
    ["S04", "A", 1, date(2015, 2, 6), 5400, 3, 75, 18.3, 1.2, 1.13, 1.29, 93.0],
    ["S04", "B", 1, date(2015, 2, 20), 4800, 4, 75, 27.9, 1.19, 1.46, 1.49, 96.8],
    ["S05", "A", 1, date(2016, 4, 22), 5500, 5, 75, 49.3, 1.19, 1.41, 1.31, 97.2],
    ["S06", "A", 1, date(2015, 1, 25), 4500, 5, 70, 27.0, 1.35, 1.34, 1.42, 96.6],
    ["S06", "B", 1, date(2015, 2, 8), 5000, 5, 75, 25.9, 1.09, 1.22, 1.5, 95.5],
    ["S06", "C", 1, date(2015, 2, 22), 6000, 8, 70, 159.0, 1.16, 1.3, 1.27, 94.5],
    ["S07", "A", 1, date(2016, 2, 15), 3000, 3, 75, 36.7, 1.08, 1.22, 1.38, 93.3],
    ["S07", "B", 1, date(2016, 2, 29), 5400, 3, 70, 70.3, 1.17, 1.42, 1.32, 97.9],
    ["S08", "A", 1, date(2018, 1, 7), 4800, 4, 80, 20.3, 1.36, 1.47, 1.42, 95.4],
    ["S09", "A", 1, date(2017, 9, 6), 5500, 5, 75, 44.5, 1.35, 1.19, 1.42, 93.6],
    ["S10", "A", 1, date(2015, 7, 26), 4500, 5, 80, 130.8, 1.13, 1.42, 1.4, 94.5],
    ["S11", "A", 1, date(2015, 11, 25), 5000, 5, 75, 81.1, 1.39, 1.45, 1.33, 98.4],
    ["S11", "B", 1, date(2015, 12, 9), 6000, 8, 70, 92.6, 1.37, 1.45, 1.44, 96.2],
    ["S12", "A", 1, date(2015, 4, 4), 3000, 3, 75, 79.8, 1.15, 1.49, 1.45, 94.0],
    ["S13", "A", 1, date(2015, 11, 3), 5400, 3, 75, 123.4, 1.26, 1.49, 1.4, 95.6],
    ["S14", "A", 1, date(2014, 5, 11), 4800, 4, 75, 63.3, 1.12, 1.1, 1.31, 94.8],
    ["S14", "B", 1, date(2014, 5, 25), 5500, 5, 70, 160.9, 1.28, 1.42, 1.28, 95.5],
    ["S15", "A", 1, date(2016, 3, 7), 5000, 5, 80, 22.4, 1.18, 1.25, 1.31, 96.2],
    ["S01", "A", 2, date(2017, 8, 20), 3000, 5, 75, 35.0, 1.2, 1.28, 1.3, 95.0],
]
# fmt: on

NOTES = ["Notes", "Status: NED no evidence of disease, AWD alive with disease", None, "Invented."]


def workbook() -> openpyxl.Workbook:
    """Two sheets: titles above the first one's header and notes below its table."""
    book = openpyxl.Workbook()
    patients = book.active
    patients.title = "Patients"
    for row in [["Soft tissue sarcoma, SBRT"], [], *PATIENTS, [], *([note] for note in NOTES)]:
        patients.append(row)
    courses = book.create_sheet("SBRT courses")
    for row in COURSES:
        courses.append(row)
    book.properties.creator = "tests"
    book.properties.created = _EPOCH
    return book


def workbook_bytes() -> bytes:
    """Bytes of the workbook, without the clock that openpyxl writes into it."""
    saved, fixed = io.BytesIO(), io.BytesIO()
    book = workbook()
    book.save(saved)
    book.properties.modified = _EPOCH
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(fixed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = openpyxl.xml.functions.tostring(book.properties.to_tree())
            entry = zipfile.ZipInfo(name, _EPOCH.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return fixed.getvalue()


if __name__ == "__main__":
    Path("tests/data/cohorts/small/centre.xlsx").write_bytes(workbook_bytes())
