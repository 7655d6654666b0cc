"""Grows texts from patterns such as `ghp_{b62:36}`, so that no secret stands in a file of this repository."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
import zlib

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALPHABETS = {
    "b62": LOWER + UPPER + DIGITS,
    "b36": LOWER + DIGITS,
    "B36": UPPER + DIGITS,
    "b64": LOWER + UPPER + DIGITS + "+/",
    "url": LOWER + UPPER + DIGITS + "_-",
    "b32": UPPER + "234567",
    "hex": DIGITS + "abcdef",
    "HEX": DIGITS + "ABCDEF",
    "num": DIGITS,
    "low": LOWER,
    "up": UPPER,
    "age": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "any": LOWER + UPPER + DIGITS + "!#%^*+-=_.~?",
}
WORDS = ("river", "Falcon", "copper", "Willow", "tundra", "Orbit", "maple", "Cinder", "violet", "Harbor", "quartz")
_HOLE = re.compile(r"\{(\w+)(?::(\d+))?\}")


class Grower:
    """Text from patterns; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, pattern: str) -> str:
        return _HOLE.sub(self._fill, pattern)

    def _fill(self, hole: re.Match[str]) -> str:
        name, size = hole[1], int(hole[2] or 0)
        if name in ALPHABETS:
            return self.of(ALPHABETS[name], size)
        return str(getattr(self, name)())

    def of(self, alphabet: str, size: int) -> str:
        return "".join(self.random.choice(alphabet) for _ in range(size))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def machine(self) -> str:
        """A password as a generator makes it: all classes, no order."""
        size = self.random.randint(12, 20)
        while True:
            found = self.of(ALPHABETS["any"], size)
            if all(re.search(part, found) for part in ("[a-z]", "[A-Z]", "[0-9]")) and found[0].isalpha():
                return found

    def human(self) -> str:
        """A password as a person makes it: a word or two, a year or a number in the midst, a sign."""
        first, second = self.random.sample(WORDS, 2)
        number = self.random.randint(10, 2029)
        sign = self.random.choice("!#*?-_.")
        return self.random.choice(
            [
                f"{first}{number}{second}{sign}",
                f"{first}{sign}{number}{second}",
                f"{first.title()}{sign}{second}{number}",
            ]
        )

    def github(self) -> str:
        body = self.of(ALPHABETS["b62"], 30)
        number, digits = zlib.crc32(body.encode()), ""
        while number:
            number, digit = divmod(number, 62)
            digits = (DIGITS + UPPER + LOWER)[digit] + digits
        return body + digits.rjust(6, "0")

    def jwt(self) -> str:
        parts = [
            {"alg": "HS256", "typ": "JWT"},
            {"sub": self.of(DIGITS, 9), "exp": 1_900_000_000 + self.random.randint(0, 99)},
        ]
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join([*coded, self.of(ALPHABETS["url"], 43)])

    def basic(self) -> str:
        return base64.b64encode(f"deploy:{self.machine()}".encode()).decode()

    def pem_body(self) -> str:
        return "\n".join(self.of(ALPHABETS["b64"], 64) for _ in range(12))

    def pem_lines(self) -> str:
        return self.pem_body().replace("\n", "\\n")
