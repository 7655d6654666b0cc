"""The workflows of the example's repository, and its bot for updates."""

from __future__ import annotations

from pathlib import Path

from examples.healthmesh.source.defect import RepoDefect

CI = ".github/workflows/ci.yml"
DEPLOY = ".github/workflows/deploy.yml"
DEPENDABOT = ".github/dependabot.yml"
LABELS = ".github/workflows/labels.yml"
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
NODE = "actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0"
CREDENTIALS = "aws-actions/configure-aws-credentials@b47578312673ae6fa5b5096b330d9fbac3d116df # v4.2.1"
AUDIT = "npm audit --audit-level=high"
LICENCES = "npx license-checker-rseidelsohn --production --onlyAllow 'MIT;ISC;BSD-2-Clause;BSD-3-Clause;Apache-2.0'"

GOOD_CI = f"""\
name: ci
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
concurrency:
  group: ci-${{{{ github.ref }}}}
  cancel-in-progress: true
jobs:
  dependencies:
    name: Dependencies
    runs-on: ubuntu-24.04
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - uses: {NODE}
        with:
          node-version: 22
      - run: npm ci --ignore-scripts
      - run: {AUDIT}
      - run: {LICENCES}
"""
GOOD_DEPLOY = f"""\
name: deploy
on:
  push:
    branches: [main]
permissions: {{}}
concurrency:
  group: deploy
  cancel-in-progress: false
jobs:
  smoke:
    name: Smoke test of the green side
    runs-on: ubuntu-24.04
    permissions:
      contents: read
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - run: ./scripts/smoke.sh
  switch:
    name: Switch the traffic
    needs: smoke
    runs-on: ubuntu-24.04
    environment: production
    permissions:
      id-token: write # for the role
    steps:
      - uses: {CREDENTIALS}
        with:
          role-to-assume: arn:aws:iam::000000000000:role/deploy
          aws-region: us-east-1
      - run: aws elbv2 modify-listener --cli-input-json file://green.json
"""
GOOD_DEPENDABOT = """\
version: 2
updates:
"""
ENTRY = """\
  - package-ecosystem: {ecosystem}
    directory: {directory}
    schedule:
      interval: weekly
    cooldown:
      default-days: 7
"""
COVERED = (
    ("npm", "/"),
    ("pip", "/worker"),
    ("docker", "/"),
    ("docker-compose", "/"),
    ("github-actions", "/"),
)
SMOKE = """\
#!/bin/sh -e
# Logs in on the green side, reads the marked record and asks for its health.
curl --fail --silent --show-error https://green.health-mesh.example/health
"""
LABELLER = """\
name: labels
on: pull_request_target
permissions: {}
jobs:
  label:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: npm ci
"""


def good(folder: Path) -> None:
    """Workflows that audit, test before they switch, and take their rights by OIDC; a bot that covers all."""
    _write(folder, CI, GOOD_CI)
    _write(folder, DEPLOY, GOOD_DEPLOY)
    entries = (ENTRY.format(ecosystem=ecosystem, directory=directory) for ecosystem, directory in COVERED)
    _write(folder, DEPENDABOT, GOOD_DEPENDABOT + "".join(entries))
    _write(folder, "scripts/smoke.sh", SMOKE)
    (folder / "scripts/smoke.sh").chmod(0o755)


def _write(folder: Path, path: str, text: str) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def _replace(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text(encoding="utf-8")
    if old not in text:
        raise ValueError(f"{path} does not hold {old!r}")
    _write(folder, path, text.replace(old, new, 1))


def _audit_swallowed(folder: Path) -> None:
    _replace(folder, CI, AUDIT, f"{AUDIT} || true")


def _audit_on_push_alone(folder: Path) -> None:
    _replace(folder, CI, "  pull_request:\n", "")


def _licences_listed(folder: Path) -> None:
    _replace(folder, CI, LICENCES, "npx license-checker-rseidelsohn --production")


def _ungated(folder: Path) -> None:
    _replace(folder, DEPLOY, "    needs: smoke\n", "")


def _by_tag(folder: Path) -> None:
    _replace(folder, CI, NODE, "actions/setup-node@v4")


def _compromised(folder: Path) -> None:
    _replace(
        folder, CI, f"      - run: {AUDIT}", f"      - uses: aquasecurity/trivy-action@0.28.0\n      - run: {AUDIT}"
    )


def _writes_all(folder: Path) -> None:
    _replace(folder, CI, "permissions:\n  contents: read\n", "permissions: write-all\n")


def _secret_in_file(folder: Path) -> None:
    value = "-".join(("kept", "in", "the", "file"))
    _replace(folder, CI, f"      - run: {AUDIT}", f"      - run: {AUDIT}\n        env:\n          NPM_TOKEN: {value}")


def _stored_key(folder: Path) -> None:
    _replace(
        folder, DEPLOY, "role-to-assume: arn:aws:iam::000000000000:role/deploy",
        "aws-access-key-id: ${{ secrets.AWS_KEY_ID }}\n          aws-secret-access-key: ${{ secrets.AWS_KEY }}",
    )  # fmt: skip


def _strangers(folder: Path) -> None:
    _write(folder, LABELS, LABELLER)


def _forgotten(folder: Path) -> None:
    _replace(folder, DEPENDABOT, ENTRY.format(ecosystem="npm", directory="/"), "")


DEFECTS: tuple[RepoDefect, ...] = (
    RepoDefect("repo-audit-swallowed", "ci.runs", "The audit of packages is followed by `|| true`.", _audit_swallowed),
    RepoDefect("repo-audit-on-push-alone", "ci.runs", "Pull requests are merged unaudited.", _audit_on_push_alone),
    RepoDefect("repo-licences-listed", "ci.runs", "Licences are listed, and none is refused.", _licences_listed),
    RepoDefect("repo-switch-ungated", "ci.order", "Traffic is switched whatever the smoke test says.", _ungated),
    RepoDefect("repo-action-by-tag", "ci.pinned_actions", "An action is named by a tag.", _by_tag),
    RepoDefect(
        "repo-trivy-action-moved",
        "ci.pinned_actions",
        "Trivy-action at a tag that was moved in March 2026.",
        _compromised,
    ),
    RepoDefect("repo-workflow-writes-all", "ci.least_permissions", "The workflow may write everything.", _writes_all),
    RepoDefect(
        "repo-secret-in-workflow", "ci.secrets_from_manager", "A token stands in the workflow.", _secret_in_file
    ),
    RepoDefect(
        "repo-key-stored-in-ci",
        "ci.secrets_from_manager",
        "A long-lived key of AWS is stored with GitHub.",
        _stored_key,
    ),
    RepoDefect(
        "repo-pull-request-target",
        "ci.pull_request_target",
        "A stranger's code runs with the repository's rights.",
        _strangers,
    ),
    RepoDefect("repo-update-bot-forgets-npm", "repo.update_bot", "Dependabot has no entry for npm.", _forgotten),
)
