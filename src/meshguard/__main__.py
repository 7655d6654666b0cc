"""`python -m meshguard` is the `meshguard` command."""

from meshguard.cli import main

if __name__ == "__main__":
    main()
