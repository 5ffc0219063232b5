"""The data sets of survival.R as the same frames in Python, and what R said of them.

The nine public ones come with the pinned `survival` package, which ships R's own data; the rest
are the files in data/. Columns: see the head of survival.R.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import survival.datasets as public

HERE = Path(__file__).parent
RECORDS: dict[str, Any] = json.loads((HERE / "survival.json").read_text(encoding="utf-8"))["sets"]


@dataclass(frozen=True)
class Cohort:
    """A frame with the names of its covariates, the times asked for, and the horizon."""

    name: str
    frame: pd.DataFrame
    covariates: tuple[str, ...]
    at: tuple[float, ...]
    tau: float

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    @property
    def design(self) -> pd.DataFrame:
        return self.frame[list(self.covariates)].astype(float)

    def known(self, *columns: str) -> pd.DataFrame:
        """Rows in which none of these columns is missing."""
        return self.frame.dropna(subset=list(columns)).reset_index(drop=True)

    @property
    def complete(self) -> pd.DataFrame:
        """Rows in which every covariate is recorded."""
        return self.known(*self.covariates)


def expected(name: str, what: str) -> Any:
    """What R printed for a statistic of a data set; its call stands beside it in the file."""
    return RECORDS[name][what]["value"]


def call(name: str, what: str) -> str:
    """The R call that made it."""
    return str(RECORDS[name][what]["call"])


def sets_with(*what: str) -> list[str]:
    """Data sets for which R computed all of these."""
    return [name for name, record in RECORDS.items() if set(what) <= set(record)]


@cache
def cohort(name: str) -> Cohort:
    """A data set by the name it has in survival.json."""
    about = expected(name, "frame")
    covariates = about["covariates"] or []
    return Cohort(
        name=name,
        frame=_FRAMES[name](),
        covariates=tuple(covariates),
        at=tuple(about["at"]),
        tau=float(about["tau"]),
    )


# --- how a test compares ------------------------------------------------------------------

EXACT = 1e-8


def per_set(*what: str, but: str = "") -> pytest.MarkDecorator:
    """Once for each data set of which R has all of these, but for one with a test of its own."""
    return pytest.mark.parametrize("name", [name for name in sets_with(*what) if name != but])


def each(values: Any) -> list[Any]:
    """A list also where R had one value only."""
    return values if isinstance(values, list) else [values]


def close(values: Any, rel: float = EXACT) -> Any:
    """Equal to R's, which says null for what is undefined."""
    if isinstance(values, list):
        return [close(value, rel) for value in values]
    return None if values is None else pytest.approx(values, rel=rel, abs=1e-12)


def matrix(values: Any, rel: float = EXACT) -> Any:
    """Equal to R's matrix, NaN where R says null."""
    return pytest.approx(np.array(values, dtype=float), rel=rel, abs=1e-12, nan_ok=True)


# --- the frames ---------------------------------------------------------------------------


def _table(name: str) -> pd.DataFrame:
    return pd.DataFrame(getattr(public, f"load_{name}")())


def _made(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "data" / f"{name}.csv")


def _interval(values: pd.Series, cuts: list[float]) -> pd.Series:
    # R's findInterval: how many cuts lie at or below the value
    return pd.Series(np.searchsorted(cuts, values, side="right"), index=values.index)


def _lung() -> pd.DataFrame:
    d = _table("lung")
    return pd.DataFrame(
        {
            "time": d["time"],
            "event": (d["status"] == 2).astype(int),
            "group": d["sex"],
            "ordered": d["ph.ecog"],
            "stratum": d["ph.ecog"],
            "cluster": d["inst"].fillna(0),
            "age": d["age"],
            "sex": d["sex"],
            "wt.loss": d["wt.loss"],
        }
    )


def _veteran() -> pd.DataFrame:
    d = _table("veteran")
    return pd.DataFrame(
        {
            "time": d["time"],
            "event": d["status"],
            "group": d["celltype"],
            "ordered": _interval(d["karno"], [50, 70]),
            "stratum": d["trt"],
            "cluster": np.arange(1, len(d) + 1),
            "karno": d["karno"],
            "age": d["age"],
            "diagtime": d["diagtime"],
        }
    )


def _colon() -> pd.DataFrame:
    d = _table("colon")
    death = d[d["etype"] == 2].set_index("id")
    recurrence = d[d["etype"] == 1].set_index("id").loc[death.index]
    recurred = recurrence["status"] == 1
    return pd.DataFrame(
        {
            "time": death["time"],
            "event": death["status"],
            "group": death["rx"],
            "ordered": death["extent"],
            "stratum": death["surg"],
            "cluster": death.index,
            **{name: death[name] for name in ("age", "sex", "nodes", "adhere")},
            "ctime": recurrence["time"].where(recurred, death["time"]),
            "cause": np.where(recurred, 1, 2 * death["status"]),
        }
    ).reset_index(drop=True)


