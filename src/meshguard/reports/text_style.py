"""What the parts of the text report have in common: styles, safe text, hanging lines. Foreign text is no markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from meshguard.results import Status
from meshguard.values import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

MAX_TEXT = 300
STATUS_STYLE = {
    Status.SATISFIED: "green",
    Status.NOT_SATISFIED: "bold red",
    Status.UNDETERMINED: "bold yellow",
    Status.WAIVED: "cyan",
    Status.NOT_APPLICABLE: "dim",
}
PRIORITY_STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


def console_to(buffer: TextIO, *, width: int, color: bool) -> Console:
    """A console that writes plain text, or text with the sixteen colours, and reads nothing as markup."""
    from rich.console import Console

    return Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def plain(text: object, limit: int = MAX_TEXT) -> str:
    """One printable line, cut where it is long."""
    line = printable(text)
    return line if len(line) <= limit else f"{line[: limit - 1]}… ({len(line)} characters)"


def words(status: Status) -> str:
    """A status in words."""
    return status.value.replace("-", " ")


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def some(names: Sequence[str], most: int) -> str:
    """The first of these, and how many more there are; one alone is never counted."""
    shown = names if len(names) <= most + 1 else names[:most]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


def percent(share: float) -> str:
    """A share as percent to one place, never rounded up to all or down to nothing."""
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    return f"{min(max(share * 100, 0.1), 99.9):.1f} %"


def say(console: Console, text: Text, indent: int = 2) -> None:
    """Print a text, all its lines indented."""
    console.print(Padding(text, (0, 0, 0, indent)))


def hang(console: Console, mark: Text, text: Text, indent: int = 2) -> None:
    """Print a mark and a text, whose further lines begin where the first does."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(mark, text)
    console.print(Padding(table, (0, 0, 0, indent)))


def title(console: Console, text: str, style: str = "bold") -> None:
    """Print the title of a part."""
    console.print()
    console.print(Text(text, style=style))
