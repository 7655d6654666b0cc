"""Whether a value that stands where a secret would is one: not a placeholder, a reference, a name or prose.

Formats of providers need little of this. A password has no format: what remains is how its characters look.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Literal

Strength = Literal["strong", "fair", "none"]

_DATA = tomllib.loads(resources.files(__package__).joinpath("rules/words.toml").read_text(encoding="utf-8"))
_PAIRS = frozenset(_DATA["pairs"].split())
_WORDLIKE = 0.62
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_WORDS = re.compile("|".join(sorted(_DATA["placeholders"].split(), key=lambda word: (-len(word), word))))
_SEQUENCES = (
    *("0123456789", "9876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("zyxwvutsrqponmlkjihgfedcba", "1a2b3c4d5e6f", "a1b2c3d4e5f6", "1q2w3e4r5t"),
)
_RUN_OF_SEQUENCE = 7
_MARKS = re.compile(
    r"(?-i:x{4}|X{4})|\*{3}|\.{3}|-{6}|_{4}|#{4}|\?{3}|example|your[_-]|_here\b|-here\b|placeholder|redacted|change[_-]?me|dummy"
    r"|sample|notreal|not[_-]?a[_-]?(?:real|secret)|fake|deadbeef|0{8}|lorem|insert[_-]|<[a-z][\w -]*>",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"""
      \$\{ | \{\{ | \}\} | \$\( | \#\{ | <% | %> | %\(\w+\) | \[\[ | @@
    | ^\$[A-Za-z_]\w*$ | ^%\w+%$ | ^%[sdrv]$ | ^:\w+$ | \{[A-Za-z_][\w.]*(?:[:!][^{}\s]{0,10})?\}
    | ^<.*>$ | ^\[.*\]$ | ^\(.*\)$ | ^__\w+__$
    | ^(?:ENC|AES|env|vault|ssm|secretsmanager|secret|file|op|ref|keyring|awssm|gcpsm|sops|k8s|kms|bao|aws-ssm)[\[(:]
    | ^\{(?:cipher|vault|noop)\} | ^!(?:Ref|Sub|GetAtt|vault|reference) | ^arn:aws | ^projects/ | ^@Microsoft\.KeyVault
    | ^AQICAH | \bgetenv\b | \benviron\b | process\.env | secrets\. | ^[\w.]+\(.*\)$ | ^[A-Za-z_][\w.]{3,}\(
    | ^(?:self|this|os|config|settings)\.
    | ^\$[\w>-]+[\[(.] | ^(?:var|local|data|module|each|random_password)\.
    """,
    re.VERBOSE,
)
_NOT_SECRET = re.compile(
    r"""
      [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z       # told apart by the caller
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OTHER_KINDS = re.compile(
    r"""
      (?:sha(?:1|224|256|384|512)|md5)[-:=] | (?:pbkdf2|bcrypt|argon2|sha1|sha256|md5|scrypt|unsalted)[\w-]*\$
    | \d{4}-\d\d-\d\d(?:[T_]|\Z) | v?\d+(?:\.\d+){1,3}(?:[-+].{0,20})?\Z | [\w.+-]+@[\w-]+(?:\.[\w-]+)+\Z
    | (?:https?|ftp|file|git|ssh|mailto|data|urn|spiffe):
    | [~.]{0,2}/(?:[\w.@-]+/)*[\w.@-]*\Z | [A-Za-z]:\\ | \#[\w-]+\Z | -{1,2}[a-z][a-z-]+\Z
    | (?:rsa|ecdsa|ssh|ed25519)-|MII[A-Z]|-----BEGIN\ (?:PUBLIC|CERT)
    | [\w.-]+\.(?:json|ya?ml|pem|key|txt|py|js|ts|html?|crt|cer|php|properties|svg|png|md|sql|xml)\Z
    | [\w.-]+\.(?:com|org|net|io|local)\Z
    | \d+(?:\.\d+)?\s?(?:px|em|rem|%|ms|s|m|h|d|kb|mb|gb)\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PATHLIKE = re.compile(r"[\w@{}<>:*-]+(?:[./\\][\w@{}<>:*-]+)+\Z")
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^A-Za-z0-9]"))
_WORDS_AND_SIGNS = re.compile(r"(?=.*[A-Za-z]\d{2}|.*\d{2}[A-Za-z]).*[!#*?@$%^&+~=]")
"""Words, a number in their midst and a sign: how people make passwords, and no name of anything."""
_WORD_AND_NUMBER = re.compile(r"[A-Za-z]+\d{2,}[A-Za-z\d!@#$%^&*]*")
_MIXED = re.compile(r"[A-Za-z]\d{2}|\d{2}[A-Za-z]")
_NAME = re.compile(r"[a-z]+(?:[_-][a-z]+)+|[A-Z]+(?:_[A-Z]+)+|[a-z]+(?:[A-Z][a-z]+)+")
_EXPRESSION = re.compile(
    r"\\[wWdDsSbB]|\(\?|\[\^|\.\*|\.\+|a-zA-Z|0-9a-z|\[(?:a-z|A-Z|0-9)|%[YmdHMS][-:/T]?%[YmdHMS]|\w\[.*\]|\]\+"
)
_ESCAPES = re.compile(r"\\[nrtxu\\]")


def entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits for each."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


@lru_cache(maxsize=4096)
def is_wordlike(text: str) -> bool:
    """Whether its letters read as words: most pairs of neighbours are such as words have."""
    runs = [run.lower() for run in _RUNS.findall(text) if len(run) >= 3]
    letters = sum(map(len, runs))
    pairs = letters - len(runs)
    if pairs < 3 or letters * 2 < sum(map(str.isalnum, text)):
        return False
    return sum(map(_pairs_of_words, runs)) / pairs >= _WORDLIKE


def _pairs_of_words(run: str) -> int:
    left = _WORDS.sub(lambda match: match[0] if len(match[0]) < 4 else " ", run)
    known = len(run) - len(left.replace(" ", "")) - left.count(" ")
    return known + sum(first + second in _PAIRS for first, second in pairwise(left))


def is_placeholder(text: str) -> bool:
    """Whether it says itself that it stands for a secret: changeme, xxxx, <password>, 12345678, your-key-here."""
    if _MARKS.search(text) or len(set(text)) <= max(2, len(text) // 12) or _has_sequence(text.lower()):
        return True
    core = text.lower().strip("0123456789!@#$%^&*()_-+=.,?~ ")
    left = re.sub(r"[^a-z0-9]", "", _WORDS.sub("", core))
    return len(left) <= len(core) // 8


def has_mark(text: str) -> bool:
    """The part of `is_placeholder` that is safe to ask of a provider's token: no words of four letters."""
    body = text.lower()
    few = len(set(body)) <= max(4, len(body) // 12)
    return few or bool(_MARKS.search(text)) or _has_sequence(body)


def _has_sequence(text: str) -> bool:
    for sequence in _SEQUENCES:
        size = min(_RUN_OF_SEQUENCE, len(sequence))
        for start in range(len(sequence) - size + 1):
            if sequence[start : start + size] in text:
                return True
    return False


def is_reference(text: str) -> bool:
    """Whether it names where the secret is: an environment variable, a template, a vault, a call."""
    return bool(_REFERENCE.search(text))


def password(value: str, *, plain: bool) -> Strength:
    """How much a value looks like a password.

    Args:
        value: what stands behind the name.
        plain: it stands in a file of settings, where a value is no name of something else; then less is asked.
    """
    classes = [bool(pattern.search(value)) for pattern in _CLASSES]
    if not 5 <= len(value) <= 128 or _is_no_value(value):
        return "none"
    if is_placeholder(value):
        weak = plain and all(classes) and len(value) >= 8 and not has_mark(value)
        return "fair" if weak else "none"
    inner = re.search(r"[^A-Za-z][A-Za-z]*[A-Za-z]", value.lstrip("_-.#")) is not None
    varied = sum(classes) >= 3 and inner and (not is_wordlike(value) or bool(_WORDS_AND_SIGNS.search(value)))
    if len(value) >= 8 and entropy(value) >= 2.7 and (varied or sum(classes) == 4 or _is_random(value, classes)):
        return "strong"
    letters, digits, symbols = classes[0] or classes[1], classes[2], classes[3]
    if plain and letters and (digits or (symbols and sum(classes) >= 3)) and len(value) >= 6:
        return "fair"
    odd = plain and letters and not is_wordlike(value)
    return "fair" if len(value) >= 8 and (odd or _WORD_AND_NUMBER.fullmatch(value)) else "none"


def token(value: str, *, plain: bool) -> Strength:
    """How much a value looks like a key or token that a machine made."""
    if not 8 <= len(value) <= 400 or _is_no_value(value) or is_placeholder(value):
        return "none"
    if len(value) < 16:
        number = any(map(str.isdigit, value))
        return "fair" if number and password(value, plain=plain) == "strong" else "none"
    classes = [bool(pattern.search(value)) for pattern in _CLASSES]
    if _NOT_SECRET.match(value):
        return "fair"
    if is_wordlike(value) or not (_is_random(value, classes) or sum(classes) >= 3):
        return "none"
    bits = entropy(value)
    hexadecimal = re.fullmatch(r"[0-9a-fA-F]+", value) is not None
    if bits < (2.6 if hexadecimal else 3.0):
        return "none"
    return "strong" if len(value) >= 20 and bits >= (3.0 if hexadecimal else 3.3) else "fair"


def _is_random(value: str, classes: list[bool]) -> bool:
    """Letters and digits mixed, or letters that no word has."""
    if is_wordlike(value):
        return False
    switches = len(re.findall(r"[A-Za-z][0-9]|[0-9][A-Za-z]", value))
    if switches >= 3 and (classes[0] or classes[1]):
        return True
    cases = len(re.findall(r"[a-z][A-Z]", value))
    return len(value) >= 10 and (cases >= 3 or (switches >= 1 and len(value) >= 12) or sum(classes[:2]) == 1)


def _is_no_value(value: str) -> bool:
    high = sum(character >= "\x80" for character in value)
    return (
        any(character.isspace() for character in value)
        or high * 3 > len(value)
        or len(_ESCAPES.findall(value)) * 6 > len(value)
        or is_reference(value)
        or bool(_NAME.fullmatch(value))
        or bool(_EXPRESSION.search(value))
        or bool(_OTHER_KINDS.match(value))
        or bool(_PATHLIKE.match(value) and is_wordlike(value) and not _MIXED.search(value))
    )
