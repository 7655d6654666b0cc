"""Frameworks: the catalogue, short names, and the picture by requirement."""

from __future__ import annotations

import pytest

from meshguard.errors import MeshGuardError
from meshguard.frameworks import covered, load_catalogue, picture, refers, satisfied, slug
from meshguard.profile import Reference
from meshguard.results import ControlResult, Status

CATALOGUE = load_catalogue()


def control(name: str, status: str, framework: str, version: str, *ids: str) -> ControlResult:
    return ControlResult.model_validate(
        {
            "id": f"a.{name}",
            "title": "T",
            "status": status,
            "reason": "r",
            "priority": "high",
            "phase": ("pre",),
            "refs": [{"framework": framework, "version": version, "ids": ids}],
        }
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nist-csf", [("NIST CSF", "2.0")]),
        ("NIST CSF", [("NIST CSF", "2.0")]),
        ("owasp-top-10", [("OWASP Top 10", "2021"), ("OWASP Top 10", "2025")]),
        ("owasp-top-10@2025", [("OWASP Top 10", "2025")]),
        ("hipaa", [("HIPAA", "45 CFR 164")]),
    ],
)
def test_short_names(text: str, found: list[tuple[str, str]]) -> None:
    assert CATALOGUE.select(text) == found


@pytest.mark.parametrize("text", ["hippa", "", "@2025", "nist-csf@1.1", "owasp-top-10@"])
def test_names_that_mean_nothing(text: str) -> None:
    if text == "owasp-top-10@":
        assert len(CATALOGUE.select(text)) == 2
        return
    with pytest.raises(MeshGuardError, match="unknown framework"):
        CATALOGUE.select(text)


def test_every_list_has_its_source_and_every_requirement_a_title() -> None:
    for framework, versions in CATALOGUE.frameworks.items():
        assert CATALOGUE.sources[framework].keys() == versions.keys()
        for requirements in versions.values():
            assert requirements
            assert all(title.strip() for title in requirements.values())
    assert len({slug(framework) for framework in CATALOGUE.frameworks}) == len(CATALOGUE.frameworks)


def test_the_worst_control_of_a_requirement_counts_and_silence_is_not_covered() -> None:
    controls = [
        control("a", "satisfied", "OWASP Top 10", "2025", "A01", "A02", "A03"),
        control("b", "undetermined", "OWASP Top 10", "2025", "A02"),
        control("c", "waived", "OWASP Top 10", "2025", "A03"),
        control("d", "not-applicable", "OWASP Top 10", "2025", "A04"),
        control("e", "not-satisfied", "OWASP Top 10", "2021", "A05"),
    ]
    found = picture(controls, CATALOGUE, [("OWASP Top 10", "2025")])
    states = {one.id: (one.state, one.controls) for one in found}
    assert states["A01"] == ("satisfied", ("a.a",))
    assert states["A02"] == ("undetermined", ("a.a", "a.b"))
    assert states["A03"] == ("waived", ("a.a", "a.c"))
    assert states["A04"] == ("not applicable", ("a.d",))
    assert states["A05"] == ("not covered", ())
    assert list(states) == [f"A{number:02}" for number in range(1, 11)]
    assert covered(found) == 0.4
    assert satisfied(found) == pytest.approx(1 / 3), "of three that apply, waived and undetermined are not satisfied"


def test_nothing_is_neither_covered_nor_satisfied() -> None:
    assert (covered([]), satisfied([])) == (0.0, 0.0)
    assert picture([], CATALOGUE, [("NIST CSF", "2.0")])[0].status is None
    assert {status.value for status in Status} >= {"satisfied"}


def test_references_are_to_a_version() -> None:
    reference = Reference(framework="CIS Docker", version="1.6.0", ids=("4.1",))
    assert refers([reference], [("CIS Docker", "1.6.0")])
    assert not refers([reference], [("CIS Docker", "1.8.0")])
    assert CATALOGUE.knows("CIS Docker", "1.6.0", "4.1")
