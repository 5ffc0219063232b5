"""What a rendered page says, without the furniture: to compare one renderer with another.

    python tests/workflow/extract_document.py index.html > tests/data/golden/quarto-1.8.json

writes a golden extract; every file in that folder is compared with the embedded renderer's page
of tests/data/manuscript (test_extract_document.py).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

__all__ = ["extract"]


def extract(html: str | bytes) -> dict[str, Any]:
    """Ordered lists of what a page prints.

    Returns
    -------
    dict
        ``title``, ``headings``, ``captions`` (numbered), ``references`` ([target, label]),
        ``citations`` ([keys, text]), ``tables`` (rows of cells) and ``numbers`` ([key, text]).
    """
    page = BeautifulSoup(html, "html.parser")
    # Tables of contents repeat headings, and each renderer has them in another place.
    for repeated in page.select("nav, script, style"):
        repeated.decompose()
    title = page.select_one("h1.title")
    headings = page.find_all(["h1", "h2", "h3", "h4", "h5", "h6"])
    cited = page.select("span.citation[data-cites]")
    return {
        "title": _text(title) if title else "",
        "headings": [_text(h) for h in headings if h is not title],
        "captions": [_text(c) for c in page.find_all(["caption", "figcaption"])],
        "references": [[_target(a), _text(a)] for a in page.select("a.quarto-xref")],
        "citations": [[span["data-cites"].split(), _text(span)] for span in cited],
        "tables": [_rows(table) for table in page.find_all("table")],
        "numbers": [[span["data-key"], _text(span)] for span in page.select("span[data-key]")],
    }


def _text(element: Tag) -> str:
    return " ".join(element.get_text().split())


def _target(link: Tag) -> str:
    return str(link["href"]).partition("#")[2]


def _rows(table: Tag) -> list[list[str]]:
    return [[_text(cell) for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]


if __name__ == "__main__":
    found = extract(Path(sys.argv[1]).read_bytes())
    print(json.dumps(found, ensure_ascii=False, indent=1))
