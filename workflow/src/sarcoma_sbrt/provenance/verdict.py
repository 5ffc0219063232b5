"""What the audit found, as the end of a run says it on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["verdict"]

# How many problems of one check are told; audit.json has all.
_MOST = 5


def verdict(audit: Mapping[str, Any], file: str, *, current: bool) -> list[str]:
    """Lines about a run's audit: its summary, and under it what is wrong.

    They hold nothing that ``audit.json`` has not, so nothing that is withheld.

    Parameters
    ----------
    audit : mapping
        Content of ``audit/audit.json``.
    file : str
        Its path, as the user finds it.
    current : bool
        Whether the run brought the audit up to date; one that made other files only has left an
        older one standing.
    """
    of = "" if current else ", of an earlier run"
    if audit["ok"]:
        return [f"Audit ({file}{of}): {audit['summary']}"]
    return [
        f"*** AUDIT FAILED ({file}{of}): {audit['summary']} ***",
        *(line for check in audit["checks"] for line in _problems(check)),
        f"*** Do not use these results before this is settled; {file} has all of it ***",
    ]


def _problems(check: Mapping[str, Any]) -> Iterator[str]:
    problems = check["problems"]
    yield from (f"  {check['name']}: {problem}" for problem in problems[:_MOST])
    if (more := len(problems) - _MOST) > 0:
        yield f"  {check['name']}: {more:,} more"
