"""Places in scripts that write to what a browser keeps: web storage, cookies and IndexedDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshguard.targets.repo.code_js import (
    FUNCTIONS,
    Source,
    arguments_of,
    bare,
    name_of,
    pairs,
    receiver_of,
    text_of,
)
from meshguard.targets.repo.code_models import StorageUse
from meshguard.targets.repo.code_text import evaluate

if TYPE_CHECKING:
    from tree_sitter import Node

WORDS = re.compile(
    rb"localStorage|sessionStorage|Storage\b|setItem|indexedDB|objectStore|localforage|idb|cookie|Cookie|persist|"
    rb"Persist|lscache|store2"
)
STORES = frozenset({"localStorage", "sessionStorage"})
LIBRARIES = {
    **dict.fromkeys(
        ("js-cookie", "universal-cookie", "react-cookie", "vue-cookies", "vue3-cookies", "tiny-cookie", "es-cookie",
         "typescript-cookie", "ngx-cookie-service", "cookies-next", "nookies", "@vueuse/integrations/useCookies"),
        "document.cookie",
    ),
    **dict.fromkeys(("idb-keyval", "localforage", "idb"), "IndexedDB"),
    **dict.fromkeys(("store", "store2", "lscache", "secure-ls", "localstorage-slim", "react-secure-storage"),
                    "localStorage"),
}  # fmt: skip
WRITERS = frozenset({"set", "setItem", "put", "add", "setCookie"})
HOOKS = {
    "useLocalStorage": "localStorage", "useLocalStorageState": "localStorage", "useStorage": "localStorage",
    "useSessionStorage": "sessionStorage", "useSessionStorageState": "sessionStorage",
    "atomWithStorage": "localStorage",
}  # fmt: skip
PERSISTS = frozenset({"persist", "persistReducer", "createPersistedState", "defineStore"})
ELSEWHERE = re.compile(r"(?i)AsyncStorage|SecureStore|Keychain|EncryptedStorage|mmkv")
"""Stores of phones, which no page reads."""
MAX_SEEN = 200
"""Expressions that are followed from one place."""
MAX_NAMES = 20
MAX_NAME = 60


@dataclass(frozen=True)
class _Key:
    text: str
    known: bool


def storage_uses(source: Source) -> Iterator[StorageUse]:
    """The places that write to the browser's storage, in their order."""
    for node in source.of("call_expression", "assignment_expression"):
        use = _assigned(source, node) if node.type == "assignment_expression" else _called(source, node)
        if use is not None:
            yield use


def _use(node: Node, store: str, key: _Key, values: list[Node], *, sure: bool = True) -> StorageUse:
    names = dict.fromkeys(name for value in values for name in _names(value))
    return StorageUse(
        line=node.start_point.row + 1,
        store=store,
        sure=sure,
        key=key.text[:MAX_NAME],
        known=key.known,
        names=tuple(names)[:MAX_NAMES],
    )


def _assigned(source: Source, node: Node) -> StorageUse | None:
    """`localStorage.token = x`, `localStorage["token"] = x`, `document.cookie = x`."""
    left, right = bare(node.child_by_field_name("left")), node.child_by_field_name("right")
    if left is None or right is None or left.type not in ("member_expression", "subscript_expression"):
        return None
    member, index = left.child_by_field_name("property"), left.child_by_field_name("index")
    if text_of(member) == "cookie" and text_of(left.child_by_field_name("object")).endswith("document"):
        return _use(node, "document.cookie", _cookie_name(source, right), [right])
    store = _store(source, left.child_by_field_name("object"))
    if not store or text_of(left).startswith("this.") or text_of(member) in STORES:
        return None
    key = _Key(text_of(member), True) if member is not None else _key(source, index)
    return _use(node, store, key, [right])


def _cookie_name(source: Source, value: Node) -> _Key:
    """What stands before the first "=": nothing that comes from elsewhere may be in it."""
    text = evaluate(source, value)
    name = text.fixed.partition("=")[0].strip()
    return _Key(name or "a name that is not known here", bool(name) and "=" in text.fixed)


