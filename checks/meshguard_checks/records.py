"""Checks of records: what humans signed, and whether it still holds.

Days are calendar days in UTC; the last day of a term still counts. A register keeps its history: of several entries
about one item the newest is judged, and the older ones are only counted. Events (a breach, an incident) are
judged each. What could not be looked at (a document at a URL, one that is too large) is undetermined, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from meshguard.api import Clock, Duration, Verdict, check, days, failed, passed, show_duration, undetermined
from meshguard.targets.records import Kind, RecordEntry, Records, Register, StandingKind

ANSWERS = {"breach": "notified", "post-incident": "reviewed"}
"""What an event calls for."""
DOCUMENT_FAULTS = {
    "differs": "is not the one that was signed: its SHA-256 differs",
    "missing": "is missing",
    "outside": "lies outside the records' folder",
    "not-a-file": "is no regular file",
}
DOCUMENT_DOUBTS = {
    "too-large": "is too large to be hashed (100 MB)",
    "unreadable": "cannot be read",
    "not-fetched": "is at a URL, which is not fetched: keep a copy in the folder",
}


@dataclass(frozen=True)
class Terms:
    """What entries are held against."""

    kind: str
    today: date
    warn: timedelta
    signed: bool
    known_keys: bool
    max_age: timedelta | None = None
    answer_within: timedelta | None = None

    def age_of(self, entry: RecordEntry) -> timedelta | None:
        """How old the entry may be; events do not age, and of impact assessments only those of a high risk do."""
        return None if entry.began is not None or entry.risk in ("medium", "low") else self.max_age


@check(
    "records.register",
    method="examine",
    fix="Write what is missing with `meshguard record KIND`; renew what has ended, and have it signed anew.",
)
async def register(
    records: Records,
    clock: Clock,
    *,
    kind: Kind,
    max_age: Duration | None = None,
    warn: Duration = days(30),
    required: tuple[str, ...] = (),
    max_notification_delay: Duration | None = days(60),
    review_within: Duration | None = days(14),
    signed: bool = False,
    needs_required: bool = False,
) -> Verdict:
    """Every entry of the register of this kind holds today, and every required item has one (NIST SP 800-53A, examine).

    An entry holds while it is neither expired nor overdue, its document is the one that was signed, and its approver
    is not who signed it. A register without entries passes only where it declares `none`, with a day until which that
    holds. A breach must be notified within 60 days of its discovery (45 CFR 164.404(b)). The deployment's own
    `required` items count beside those given here.

    Args:
        kind: the kind of record.
        max_age: longest time since an entry's day or last review; of a dpia it binds those of a high risk, of breaches
            and incidents only the declaration that there is none.
        warn: how long before its end an entry's days are counted in the message.
        required: items that must have an entry, such as vendors; capitals do not matter.
        max_notification_delay: for kind breach: longest time from discovery to notification.
        review_within: for kind post-incident: longest time from the end to the review.
        signed: whether each entry must carry a signature by a key that the deployment names; a false one always fails.
        needs_required: whether items must be named, since without them "each of them" can't be seen.
    """
    found = await records.register(kind)
    today = (await clock.now()).date()
    within = {"breach": max_notification_delay, "post-incident": review_within}.get(kind)
    terms = Terms(kind, today, warn, signed, bool(found.keys), max_age, within)
    if problem := _nothing(found):
        return problem
    wanted = _distinct((*required, *found.required))
    if needs_required and not wanted and not found.none:
        return undetermined(
            f"nobody says which items need an entry of kind {kind}, so that a missing one can't be seen",
            fix=f"name them under the records target: `required: {{{kind}: [...]}}`",
        )
    judged = [found.none] if found.none else _in_force(found.entries)
    missing = [item for item in wanted if item.casefold() not in {entry.item.casefold() for entry in found.entries}]
    return _verdict(judged, terms, missing, _summary(found, judged))


@check(
    "records.fresh",
    method="examine",
    fix="Do it again, keep its document, and write it down with `meshguard record KIND`.",
)
async def fresh(
    records: Records,
    clock: Clock,
    *,
    kind: StandingKind,
    max_age: Duration | None = None,
    warn: Duration = days(30),
    signed: bool = False,
) -> Verdict:
    """The newest entry of this kind is at most `max_age` old, holds today, and its document is the one that was signed.

    Where the deployment requires items of this kind, the newest entry of each is judged. A declaration that there is
    none does not help here: the doing itself is demanded. A test that failed counts until one of the same thing passed.

    Args:
        kind: the kind of record.
        max_age: longest time since the newest entry's day or last review.
        warn: how long before its end an entry's days are counted in the message.
        signed: whether it must carry a signature by a key that the deployment names; a false one always fails.
    """
    found = await records.register(kind)
    terms = Terms(kind, (await clock.now()).date(), warn, signed, bool(found.keys), max_age)
    if problem := _nothing(found):
        return problem
    if found.none:
        return failed(f"the register of kind {kind} declares that there is none", fix=f"see {found.none.where}")
    wanted = _distinct(found.required)
    names = {item.casefold() for item in wanted} or {_newest(found.entries).item.casefold()}
    in_force = _in_force(found.entries)
    judged = [entry for entry in in_force if entry.item.casefold() in names or entry.result == "failed"]
    missing = [item for item in wanted if item.casefold() not in {entry.item.casefold() for entry in judged}]
    return _verdict(judged, terms, missing, _summary(found, judged))


def _nothing(found: Register) -> Verdict | None:
    if not found.found:
        fix = f"write one with `meshguard record {found.kind}`; it is looked for at {found.where}"
        return failed(f"no record of kind {found.kind}", fix=fix)
    if not found.entries and found.none is None:
        fix = f"add an entry with `meshguard record {found.kind}`, or declare `none` where that is allowed"
        return failed(f"the register of kind {found.kind} is empty", fix=f"{fix} ({found.where})")
    return None


def _distinct(items: Iterable[str]) -> list[str]:
    return list({item.casefold(): item for item in items}.values())


def _newest(entries: Sequence[RecordEntry]) -> RecordEntry:
    """The newest entry; of two of one day the one that stands later."""
    return max(enumerate(entries), key=lambda numbered: (numbered[1].newest, numbered[0]))[1]


def _in_force(entries: Sequence[RecordEntry]) -> list[RecordEntry]:
    """Every event, and of other entries the newest about each item."""
    groups: dict[str, list[RecordEntry]] = {}
    for entry in entries:
        event = entry.began is not None
        groups.setdefault(f"event {entry.id}" if event else f"item {entry.item.casefold()}", []).append(entry)
    return [_newest(group) for group in groups.values()]


def _verdict(judged: list[RecordEntry], terms: Terms, missing: list[str], summary: str) -> Verdict:
    faults = [(entry, text) for entry in judged for text in _faults(entry, terms)]
    doubts = [(entry, text) for entry in judged for text in _doubts(entry, terms)]
    next_day = _next(judged, terms)
    if faults or missing:
        said = [f"{terms.kind} has no entry for {item}" for item in missing]
        fix = [f"correct or renew what stands at {_places(faults)}"] if faults else []
        fix += [f"add what is missing with `meshguard record {terms.kind}`"] if missing else []
        return failed("; ".join([*said, *_sentences(terms.kind, faults)]) + next_day, fix="; ".join(fix))
    if doubts:
        return undetermined("; ".join(_sentences(terms.kind, doubts)) + next_day, fix=f"see {_places(doubts)}")
    return passed(summary + next_day)


def _sentences(kind: str, said: list[tuple[RecordEntry, str]]) -> list[str]:
    return [f"{kind}/{entry.id} {text}" for entry, text in said]


def _places(said: list[tuple[RecordEntry, str]]) -> str:
    return ", ".join(dict.fromkeys(entry.where for entry, _ in said))


def _summary(found: Register, judged: list[RecordEntry]) -> str:
    if found.none is not None:
        return f"declared by {found.none.signed_by}: no {found.kind}"
    count, older = len(judged), len(found.entries) - len(judged)
    tail = f" ({older} older or of other items)" if older else ""
    return f"{count} {'entry holds' if count == 1 else 'entries hold'}{tail}"


def _faults(entry: RecordEntry, terms: Terms) -> list[str]:
    """Why the entry does not hold."""
    found = [*_future(entry, terms), *_overdue(entry, terms), *_late(entry, terms)]
    if entry.result == "failed":
        found.append("failed")
    if entry.found in DOCUMENT_FAULTS:
        found.append(f"has a document that {DOCUMENT_FAULTS[entry.found]} ({entry.document})")
    if entry.approver is not None and _same(entry.approver, entry.signed_by):
        found.append(f"is approved by who signed it ({entry.approver})")
    return [*found, *_unsigned(entry, terms)]


def _doubts(entry: RecordEntry, terms: Terms) -> list[str]:
    """What of the entry could not be looked at."""
    found = []
    if entry.found in DOCUMENT_DOUBTS:
        found.append(f"has a document that {DOCUMENT_DOUBTS[entry.found]} ({entry.document})")
    if terms.signed and entry.signature == "unknown-key" and not terms.known_keys:
        found.append("is signed, and the deployment names no `public_keys` to verify it")
    return found


def _unsigned(entry: RecordEntry, terms: Terms) -> list[str]:
    if entry.signature == "invalid":
        return ["has a signature that does not fit what it says"]
    if terms.signed and entry.signature == "absent":
        return ["is not signed"]
    if terms.signed and entry.signature == "unknown-key" and terms.known_keys:
        return ["is signed by a key that the deployment does not name"]
    return []


def _future(entry: RecordEntry, terms: Terms) -> list[str]:
    said = [day for day in (entry.dated, entry.reviewed, entry.answered) if day is not None and day > terms.today]
    return [f"is dated in the future ({max(said)})"] if said else []


def _overdue(entry: RecordEntry, terms: Terms) -> list[str]:
    """Terms of the entry that ended before today."""
    return [text for day, text, _ in _ends(entry, terms) if day < terms.today]


def _late(entry: RecordEntry, terms: Terms) -> list[str]:
    """An event that was answered after its term."""
    if entry.began is None or entry.answered is None or terms.answer_within is None:
        return []
    took = entry.answered - entry.began
    if took <= terms.answer_within:
        return []
    answer = ANSWERS[terms.kind]
    return [f"was {answer} after {show_duration(took)}, wanted within {show_duration(terms.answer_within)}"]


def _ends(entry: RecordEntry, terms: Terms) -> list[tuple[date, str, str]]:
    """The last days of the entry's terms, what is to be said once they are over, and what before."""
    found = []
    if entry.valid_until is not None:
        found.append((entry.valid_until, f"expired on {entry.valid_until}", "expires"))
    if entry.review_every is not None:
        due = _after(entry.newest, entry.review_every)
        found.append((due, f"was due for review on {due}", "is due for review"))
    max_age = terms.age_of(entry)
    if max_age is not None:
        old, most = show_duration(terms.today - entry.newest), show_duration(max_age)
        found.append((_after(entry.newest, max_age), f"is {old} old, wanted at most {most}", "will be too old"))
    if entry.began is not None and entry.answered is None and terms.answer_within is not None:
        answer, due = ANSWERS[terms.kind], _after(entry.began, terms.answer_within)
        found.append((due, f"was not {answer} by {due}", f"must be {answer}"))
    return found


def _after(day: date, span: timedelta) -> date:
    """The day, whole days of the span later; the end of the calendar at the latest."""
    return day + min(span, date.max - day)


def _next(judged: list[RecordEntry], terms: Terms) -> str:
    """The next day on which something ends: always named, and counted down when it is near."""
    ahead = [(day, entry.id, text) for entry in judged for day, _, text in _ends(entry, terms) if day >= terms.today]
    if not ahead:
        return ""
    day, name, text = min(ahead)
    left = (day - terms.today).days
    counted = {0: " today", 1: " in 1 day"}.get(left, f" in {left} days")
    near = counted if day - terms.today <= terms.warn else ""
    return f"; next: {terms.kind}/{name} {text}{near} ({day})"


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
