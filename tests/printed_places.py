"""Where the numbers of an invented run are printed, and where they decide a claim."""

from typing import Any

__all__ = ["CLAIMED", "LONGER", "PLACE"]

PLACE: dict[str, Any] = {
    "document": "manuscript",
    "section": "Results",
    "place": "section “Results”, paragraph 3",
    "sentence": "Median survival was 24.0 months.",
    "source": {"file": "manuscript/sections/results.qmd", "line": 12},
}
LONGER = {
    "name": "os_longer",
    "of": "",
    "says": "significantly longer",
    "when": "os.median > 12 and config.models.alpha < 1",
}
CLAIMED = PLACE | {
    "place": "section “Results”, paragraph 4, as the condition of claim os_longer",
    "sentence": "They lived significantly longer.",
    "claim": LONGER,
}
