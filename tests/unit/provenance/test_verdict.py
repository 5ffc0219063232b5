"""What the end of a run says of its audit."""

from sarcoma_sbrt.provenance.verdict import verdict

FILE = "results/audit/audit.json"


def audit(*checks):
    """An audit of checks, each a name and how many problems it has."""
    failed = [name for name, problems in checks if problems]
    return {
        "ok": not failed,
        "summary": f"{len(failed)} failed" if failed else "all passed",
        "checks": [
            {"name": name, "problems": [f"{name[0]}.{n}: is wrong" for n in range(problems)]}
            for name, problems in checks
        ],
    }


def test_a_run_that_holds_is_told_in_one_line():
    passed = audit(("data", 0), ("pages", 0))
    assert verdict(passed, FILE, current=True) == [f"Audit ({FILE}): all passed"]


def test_every_failed_check_is_named_with_its_first_problems():
    failed = audit(("data", 0), ("pages", 1), ("cross-checks", 7))
    assert verdict(failed, FILE, current=True) == [
        f"*** AUDIT FAILED ({FILE}): 2 failed ***",
        "  pages: p.0: is wrong",
        "  cross-checks: c.0: is wrong",
        "  cross-checks: c.1: is wrong",
        "  cross-checks: c.2: is wrong",
        "  cross-checks: c.3: is wrong",
        "  cross-checks: c.4: is wrong",
        "  cross-checks: 2 more",
        f"*** Do not use these results before this is settled; {FILE} has all of it ***",
    ]


def test_as_many_problems_as_are_told_leave_none_to_count():
    assert not any("more" in line for line in verdict(audit(("data", 5)), FILE, current=True))


def test_an_audit_that_the_run_did_not_ask_for_is_an_earlier_one():
    for checks in [("data", 0)], [("data", 1)]:
        assert f"({FILE}, of an earlier run): " in verdict(audit(*checks), FILE, current=False)[0]