def _pbc() -> pd.DataFrame:
    d = _table("pbc")
    return pd.DataFrame(
        {
            "time": d["time"],
            "event": (d["status"] == 2).astype(int),
            "group": d["trt"],
            "ordered": d["stage"],
            "stratum": (d["edema"] > 0).astype(int),
            "cluster": d["id"],
            **{name: d[name] for name in ("age", "bili", "albumin", "protime")},
            "ctime": d["time"],
            "cause": d["status"].map({0: 0, 1: 2, 2: 1}),
        }
    )


def _bladder() -> pd.DataFrame:
    d = _table("bladder")
    return pd.DataFrame(
        {
            "time": d["stop"],
            "event": d["event"],
            "group": d["rx"],
            "ordered": _interval(d["number"], [2, 4]),
            "stratum": d["enum"],
            "cluster": d["id"],
            **{name: d[name] for name in ("rx", "number", "size")},
        }
    )


def _retinopathy() -> pd.DataFrame:
    d = _table("retinopathy")
    return pd.DataFrame(
        {
            "time": d["futime"],
            "event": d["status"],
            "group": d["trt"],
            "ordered": _interval(d["risk"], [9, 11]),
            "stratum": d["type"],
            "cluster": d["id"],
            **{name: d[name] for name in ("trt", "age", "risk")},
        }
    )


def _mgus2() -> pd.DataFrame:
    d = _table("mgus2")
    malignant = d["pstat"] == 1
    return pd.DataFrame(
        {
            "time": d["futime"],
            "event": d["death"],
            "group": d["sex"],
            "ordered": _interval(d["age"], [60, 70, 80]),
            "stratum": d["sex"],
            "cluster": d["dxyr"],
            **{name: d[name] for name in ("age", "hgb", "creat", "mspike")},
            "ctime": d["ptime"].where(malignant, d["futime"]),
            "cause": np.where(malignant, 1, 2 * d["death"]),
        }
    )


def _rotterdam() -> pd.DataFrame:
    d = _table("rotterdam")
    recurred = d["recur"] == 1
    return pd.DataFrame(
        {
            "time": d["dtime"],
            "event": d["death"],
            "group": d["hormon"],
            "ordered": d["size"].map({"<=20": 0, "20-50": 1, ">50": 2}),
            "stratum": d["meno"],
            "cluster": d["year"],
            **{name: d[name] for name in ("age", "grade", "nodes", "hormon")},
            "ctime": d["rtime"].where(recurred, d["dtime"]),
            "cause": np.where(recurred, 1, 2 * d["death"]),
        }
    )


def _gbsg() -> pd.DataFrame:
    d = _table("gbsg")
    return pd.DataFrame(
        {
            "time": d["rfstime"],
            "event": d["status"],
            "group": d["hormon"],
            "ordered": d["grade"],
            "stratum": d["meno"],
            "cluster": d["pid"],
            **{name: d[name] for name in ("age", "size", "nodes", "grade", "hormon")},
        }
    )


def _ties() -> pd.DataFrame:
    d = _made("ties")
    return d.assign(event=(d["cause"] == 1).astype(int), ctime=d["time"])


def _lesions() -> pd.DataFrame:
    d = _made("lesions")
    return d.assign(
        event=(d["cause"] == 1).astype(int),
        ordered=_interval(d["bed"], [80, 110]),
        stratum=(d["diameter"] > 3).astype(int),
        cluster=d["patient"],
        ctime=d["time"],
    )


def _half(group: str) -> pd.DataFrame:
    d = _made("half")
    return d[d["group"] == group].reset_index(drop=True)


def _last_event() -> pd.DataFrame:
    d = _made("last_event")
    return d.assign(event=(d["cause"] == 1).astype(int), ctime=d["time"])


def _separated() -> pd.DataFrame:
    d = _made("separated")
    return d.assign(group=d["level"])


_FRAMES = {
    "lung": _lung,
    "veteran": _veteran,
    "colon": _colon,
    "pbc": _pbc,
    "bladder": _bladder,
    "retinopathy": _retinopathy,
    "mgus2": _mgus2,
    "rotterdam": _rotterdam,
    "gbsg": _gbsg,
    "ties": _ties,
    "lesions": _lesions,
    "half": lambda: _made("half"),
    "half.falls": lambda: _half("falls"),
    "half.stretch": lambda: _half("stretch"),
    "half.ends": lambda: _half("ends"),
    "censored_group": lambda: _made("censored_group"),
    "last_event": _last_event,
    "separated": _separated,
}
