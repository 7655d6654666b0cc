"""What a text says of a licence, as an SPDX expression where it says so clearly.

Only identifiers of the SPDX list count, with the names that mean one of them beyond doubt; the other aliases that
license-expression knows (a LicenseRef of somebody's as the MIT licence, "GPL" as any version) are not taken.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from license_expression import Licensing  # type: ignore[import-untyped]

UNLICENSED = "UNLICENSED"
"""What npm writes where nobody else may use a package at all; not the Unlicense."""
MAX_TEXT = 500
MAX_SYMBOLS = 50
_REFERENCE = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_EXPRESSION = re.compile(r"[A-Za-z0-9.+:() -]+")

NO_EXCEPTIONS = ("MPL-2.0-no-copyleft-exception",)
"""Licences of the SPDX list that license-expression takes for exceptions."""

NAMES: dict[str, str] = {
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "simplified bsd license": "BSD-2-Clause",
    "the unlicense": "Unlicense",
    "the unlicense (unlicense)": "Unlicense",
    "mozilla public license 2.0": "MPL-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mozilla public license, version 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
    "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu general public license v3 (gplv3)": "GPL-3.0-only",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
    "gnu lesser general public license v2 (lgplv2)": "LGPL-2.0-only",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later (agplv3+)": "AGPL-3.0-or-later",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "zlib/libpng license": "Zlib",
    "mit no attribution license (mit-0)": "MIT-0",
    "zero-clause bsd (0bsd)": "0BSD",
    "blue oak model license (blueoak-1.0.0)": "BlueOak-1.0.0",
}
"""Names in use that mean one licence: Trove classifiers but those that PEP 639 calls ambiguous (among them BSD License
and Apache Software License, which say no version), and what people write in the field License."""


@cache
def exceptions() -> frozenset[str]:
    """The identifiers of what may stand after WITH."""
    return frozenset(symbol.key for symbol in _licensing().known_symbols.values() if symbol.is_exception)


@cache
def _licensing() -> Licensing:
    from cyclonedx.spdx import is_supported_id
    from license_expression import LicenseSymbol, Licensing, get_license_index

    symbols = []
    for entry in get_license_index():
        key = entry.get("spdx_license_key")
        others = [one for one in entry.get("other_spdx_license_keys", ()) if is_supported_id(one)]
        if key and not key.startswith("LicenseRef-"):
            is_exception = bool(entry.get("is_exception")) and key not in NO_EXCEPTIONS
            symbols.append(LicenseSymbol(key, aliases=tuple(others), is_exception=is_exception))
    return Licensing(symbols)


def is_identifier(text: str) -> bool:
    """Whether it is one identifier: of the SPDX list as the list writes it, a LicenseRef, or UNLICENSED."""
    return text == UNLICENSED or bool(_REFERENCE.fullmatch(text)) or text in _known().values()


@cache
def known_identifiers() -> frozenset[str]:
    """All identifiers of the SPDX list that are not deprecated, exceptions too."""
    return frozenset(_known().values())


@cache
def _known() -> dict[str, str]:
    """Identifier in small letters -> as the list writes it, deprecated ones as what replaces them."""
    found = {}
    for symbol in _licensing().known_symbols.values():
        found.update({name.lower(): symbol.key for name in (symbol.key, *symbol.aliases)})
    return found


@cache
def expression_of(text: str) -> str:
    """The SPDX expression that a text is or clearly means; empty where it is none or is not clear."""
    text = " ".join(text.split())
    if text.upper() == UNLICENSED:
        return UNLICENSED
    if text.lower() in NAMES:
        return NAMES[text.lower()]
    if not text or len(text) > MAX_TEXT or not _EXPRESSION.fullmatch(text) or text.count("(") > MAX_SYMBOLS:
        return ""
    from license_expression import ExpressionError, ParseError

    try:
        tree = _licensing().parse(text, simple=True)
        return _written(tree)
    except (ExpressionError, ParseError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        # The library answers some texts that are no expressions with faults of its own, such as AttributeError.
        return ""


def tree_of(expression: str) -> tuple[Any, ...]:
    """A normalised expression as nested tuples: ("OR", ...), ("AND", ...), ("IS", licence, exception or empty)."""
    return _tree(_licensing().parse(expression, simple=True))


def _tree(node: Any) -> tuple[Any, ...]:
    from license_expression import AND, OR, LicenseWithExceptionSymbol

    if isinstance(node, AND | OR):
        return ("AND" if isinstance(node, AND) else "OR", *(_tree(one) for one in node.args))
    if isinstance(node, LicenseWithExceptionSymbol):
        return ("IS", node.license_symbol.key, node.exception_symbol.key)
    return ("IS", node.key, "")


def _written(node: Any, *, inner: bool = False) -> str:
    """The expression with identifiers as the list writes them.

    Raises:
        ValueError: there is an identifier that the list does not have.
    """
    from license_expression import AND, OR, LicenseWithExceptionSymbol

    if isinstance(node, AND | OR):
        word = " AND " if isinstance(node, AND) else " OR "
        written = word.join(_written(one, inner=True) for one in node.args)
        return f"({written})" if inner else written
    if isinstance(node, LicenseWithExceptionSymbol):
        licence, exception = _identifier(node.license_symbol.key), _identifier(node.exception_symbol.key)
        if exception not in exceptions():
            raise ValueError("no exception of the list")
        return f"{licence} WITH {exception}"
    if node is None:
        raise ValueError("no expression")
    key = _identifier(node.key)
    if key in exceptions():
        raise ValueError("an exception without a licence")
    return key


def _identifier(key: str) -> str:
    if _REFERENCE.fullmatch(key):
        return str(key)
    known = _known().get(key.lower())
    if known is None and key.endswith("+"):
        known = f"{_known()[key[:-1].lower()]}+"
    if known is None:
        raise ValueError("an identifier that the list does not have")
    return known
