"""The table of defects, as the README shows it."""

from .choice import ALL_DEFECTS


def defect_table() -> str:
    """Every defect, in Markdown."""
    rows = ["| defect | check | also | what is wrong |", "|---|---|---|---|"]
    for one in ALL_DEFECTS:
        also = ", ".join(f"`{check}`" for check in one.also)
        rows.append(f"| `{one.name}` | `{one.check}` | {also} | {one.says} |")
    return "\n".join(rows)