def _called(source: Source, node: Node) -> StorageUse | None:
    name, arguments, receiver = name_of(node), arguments_of(node), bare(receiver_of(node))
    if name in PERSISTS:
        return _persisted(source, node, name, arguments)
    if not arguments:
        return None
    if receiver is None:
        return _by_function(source, node, name, arguments)
    return _by_library(source, node, receiver) or _by_method(source, node, receiver)


def _by_library(source: Source, node: Node, receiver: Node) -> StorageUse | None:
    """A method of a library's object, or of one of IndexedDB's stores."""
    name, arguments = name_of(node), arguments_of(node)
    if name in ("put", "add") and _is_object_store(source, receiver):
        return _use(node, "IndexedDB", _key(source, arguments[1] if len(arguments) > 1 else receiver), arguments)
    if name in WRITERS and (library := _library(source, receiver)):
        return _use(node, library, _key(source, arguments[0]), arguments[1:])
    return None


def _by_method(source: Source, node: Node, receiver: Node) -> StorageUse | None:
    """`setItem` of web storage, or of what may be one, and `Object.assign(localStorage, ...)`."""
    name, arguments = name_of(node), arguments_of(node)
    if name == "assign" and text_of(receiver) == "Object" and (store := _store(source, arguments[0])):
        return _use(node, store, _Key("all of an object", True), arguments[1:])
    if name != "setItem" or len(arguments) < 2 or ELSEWHERE.search(text_of(receiver)):
        return None
    store = _store(source, receiver)
    shown = store or text_of(receiver)[:MAX_NAME]
    return _use(node, shown, _key(source, arguments[0]), arguments[1:], sure=bool(store))


def _by_function(source: Source, node: Node, name: str, arguments: list[Node]) -> StorageUse | None:
    """A function of a library, or a hook."""
    module = source.imports.get(name, "")
    if name in HOOKS:
        return _use(node, f"{HOOKS[name]} ({name})", _key(source, arguments[0]), arguments[1:])
    if name in WRITERS and module in LIBRARIES:
        return _use(node, LIBRARIES[module], _key(source, arguments[0]), arguments[1:])
    if name == "setCookie" and len(arguments) > 1:
        known = any(LIBRARIES.get(one) == "document.cookie" for one in source.imports.values())
        return _use(node, "document.cookie", _key(source, arguments[0]), arguments[1:], sure=known)
    return None


def _library(source: Source, receiver: Node) -> str:
    """The store that an object of a library writes to."""
    if receiver.type != "identifier":
        return ""
    if module := LIBRARIES.get(source.imports.get(text_of(receiver), "")):
        return module
    for _, value in source.values(receiver):
        made = bare(value)
        if made is not None and made.type in ("new_expression", "call_expression"):
            module = LIBRARIES.get(source.imports.get(name_of(made), ""))
            if module:
                return module
    return ""


def _is_object_store(source: Source, node: Node) -> bool:
    if node.type == "call_expression":
        return name_of(node) == "objectStore"
    found = [bare(value) for _, value in source.values(node)] if node.type == "identifier" else []
    return any(one is not None and one.type == "call_expression" and name_of(one) == "objectStore" for one in found)


def _key(source: Source, node: Node | None) -> _Key:
    """The name under which something is kept: a text, or a constant whose name says it."""
    node = bare(node)
    if node is None:
        return _Key("", False)
    text = evaluate(source, node)
    if text.state == "fixed":
        return _Key(text.fixed, True)
    if node.type == "call_expression":
        inner = arguments_of(node)
        return _key(source, inner[0]) if inner and name_of(node) == "objectStore" else _Key(text_of(node), False)
    if text.state == "built":
        return _Key(text.fixed.strip(), bool(re.search(r"[A-Za-z]{3}", text.fixed)))
    last = text_of(node.child_by_field_name("property")) or text_of(node)
    constant = bool(re.fullmatch(r"[A-Z][A-Z0-9_]+", last)) or bool(re.match(r"[A-Z]", text_of(node)))
    return _Key(last, constant)


def _store(source: Source, node: Node | None, seen: set[int] | None = None) -> str:
    """The web storage that an expression is; empty where it is none, or is not known to be."""
    node = bare(node)
    seen = set() if seen is None else seen
    if node is None or node.id in seen or len(seen) > MAX_SEEN:
        return ""
    seen.add(node.id)
    if node.type == "identifier":
        return _store_by_name(source, node, seen)
    last = text_of(node.child_by_field_name("property"))
    index = evaluate(source, node.child_by_field_name("index")).fixed
    if last in STORES or index in STORES:
        return last or index
    return _first(source, _leads_to(source, node), seen)


