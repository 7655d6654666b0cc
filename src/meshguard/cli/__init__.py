"""The command line."""


def main() -> None:
    """Entry point of the `meshguard` command."""
