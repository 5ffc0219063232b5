"""How long each statistic takes, and how much memory, beside R: printed, never asserted.

    python tests/bench/statistics_times.py --sizes 1e4 1e5 --forests 1e3

Every case runs in a process of its own on the same simulated rows: follow-up of up to six years
in whole days, five covariates, two rows a patient, an event of interest and a competing one.
Ours is the function that the workflow calls, with its checks; R's call is in
statistics_times.R. Time is that of the call alone, after one on a few rows; memory is the peak of
the whole process, interpreter and libraries included. A case that takes too long or too much
memory is stopped. Without R only our own figures are printed.
"""

# Nothing large is imported here: a child's peak begins at its parent's.
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATISTICS = {
    "km": "Kaplan-Meier",
    "logrank": "log-rank",
    "cox": "Cox, Efron",
    "robust": "Cox, clustered",
    "cif": "cumulative incidence",
    "finegray": "Fine-Gray",
}
COLUMNS = ("time", "event", "cause", "group", "patient", "x1", "x2", "x3", "x4", "x5")
COVARIATES = list(COLUMNS[5:])
LEVEL = 0.95
TREES, LEAF = 25, 10  # time is proportional to trees
DAYS_PER_MONTH = 30.4375
WARM_UP = 400  # rows
CAP_SECONDS, CAP_GB = 120, 10


# --- in a child ---------------------------------------------------------------------------


