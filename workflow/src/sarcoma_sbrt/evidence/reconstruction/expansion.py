"""Expansion of endpoint-level tables into raw-looking ones.

`expand` takes one row per patient and one per lesion with their times, events and classes
(any such tables, not one particular reconstruction) and writes the records from which the
definitions in ``config/endpoints.yaml`` give back exactly those endpoints. Everything else
is filled to the printed counts of a `Marginals` by quota and drawn from one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.reconstruction.draws import drawn, quota, share, shuffled, towards
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import check, switched
from sarcoma_sbrt.evidence.reconstruction.marginals import (
    AdverseEvent,
    Marginals,
    Prescription,
)

__all__ = ["csv_text", "expand"]

# The definitions that the records are written for: `config/endpoints.yaml`, lc.
DEATH_GAP_MONTHS = 7
GROWTH_PERCENT = 20

_TABLES = (
    "patients",
    "lesions",
    "courses",
    "assessments",
    "progressions",
    "treatments",
    "toxicities",
)


def expand(
    patients: pd.DataFrame,
    lesions: pd.DataFrame,
    *,
    seed: int,
    marginals: Marginals,
) -> dict[str, pd.DataFrame]:
    """Raw-looking tables that carry exactly the given endpoints.

    Parameters
    ----------
    patients : DataFrame
        Columns id, os_months, death, pfs_months, pfs_event and the 0/1 classes G1, recurrence,
        single_lesion, size_le5, bed_lt100. Months are whole.
    lesions : DataFrame
        Columns lesion, patient, lc_months, lf and the same classes. The lesion's own row
        decides its size and BED class.
    seed : int
        Root of every draw.
    marginals : Marginals
        Counts, medians and ranges to fill; scaled where the cohort is of another size.

    Returns
    -------
    dict of str to DataFrame
        patients, lesions, courses, assessments, progressions, treatments, toxicities. Times are
        whole months from the first fraction, diameters cm.

    Raises
    ------
    InputError
        With every inconsistency that `check` finds.
    """
    if problems := check(patients, lesions):
        raise InputError(problems)
    streams = np.random.SeedSequence(seed).spawn(len(_TABLES))
    rng = {name: np.random.default_rng(s) for name, s in zip(_TABLES, streams, strict=True)}
    tables = {"patients": _patients(patients, lesions, marginals, rng["patients"])}
    tables["lesions"] = _lesions(patients, lesions, marginals, rng["lesions"])
    tables["courses"] = _courses(lesions, marginals, rng["courses"])
    sizes = tables["lesions"]["diameter (cm)"]
    tables["assessments"] = _assessments(patients, lesions, sizes, rng["assessments"])
    tables["progressions"] = _progressions(patients, lesions, rng["progressions"])
    tables["treatments"] = _treatments(tables["patients"], marginals, rng["treatments"])
    tables["toxicities"] = _toxicities(tables, marginals, rng["toxicities"])
    return tables


def csv_text(table: pd.DataFrame) -> str:
    """CSV of one raw table: Unix line ends, the shortest decimals, missing left empty."""
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%g"))


def _patients(
    patients: pd.DataFrame, lesions: pd.DataFrame, m: Marginals, rng: np.random.Generator
) -> pd.DataFrame:
    n = len(patients)
    other = patients["id"].isin(switched(patients, lesions, m)).to_numpy()
    g1 = (patients["G1"].to_numpy() == 1) ^ other
    grade = np.where(g1, "G1", "")
    grade[~g1] = shuffled(quota({k: v for k, v in m.grades.items() if k != "G1"}, sum(~g1)), rng)
    histology = _histologies(g1, m, rng)
    setting = np.where(patients["recurrence"] == 1, "recurrent", "oligometastatic")
    diagnosis, recurrence = _history(setting, m, rng)
    return pd.DataFrame(
        {
            "patient": patients["id"].to_numpy(),
            "age": drawn(m.age, rng.random(n)),
            "sex": _sexes([h.sex for h in histology], m, rng),
            "histology": [h.name for h in histology],
            "histology group": [h.group for h in histology],
            "grade": grade,
            "setting": setting,
            "diagnosis": diagnosis,
            "recurrence or metastasis": recurrence,
            "last contact": patients["os_months"].to_numpy(),
            "status": np.where(patients["death"] == 1, "dead", "alive"),
        }
    )


def _histologies(g1: np.ndarray, m: Marginals, rng: np.random.Generator) -> list[Any]:
    """Quota of types; one that leans low goes to G1, one that leans high elsewhere."""
    lean = {"low": 0, None: 1, "high": 2}
    types = shuffled(quota({h: h.patients for h in m.histologies}, len(g1)), rng)
    types.sort(key=lambda h: lean[h.leans])
    chosen: list[Any] = [None] * len(g1)
    for type_, patient in zip(types, np.lexsort((rng.random(len(g1)), ~g1)), strict=True):
        chosen[patient] = type_
    return chosen


def _sexes(bound: Sequence[str | None], m: Marginals, rng: np.random.Generator) -> list[str]:
    """Quota of sexes; a patient whose histology occurs in one sex has that one."""
    left = shuffled(quota(m.sex, len(bound)), rng)
    for sex in bound:
        if sex in left:
            left.remove(sex)
    return [sex if sex is not None else left.pop() for sex in bound]


def _history(
    setting: np.ndarray, m: Marginals, rng: np.random.Generator
) -> tuple[pd.Series, pd.Series]:
    """Months of diagnosis and of recurrence or metastasis, which some had at diagnosis.

    The latter month is missing for these. A recurrence always has one.
    """
    n = len(setting)
    order = np.lexsort((rng.random(n), setting != "recurrent"))
    presented = max(share(m.presented, m.patients, n), int(sum(setting == "recurrent")))
    had, recurrence = order[:presented], -rng.integers(1, 7, n)
    diagnosis = recurrence.astype(float)
    diagnosis[had] -= drawn(m.interval_months, rng.random(presented))
    known = pd.Series(recurrence, dtype="Int64")
    known.iloc[order[presented:]] = pd.NA
    return pd.Series(diagnosis).astype("Int64"), known


def _lesions(
    patients: pd.DataFrame, lesions: pd.DataFrame, m: Marginals, rng: np.random.Generator
) -> pd.DataFrame:
    small = lesions["size_le5"].to_numpy() == 1
    site = np.empty(len(lesions), dtype=object)
    site[small] = shuffled(quota(m.sites_small, sum(small)), rng)
    site[~small] = shuffled(quota(m.sites_large, sum(~small)), rng)
    ended = _imaging_ended(patients, lesions)
    return pd.DataFrame(
        {
            "patient": lesions["patient"].to_numpy(),
            "lesion": lesions["lesion"].to_numpy(),
            "site": site,
            "diameter (cm)": _sizes(patients, lesions, m, rng),
            "imaging ended": ended,
            "imaging ended because": ["lost" if month else None for month in ended.notna()],
        }
    )


def _imaging_ended(patients: pd.DataFrame, lesions: pd.DataFrame) -> pd.Series:
    """Month at which a lesion's own imaging must have ended; missing for most.

    It is said of a lesion censored so near its patient's death that the death would compete.
    """
    own = patients.set_index("id").loc[lesions["patient"]]
    gap = own["os_months"].to_numpy() - lesions["lc_months"].to_numpy()
    dead, free = own["death"].to_numpy() == 1, lesions["lf"].to_numpy() == 0
    ended = pd.Series(lesions["lc_months"].to_numpy(), dtype="Int64")
    return ended.where(free & dead & (gap > 0) & (gap <= DEATH_GAP_MONTHS))


def _sizes(
    patients: pd.DataFrame, lesions: pd.DataFrame, m: Marginals, rng: np.random.Generator
) -> np.ndarray:
    """Diameters in cm, dealt within the size classes and then exchanged within patients.

    The exchange gives a patient's BED class to the largest lesion wherever one of its size
    class has it.
    """
    small = lesions["size_le5"].to_numpy() == 1
    pools = _size_pools(int(sum(small)), int(sum(~small)), m, rng)
    sizes = np.empty(len(lesions))
    for _ in range(100):
        for members, pool in zip((small, ~small), pools, strict=True):
            sizes[members] = shuffled(pool, rng)
        if not _ties(lesions["patient"].to_numpy(), sizes):
            break
    wanted = lesions["patient"].map(patients.set_index("id")["bed_lt100"])
    agrees = lesions["bed_lt100"] == wanted
    for _, own in lesions.assign(agrees=agrees, row=np.arange(len(lesions))).groupby("patient"):
        top = own[own["size_le5"] == own["size_le5"].min()]
        rows = top.sort_values("agrees", ascending=False, kind="stable")["row"].to_numpy()
        largest, first = rows[np.argmax(sizes[rows])], rows[0]
        sizes[[first, largest]] = sizes[[largest, first]]
    return sizes


def _ties(patient: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether some patient has two largest lesions."""
    table = pd.DataFrame({"patient": patient, "size": sizes})
    top = table["size"] == table.groupby("patient")["size"].transform("max")
    return bool(table.loc[top, "patient"].duplicated().any())


