"""The HTML report: one file for an auditor to print and an engineer to link to.

It stands alone: no asset is loaded, and its Content-Security-Policy lets only its own style and script run, by their
hashes. Whatever came from a target is text: escaped, cut where it is long, with characters that hide or turn text
made visible.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.reports.groups import needs
from meshguard.reports.html_view import FEW_SETTLED, SHORT_LIST, view_of
from meshguard.values import shown

if TYPE_CHECKING:
    from jinja2 import Template

    from meshguard.results import Results

_HERE = Path(__file__).parent

_NONCHARACTERS = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    f"\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff{_NONCHARACTERS}]"
)
"""Control, direction and invisible characters (Unicode TR 36 and TR 9), lone surrogates, and what HTML may not hold."""

_UTC = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d{1,3})?Z")

OUTCOMES = {
    "pass": "pass",
    "fail": "fail",
    "error": "error",
    "not-checked": "not checked",
    "not-applicable": "not applicable",
}
STATUSES = {
    "not-satisfied": "not satisfied",
    "undetermined": "undetermined",
    "waived": "waived",
    "satisfied": "satisfied",
    "not-applicable": "not applicable",
}


def render(results: Results) -> str:
    """The results as one HTML page; equal results give equal pages."""
    view = view_of(results)
    return _template().render(view=view, r=results)


def text(value: object, limit: int = 400) -> str:
    """A value as text that hides nothing: at most `limit` characters, saying what was cut; not yet escaped."""
    whole = "–" if value is None else _scalar(value)
    if not whole:
        return "(empty)"
    told = _HIDDEN.sub(lambda match: f"⟦U+{ord(match[0]):04X}⟧", whole[:limit])
    return told if len(whole) <= limit else f"{told}… [cut: {limit:,} of {len(whole):,} characters]"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(shown(value))


def moment(value: str) -> str:
    """A time as people read it; as it stands where it is no UTC time."""
    match = _UTC.fullmatch(value)
    return f"{match[1]} {match[2]} UTC" if match else text(value, 60)


def percent(value: float) -> str:
    """A share as percent, never rounded up to 100."""
    return f"{min(value * 100, 99.9) if value < 1 else 100.0:.1f} %"


def is_link(value: str) -> bool:
    """Whether a text is an address that may be followed; `javascript:` and the like are not."""
    return re.fullmatch(r"https?://[!-~]{1,1000}", value) is not None


def is_utc(value: str) -> bool:
    """Whether a text is a UTC time as HTML's `datetime` takes it."""
    return _UTC.fullmatch(value) is not None


def command_line(argv: tuple[str, ...]) -> str:
    """The command line as a shell takes it."""
    return shlex.join(argv)


def plural(count: int, one: str, many: str = "") -> str:
    """A count and its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _hash(asset: str) -> str:
    """A CSP source that allows exactly this inline text (CSP 3, 2.3.1)."""
    return f"'sha256-{b64encode(hashlib.sha256(asset.encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    """The compiled template; jinja2 is imported by who wants this report alone."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    css = (_HERE / "assets" / "report.css").read_text(encoding="utf-8")
    js = (_HERE / "assets" / "report.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {"text": text, "moment": moment, "percent": percent, "plural": plural}
    environment.filters.update(filters, command_line=command_line, needs=needs)
    environment.tests.update(link=is_link, utc=is_utc)
    environment.globals.update(
        css=css,
        js=js,
        style_hash=_hash(css),
        script_hash=_hash(js),
        outcome_words=OUTCOMES,
        status_words=STATUSES,
        short_list=SHORT_LIST,
        few_settled=FEW_SETTLED,
    )
    return environment.get_template("html_template.html.j2")
