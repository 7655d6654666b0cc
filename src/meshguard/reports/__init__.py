"""Reports: each renders results to text and sees nothing but results."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshguard.results import Results

FORMATS = ("text", "json", "html")


def render(name: str, results: Results, *, verbose: bool = False) -> str:
    """The results in one of `FORMATS`, without colours."""
    if name == "json":
        return results.json_text()
    if name == "html":
        from meshguard.reports.html import render as html

        return html(results)
    from meshguard.reports.text import render as text

    return text(results, verbose=verbose)
