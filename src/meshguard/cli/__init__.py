"""The command line: parse, call, print.

Nothing heavy is imported here or in `app`: `--help` and `--version` cost what Typer costs.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `meshguard` command; every way out is an exit code that the README lists."""
    from meshguard.cli.app import app
    from meshguard.errors import MeshGuardError

    try:
        app(prog_name="meshguard")
    except MeshGuardError as fault:
        from meshguard.cli.output import show_mistakes

        show_mistakes(fault)
        sys.exit(2)
    except BrokenPipeError:
        from meshguard.cli.output import drop_stdout

        drop_stdout()
        sys.exit(0)
    except Exception as fault:  # noqa: BLE001 - the last resort: a place to report and no text that may hold a secret
        from meshguard.evidence import place_of

        sys.stderr.write(f"meshguard failed: {place_of(fault)}\nThis is a fault of MeshGuard; please report it.\n")
        sys.exit(70)