def simulate(n: int, path: Path) -> None:
    """Column after column as 8-byte floats, which R reads too."""
    import numpy as np

    rng = np.random.default_rng(20221121)
    x = np.column_stack([rng.integers(0, 2, (n, 2)), rng.normal(size=(n, 3))])
    hazard = np.exp(x @ [0.5, -0.3, 0.2, 0.1, 0.0]) / 1500
    event, competing = rng.exponential(1 / hazard), rng.exponential(3000, n)
    censored = rng.uniform(365, 2190, n)
    first = np.ceil(np.minimum(np.minimum(event, competing), censored))
    cause = np.where(censored < np.minimum(event, competing), 0, np.where(event < competing, 1, 2))
    columns = [first, cause == 1, cause, rng.integers(0, 3, n), np.arange(n) // 2, *x.T]
    path.write_bytes(b"".join(np.asarray(c, dtype="<f8").tobytes() for c in columns))


def measure(case: str, path: Path) -> dict[str, Any]:
    """Seconds of one call, and values by which it is compared with R's."""
    import numpy as np
    import pandas as pd

    table = np.fromfile(path, dtype="<f8").reshape(len(COLUMNS), -1)
    rows = pd.DataFrame(dict(zip(COLUMNS, table, strict=True)))
    call = calls()[case]
    call(rows.head(WARM_UP))
    begin = time.perf_counter()
    values = call(rows)
    return {"seconds": time.perf_counter() - begin, "values": values}


def calls() -> dict[str, Callable[[Any], list[float]]]:
    """What is timed, statistic by statistic."""
    import numpy as np

    from sarcoma_sbrt.survival import competing, cox, kaplan_meier, logrank

    def km(d: Any) -> list[float]:
        fit = kaplan_meier.fit_kaplan_meier(d["time"], d["event"], level=LEVEL)
        return [fit.rate(365).value, fit.rate(365).low or 0.0]

    def log_rank(d: Any) -> list[float]:
        return [logrank.log_rank(d["time"], d["event"], d["group"]).statistic]

    def regression(d: Any) -> list[float]:
        fit = cox.fit_cox(d[COVARIATES], d["time"], d["event"], level=LEVEL)
        return [each for t in fit.terms for each in (t.coefficient, t.standard_error)]

    def robust(d: Any) -> list[float]:
        of = {"level": LEVEL, "cluster": d["patient"]}
        fit = cox.fit_cox(d[COVARIATES], d["time"], d["event"], **of)
        return [t.robust.standard_error for t in fit.terms if t.robust]

    def cif(d: Any) -> list[float]:
        at = competing.fit_cumulative_incidence(d["time"], d["cause"], level=LEVEL).at(365)
        return [at.value, at.standard_error]

    def fine_gray(d: Any) -> list[float]:
        fit = competing.fine_gray(d[COVARIATES], d["time"], d["cause"], level=LEVEL)
        return [
            each for t in fit.terms if t.robust for each in (t.coefficient, t.robust.standard_error)
        ]

    def forest(d: Any) -> list[float]:
        from sarcoma_sbrt.survival import forest as module

        of = {"trees": TREES, "min_samples_leaf": LEAF, "repeats": 2}
        seed = np.random.SeedSequence(20221121)
        months = d["time"] / DAYS_PER_MONTH
        patient = np.arange(len(d))  # ranger draws rows
        fit = module.fit_forest(d[COVARIATES], months, d["event"], patient, seed=seed, **of)
        return [fit.concordance]

    return {
        **{"km": km, "logrank": log_rank, "cox": regression, "robust": robust},
        **{"cif": cif, "finegray": fine_gray, "forest": forest},
    }


# --- in the parent ------------------------------------------------------------------------


def limited() -> None:
    limit = CAP_GB * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def run(command: list[str]) -> dict[str, Any] | None:
    """What a child printed, with its peak in MB; None where it was stopped."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as trouble:
        child = subprocess.Popen(command, stdout=out, stderr=trouble, preexec_fn=limited)
        begin, used = time.monotonic(), None
        while used is None:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                used = usage
            elif time.monotonic() - begin > CAP_SECONDS:
                child.kill()
                child.wait()
                return None
            else:
                time.sleep(0.02)
        out.seek(0)
        trouble.seek(0)
        said, complaint = out.read().decode(), trouble.read().decode()
    if child.returncode:
        if is_memory(complaint, child.returncode):
            return None
        sys.exit(f"{' '.join(command)}\n{said}{complaint}")
    return {**json.loads(said or "{}"), "megabytes": used.ru_maxrss / 1024}


def is_memory(complaint: str, code: int) -> bool:
    words = ("MemoryError", "memory allocation", "cannot allocate", "Unable to allocate")
    return code < 0 or any(word in complaint for word in words)


def line(n: int, name: str, ours: dict[str, Any] | None, theirs: dict[str, Any] | None) -> str:
    cells = [f"{n:9,}", f"{name:21}"]
    for what, width in (("seconds", 3), ("megabytes", 0)):
        pair = [None if each is None else each[what] for each in (ours, theirs)]
        cells += ["  stopped" if each is None else f"{each:9.{width}f}" for each in pair]
        known = pair[0] is not None and pair[1] is not None
        cells.append(f"{pair[0] / pair[1]:7.2f}" if known else "      -")
    return " ".join([*cells, difference(ours, theirs)])


def difference(ours: dict[str, Any] | None, theirs: dict[str, Any] | None) -> str:
    if ours is None or theirs is None:
        return "        -"
    pairs = zip(ours["values"], theirs["values"], strict=True)
    return f"{max(abs(a - b) / abs(b) for a, b in pairs):9.0e}"


def compare(case: str, name: str, n: int, rows: Path, r: str | None) -> None:
    ours = run([sys.executable, __file__, "--case", case, str(rows)])
    if r is None:
        print(
            f"{n:9,} {name:21} "
            + ("stopped" if ours is None else "{seconds:9.3f} s {megabytes:9.0f} MB".format(**ours))
        )
        return
    script = Path(__file__).with_suffix(".R")
    theirs = run([r, "--vanilla", str(script), case, str(rows), str(TREES), str(LEAF)])
    print(line(n, name, ours, theirs), flush=True)


def has(r: str, package: str) -> bool:
    asked = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
    return subprocess.run([r, "-e", asked], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print one line per statistic and size."""
    about = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    about.add_argument("--sizes", nargs="*", type=float, default=[1e4, 1e5, 1e6])
    about.add_argument("--forests", nargs="*", type=float, default=[1e3, 1e4])
    about.add_argument("--case", nargs=2, metavar=("STATISTIC", "ROWS"), help=argparse.SUPPRESS)
    about.add_argument("--simulate", nargs=2, metavar=("N", "ROWS"), help=argparse.SUPPRESS)
    given = about.parse_args()
    if given.simulate:
        simulate(int(given.simulate[0]), Path(given.simulate[1]))
    elif given.case:
        print(json.dumps(measure(given.case[0], Path(given.case[1]))))
    else:
        table([int(n) for n in given.sizes], [int(n) for n in given.forests])


def table(sizes: list[int], forests: list[int]) -> None:
    r = shutil.which("Rscript")
    survival = r if r and has(r, "survival") else None
    ranger = r if r and has(r, "ranger") else None
    print(f"statistics, {os.cpu_count()} cores; stopped at {CAP_SECONDS} s or {CAP_GB} GB")
    if survival:
        print(
            f"{'n':>9} {'':21} {'s':>9} {'s in R':>9} {'ratio':>7} {'MB':>9} {'MB in R':>9}"
            f" {'ratio':>7} {'differ by':>9}"
        )
    plan = [(n, case, name, survival) for n in sizes for case, name in STATISTICS.items()]
    plan += [(n, "forest", f"forest, {TREES} trees", ranger) for n in forests]
    with tempfile.TemporaryDirectory() as scratch:
        for n, case, name, beside in plan:
            rows = Path(scratch) / str(n)
            if not rows.exists():
                run([sys.executable, __file__, "--simulate", str(n), str(rows)])
            compare(case, name, n, rows, beside)


if __name__ == "__main__":
    main()