def _size_pools(
    small: int, large: int, m: Marginals, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Diameters of the two classes with the median and range of all, none at the boundary.

    The median holds where it falls into the upper class, as in the paper.
    """
    spread, step = m.size_cm, 10.0**-m.size_cm.decimals
    n = small + large
    below, middle = (n - 1) // 2, 2 - n % 2
    first = towards(m.size_cut_cm - step, spread.low, small, rng)
    if small > below:
        second = towards(m.size_cut_cm + step, spread.high, large, rng)
    else:
        near = m.size_cut_cm + step
        under = near + (spread.median - near) * rng.random(below - small)
        over = towards(spread.median, spread.high, n - below - middle, rng)
        second = np.concatenate([under, [spread.median] * middle, over])
    return first.round(spread.decimals), second.round(spread.decimals)


def _courses(lesions: pd.DataFrame, m: Marginals, rng: np.random.Generator) -> pd.DataFrame:
    """One course per lesion.

    The conformity indices rise together, coverage falls with them, and the homogeneity index
    falls as the isodose rises.
    """
    n = len(lesions)
    prescriptions = _prescriptions(lesions["bed_lt100"].to_numpy() == 1, m, rng)
    plan, isodose = rng.random(n), rng.random(n)
    return pd.DataFrame(
        {
            "patient": lesions["patient"].to_numpy(),
            "lesion": lesions["lesion"].to_numpy(),
            "course": 1,
            "start": 0,
            "dose (Gy)": [float(p.dose_gy) for p in prescriptions],
            "fractions": [p.fractions for p in prescriptions],
            "isodose (%)": drawn(m.isodose, isodose),
            "CI": drawn(m.ci, plan),
            "nCI": drawn(m.nci, plan),
            "HI": drawn(m.hi, 1 - isodose),
            "coverage (%)": drawn(m.coverage, 1 - plan),
        }
    )


def _prescriptions(low: np.ndarray, m: Marginals, rng: np.random.Generator) -> list[Any]:
    """Quota of prescriptions within the BED classes; `low` says which lesions are below."""
    chosen = np.empty(len(low), dtype=object)
    for members, is_low in ((low, True), (~low, False)):
        counts = {p: p.lesions for p in m.prescriptions if _is_low(p, m) == is_low}
        chosen[members] = shuffled(quota(counts, sum(members)), rng)
    return list(chosen)


def _is_low(p: Prescription, m: Marginals) -> bool:
    return bool(bed(p.dose_gy, p.fractions, m.alpha_beta_gy) < m.bed_cut_gy)


def _visits(until: int) -> list[int]:
    """Months of the scheduled visits before `until`: 0, 3, 6 and every six months."""
    return [month for month in (0, 3, *range(6, until, 6)) if month < until]


def _assessments(
    patients: pd.DataFrame, lesions: pd.DataFrame, sizes: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    last, failed = lesions["lc_months"].to_numpy(), lesions["lf"].to_numpy() == 1
    own = patients.set_index("id").loc[lesions["patient"]]
    died = (own["death"].to_numpy() == 1) & (own["os_months"].to_numpy() == last) & ~failed
    rows = []
    for i, (patient, lesion) in enumerate(zip(lesions["patient"], lesions["lesion"], strict=True)):
        months = _visits(int(last[i]))
        if not (died[i] and months):
            months.append(int(last[i]))
        diameters = _diameters(sizes.iloc[i], len(months), bool(failed[i]), rng)
        rows += [(patient, lesion, *visit) for visit in zip(months, diameters, strict=True)]
    return pd.DataFrame(rows, columns=["patient", "lesion", "imaging", "diameter (cm)"])


def _diameters(size: float, n: int, fails: bool, rng: np.random.Generator) -> list[float]:
    """Baseline, then never 20 % above it but at the last visit of a lesion that fails.

    A lesion under control shrinks by a tenth to a half, one that fails by a tenth at most;
    growth at failure is 25-60 %, past the threshold whatever the rounding to 0.1 cm.
    """
    shrinkage = 0.1 * rng.random() if fails else 0.1 + 0.4 * rng.random()
    response = 1 - shrinkage * np.arange(n) / max(n - 1, 1)
    diameters = [round(max(size * r, 0.1), 1) for r in response]
    diameters[0] = size
    if fails:
        growth = 1 + (GROWTH_PERCENT + 5 + 35 * rng.random()) / 100
        diameters[-1] = float(np.ceil(size * growth * 10) / 10)
    return diameters


def _progressions(
    patients: pd.DataFrame, lesions: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Row for each PFS event that is neither death nor a local failure of that month."""
    died_then = (patients["death"] == 1) & (patients["pfs_months"] == patients["os_months"])
    first_failure = lesions[lesions["lf"] == 1].groupby("patient")["lc_months"].min()
    failed_then = patients["id"].map(first_failure) == patients["pfs_months"]
    elsewhere = patients[(patients["pfs_event"] == 1) & ~died_then & ~failed_then]
    regional = (elsewhere["recurrence"] == 1) & (rng.random(len(elsewhere)) < 0.5)
    return pd.DataFrame(
        {
            "patient": elsewhere["id"].to_numpy(),
            "progression": elsewhere["pfs_months"].to_numpy(),
            "kind": np.where(regional, "regional", "distant"),
            "site": np.where(regional, "lymph node", "lung"),
        }
    )


def _treatments(patients: pd.DataFrame, m: Marginals, rng: np.random.Generator) -> pd.DataFrame:
    rows = _first_treatments(patients, m, rng) + _systemic(patients, m, rng)
    columns = ["patient", "treatment", "intent", "timing", "operations"]
    table = pd.DataFrame(rows, columns=columns)
    table["operations"] = table["operations"].astype("Int64")
    position = table["patient"].map(
        dict(zip(patients["patient"], range(len(patients)), strict=True))
    )
    order = position.sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _first_treatments(
    patients: pd.DataFrame, m: Marginals, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """Surgery before recurrence, with its adjuvant treatments.

    A recurrence was operated on by definition (Methods, Patients), so those patients come first.
    """
    n = len(patients)
    presented = patients[patients["recurrence or metastasis"].notna()]
    order = np.lexsort((rng.random(len(presented)), presented["setting"] != "recurrent"))
    operated = list(presented["patient"].iloc[order])[: share(m.surgery, m.patients, n)]
    many = set(shuffled(operated, rng)[: share(m.many_operations, m.patients, n)])
    rows: list[tuple[Any, ...]] = [
        (p, "Surgery", "first treatment", "before", 3 if p in many else int(1 + rng.integers(2)))
        for p in operated
    ]
    for treatment, count in m.adjuvant.items():
        chosen = shuffled(operated, rng)[: share(count, m.patients, n)]
        rows += [(p, treatment, "adjuvant", "before", None) for p in chosen]
    return rows


def _systemic(
    patients: pd.DataFrame, m: Marginals, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """Systemic treatment with SBRT: one kind a patient, or none."""
    treated: list[Any] = []
    for setting, (count, total) in m.chemotherapy.items():
        of_setting = patients.loc[patients["setting"] == setting, "patient"]
        treated += shuffled(of_setting, rng)[: share(count, total, len(of_setting))]
    timings = shuffled(quota(m.chemotherapy_timing, len(treated)), rng)
    rows: list[tuple[Any, ...]] = [
        (p, "Chemotherapy", "with SBRT", timing, None)
        for p, timing in zip(treated, timings, strict=True)
    ]
    rest = shuffled(patients.loc[~patients["patient"].isin(treated), "patient"], rng)
    kinds = quota(m.other_systemic, len(rest))
    rows += [
        (p, kind, "with SBRT", None, None) for p, kind in zip(rest, kinds, strict=True) if kind
    ]
    return rows


def _toxicities(
    tables: Mapping[str, pd.DataFrame], m: Marginals, rng: np.random.Generator
) -> pd.DataFrame:
    rows = [row for event in m.adverse_events for row in _adverse_event(tables, event, m, rng)]
    return pd.DataFrame(rows, columns=["patient", "term", "grade", "onset"])


def _adverse_event(
    tables: Mapping[str, pd.DataFrame],
    event: AdverseEvent,
    m: Marginals,
    rng: np.random.Generator,
) -> list[tuple[Any, ...]]:
    """Rows of one adverse event, among patients still followed and treated at such a site."""
    patients, lesions = tables["patients"], tables["lesions"]
    able = patients["last contact"] >= max(event.onset_months)
    if event.sites:
        at_site = lesions.loc[lesions["site"].isin(event.sites), "patient"]
        able &= patients["patient"].isin(at_site)
    count = share(event.patients, m.patients, len(patients))
    chosen = shuffled(patients.loc[able, "patient"], rng)[:count]
    onsets = rng.integers(len(event.onset_months), size=len(chosen))
    return [
        (p, event.term, event.grades[i % len(event.grades)], event.onset_months[onset])
        for i, (p, onset) in enumerate(zip(chosen, onsets, strict=True))
    ]
