"""How much the scanner finds, and how much it finds that is none: on a corpus that is grown anew in each run."""

from __future__ import annotations

import re
import secrets

import pytest
from tests.evidence.scanning import formats
from tests.evidence.scanning.corpus import Sample, context_samples, negative_samples, provider_samples

from meshguard.targets.scanning import Rules, Scanner

PROVIDER_RECALL = 0.95
CONTEXT_RECALL = 0.80
PRECISION = 0.92


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(Rules.load(), salt=b"salt")


def found_by(scanner: Scanner, sample: Sample) -> set[str]:
    return {finding.rule for finding in scanner.scan_text(sample.text.encode(), sample.path).findings}


def share(hits: int, of: int) -> float:
    return hits / of


def test_formats_of_providers_are_recalled(scanner: Scanner) -> None:
    samples = list(provider_samples())
    missed = [sample for sample in samples if sample.rule not in found_by(scanner, sample)]
    assert len(samples) >= 300
    assert share(len(samples) - len(missed), len(samples)) >= PROVIDER_RECALL, [sample.rule for sample in missed]


def test_secrets_by_their_names_are_recalled(scanner: Scanner) -> None:
    samples = list(context_samples())
    missed = [sample for sample in samples if not found_by(scanner, sample)]
    assert len(samples) >= 200
    assert share(len(samples) - len(missed), len(samples)) >= CONTEXT_RECALL, [sample.path for sample in missed]


def test_what_looks_like_a_secret_and_is_none_is_left_alone(scanner: Scanner) -> None:
    negatives, positives = list(negative_samples()), [*provider_samples(), *context_samples()]
    wrong = [sample for sample in negatives if found_by(scanner, sample)]
    right = [sample for sample in positives if found_by(scanner, sample)]
    assert len(negatives) >= 300
    assert share(len(right), len(right) + len(wrong)) >= PRECISION, [(sample.path, sample.text) for sample in wrong]


def test_each_rule_for_a_provider_has_a_sample() -> None:
    known = {*formats.TOKENS, *formats.LINES}
    rules = {rule.id for rule in Rules.load().rules if rule.regex is not None}
    by_name = {rule for rule in rules if re.match(r"(?:password|secret)-", rule)}
    by_path = {"pgpass-password", "rails-master-key", "maven-password", "npmrc-token", "dumped-hash"}
    elsewhere = {"docker-identity-token"}
    assert rules - by_name - by_path - elsewhere - known == set()


@pytest.mark.parametrize("sample", [*provider_samples(1)], ids=lambda sample: sample.rule)
def test_no_secret_is_in_what_is_returned(scanner: Scanner, sample: Sample) -> None:
    result = scanner.scan_text(sample.text.encode(), sample.path)
    said = repr(result)
    runs = re.findall(r"[A-Za-z0-9+/_\-]{16,}", sample.text)
    assert result.findings
    assert [run for run in runs if run in said] == []


def test_the_hash_is_equal_for_equal_secrets_under_one_salt_only() -> None:
    text, rules = b"password: kX9vB2nQ7tR4\n", Rules.load()
    salt = secrets.token_bytes(16)
    (first,) = Scanner(rules, salt).scan_text(text, "a.yaml").findings
    (second,) = Scanner(rules, salt).scan_text(b"\n\n" + text, "b.yaml").findings
    (other,) = Scanner(rules, b"other").scan_text(text, "a.yaml").findings
    assert first.hash == second.hash
    assert first.hash != other.hash