def _leads_to(source: Source, node: Node) -> list[Node]:
    """What an expression may come to: a field's values, the branches of a choice, what a function returns."""
    if node.type == "member_expression":
        return [value for _, value in source.values(node)]
    if node.type in ("ternary_expression", "binary_expression"):
        fields = ("consequence", "alternative", "left", "right")
        return [one for field in fields if (one := node.child_by_field_name(field)) is not None]
    called = bare(node.child_by_field_name("function")) if node.type == "call_expression" else None
    if called is not None and called.type == "identifier":
        return [one for _, value in source.values(called) for one in _returns(value)]
    return []


def _store_by_name(source: Source, node: Node, seen: set[int]) -> str:
    name = text_of(node)
    values = [value for _, value in source.values(node)]
    if name in STORES and not values:
        return name
    if source.parameter_type(node) == "Storage":
        return "a web storage"
    if name in (apart := _taken_apart(source)):
        return apart[name]
    return _first(source, values, seen)


@lru_cache(maxsize=1)
def _taken_apart(source: Source) -> dict[str, str]:
    """Names that a pattern gives to a storage: `const {localStorage: ls} = window`."""
    found: dict[str, str] = {}
    for node in source.of("variable_declarator"):
        pattern = node.child_by_field_name("name")
        if pattern is not None and pattern.type == "object_pattern":
            pairs_ = re.findall(r"\b(localStorage|sessionStorage)\s*:\s*([\w$]+)", text_of(pattern))
            found.update((name, store) for store, name in pairs_)
    return found


def _returns(function: Node) -> list[Node]:
    """What a function returns, as far as it stands at its own level."""
    body = function.child_by_field_name("body") if function.type in FUNCTIONS else None
    if body is None or body.type != "statement_block":
        return [body] if body is not None else []
    returned = [one for one in body.named_children if one.type == "return_statement"]
    return [inner for one in returned for inner in one.named_children[:1]]


def _first(source: Source, nodes: list[Node], seen: set[int]) -> str:
    return next((store for one in nodes if (store := _store(source, one, seen))), "")


def _persisted(source: Source, node: Node, name: str, arguments: list[Node]) -> StorageUse | None:
    """A store of state that a library writes to localStorage: all of its fields, or those that are picked."""
    objects = [one for one in map(bare, arguments) if one is not None and one.type == "object"]
    options = {key: value for one in objects for key, value in pairs(one)}
    if name == "defineStore":
        said = options.get("persist")
        if said is None or text_of(said) == "false":
            return None
        inner = dict(pairs(said)) if said.type == "object" else {}
        options = {**options, **inner}
    elif name == "persist" and not ({"name", "partialize", "storage"} & set(options)):
        return None  # another function of that name
    picks = ("partialize", "whitelist", "paths", "pick")
    picked = [options[key] for key in picks if key in options]
    label = options.get("name") or options.get("key")
    key = evaluate(source, label).fixed if label is not None else ""
    names = dict.fromkeys(one for value in picked or [node] for one in (*_names(value), *_texts(value)))
    opaque = name == "persistReducer" and not picked
    return StorageUse(
        line=node.start_point.row + 1,
        store=f"localStorage ({name})",
        sure=True,
        key=key[:MAX_NAME] if not picked else "",
        known=not opaque,
        names=tuple(one[:MAX_NAME] for one in names)[: MAX_NAMES * 5],
    )


def _names(node: Node) -> Iterator[str]:
    """Identifiers in an expression, keys of objects among them; no text."""
    todo = [node]
    while todo:
        at = todo.pop()
        if at.type.endswith("identifier") and "type" not in at.type:
            yield text_of(at)[:MAX_NAME]
        todo += reversed(at.named_children)


def _texts(node: Node) -> Iterator[str]:
    """The texts of a list of names."""
    if node.type == "array":
        for child in node.named_children:
            if child.type == "string":
                yield text_of(child).strip("\"'")
