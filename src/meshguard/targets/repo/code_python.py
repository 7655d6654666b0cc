"""Places in Python where a text that is built from parts becomes SQL."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from meshguard.targets.repo.code_js import Text
from meshguard.targets.repo.code_models import SqlPlace
from meshguard.targets.repo.code_sql import CLEARLY_SQL, SQL
from meshguard.targets.repo.code_text import MAX_VALUES, NAME_DEPTH, OPEN, either, joined

SINKS = frozenset({"execute", "executemany", "executescript", "RawSQL", "raw", "extra", "fetch", "fetchrow", "fetchval",
                   "mogrify", "copy_expert", "exec_driver_sql"})  # fmt: skip
READERS = frozenset({"text", "read_sql", "read_sql_query", "query", "sql", "run", "fetch_all", "fetch_one", "where",
                     "filter", "order_by", "having", "literal_column"})  # fmt: skip
"""Functions that take SQL, and in other libraries something else: the text must read like SQL."""
LOGGERS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "print", "Exception"})
WORDS = re.compile(rb"execute|raw|extra|text\(|read_sql|query|mogrify|fetch|select|insert|update|delete")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
MAX_DEPTH = 40
Scope = tuple[int, ...]
"""The functions that a place stands in, from the outermost."""

_quiet = threading.Lock()


def parse_python(data: bytes) -> ast.Module:
    """The syntax tree.

    Raises:
        ValueError: it is no Python of the version that runs this.
    """
    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape that means nothing, in what is only read
            return ast.parse(data)
    except SyntaxError as fault:
        raise ValueError(f"it is no Python that is understood (line {fault.lineno or 0})") from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError("it is no Python that is understood") from None


def python_places(tree: ast.Module) -> Iterator[SqlPlace]:
    """The places where SQL is built."""
    names = _Names(tree)
    for node, scope in names.calls:
        call = _name(node.func)
        texts = [_evaluate(names, argument, scope, 0) for argument in node.args[:1]]
        texts += [
            _evaluate(names, word.value, scope, 0)
            for word in node.keywords
            if word.arg in ("sql", "query", "statement")
        ]
        for text in texts:
            if text.state == "built" and _is_sql(call, text):
                yield SqlPlace(line=node.lineno, call=call[:60] or "a function", how=text.how)
                break


def _is_sql(call: str, text: Text) -> bool:
    if call in SINKS or (call in READERS and SQL.search(text.fixed)):
        return True
    return call not in LOGGERS and bool(CLEARLY_SQL.search(text.fixed))


class _Names:
    """What names stand for, function by function, and all calls with the functions that they stand in."""

    def __init__(self, tree: ast.Module) -> None:
        self.values: dict[tuple[int, str], list[tuple[str, ast.expr]]] = {}
        self.texts: dict[tuple[int, int], Text] = {}
        """What is known already of a node's text, by how deep it was asked."""
        self.calls: list[tuple[ast.Call, tuple[int, ...]]] = []
        todo: list[tuple[ast.AST, tuple[int, ...]]] = [(tree, (0,))]
        while todo:
            node, scope = todo.pop()
            if isinstance(node, ast.Call):
                self.calls.append((node, scope))
            self._assign(node, scope[-1])
            if isinstance(node, FUNCTIONS):
                scope = (*scope, id(node))
                arguments = node.args
                for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                    self.values.setdefault((scope[-1], one.arg), [])
            todo += [(child, scope) for child in ast.iter_child_nodes(node)]
        self.calls.sort(key=lambda found: (found[0].lineno, found[0].col_offset))

    def _assign(self, node: ast.AST, scope: int) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.values.setdefault((scope, target.id), []).append(("=", node.value))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            self.values.setdefault((scope, node.target.id), []).append(("=", node.value))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.values.setdefault((scope, node.target.id), []).append(("+=", node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            array = node.func.value
            if isinstance(array, ast.Name) and node.args:
                self.values.setdefault((scope, array.id), []).append(("append", node.args[0]))

    def of(self, name: str, scope: Scope) -> list[tuple[str, ast.expr]]:
        """What is put into a name, in the nearest function that knows it."""
        return next((self.values[at, name] for at in reversed(scope) if (at, name) in self.values), [])


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _evaluate(names: _Names, node: ast.expr, scope: Scope, depth: int) -> Text:
    """What a text is made of."""
    if depth > MAX_DEPTH:
        return Text("", "built", "parts nested deeper than is followed")
    read = _READERS.get(type(node))
    if read is None:
        return OPEN
    key = (id(node), depth // NAME_DEPTH)
    if key not in names.texts:  # names that are made of names would be followed again and again
        names.texts[key] = read(names, node, scope, depth + 1)
    return names.texts[key]


def _constant(_: _Names, node: ast.Constant, scope: Scope, depth: int) -> Text:
    del scope, depth
    return Text(str(node.value), "fixed") if isinstance(node.value, str | int | float) else OPEN


def _f_string(names: _Names, node: ast.JoinedStr, scope: Scope, depth: int) -> Text:
    inner = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
    return joined((_evaluate(names, part, scope, depth) for part in inner), "an f-string")


def _choice(names: _Names, node: ast.IfExp | ast.BoolOp, scope: Scope, depth: int) -> Text:
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
    return either(_evaluate(names, one, scope, depth) for one in branches)


def _called(names: _Names, node: ast.Call, scope: Scope, depth: int) -> Text:
    if isinstance(node.func, ast.Attribute):
        return _method(names, node, node.func, scope, depth)
    name = _name(node.func)
    if name in ("int", "float", "len"):
        return Text("1", "fixed")
    return _evaluate(names, node.args[0], scope, depth) if name == "str" and node.args else OPEN


def _operation(names: _Names, node: ast.BinOp, scope: Scope, depth: int) -> Text:
    parts: list[ast.expr] = []
    at: ast.expr = node
    while isinstance(at, ast.BinOp) and isinstance(at.op, ast.Add):
        parts.append(at.right)
        at = at.left  # a long chain is deep on its left side alone
    if parts:
        return joined((_evaluate(names, one, scope, depth) for one in (at, *reversed(parts))), "concatenation")
    left = _evaluate(names, node.left, scope, depth)
    if isinstance(node.op, ast.Mult):
        return left
    if not isinstance(node.op, ast.Mod) or left.state == "open":
        return OPEN
    given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    return joined([left, *(_evaluate(names, one, scope, depth) for one in given)], "% formatting")


def _variable(names: _Names, node: ast.Name, scope: Scope, depth: int) -> Text:
    values = names.of(node.id, scope)
    if not values or depth > MAX_DEPTH // 2:  # a name that is defined by itself ends here too
        return OPEN
    if len(values) > MAX_VALUES:
        return Text("", "built", "more values of one name than are followed")
    set_to = [_evaluate(names, value, scope, depth + NAME_DEPTH) for operator, value in values if operator == "="]
    added = [_evaluate(names, value, scope, depth + NAME_DEPTH) for operator, value in values if operator == "+="]
    return joined([either(set_to), *added], "concatenation with +=") if added else either(set_to)


def _method(names: _Names, node: ast.Call, called: ast.Attribute, scope: Scope, depth: int) -> Text:
    method = called.attr
    if method == "dedent" and node.args:
        return _evaluate(names, node.args[0], scope, depth)
    text = _evaluate(names, called.value, scope, depth)
    if method in ("strip", "lower", "upper", "lstrip", "rstrip", "encode"):
        return text
    if method == "format" and text.state != "open":
        given = [*node.args, *(word.value for word in node.keywords)]
        return joined([text, *(_evaluate(names, one, scope, depth) for one in given)], "str.format()")
    if method == "join" and node.args and text.state == "fixed":
        return _join(names, node.args[0], scope, depth)
    return OPEN


def _join(names: _Names, node: ast.expr, scope: Scope, depth: int) -> Text:
    """`", ".join(...)`: placeholders that are repeated are fixed."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        node = node.left
    if isinstance(node, ast.List | ast.Tuple):
        return joined((_evaluate(names, one, scope, depth) for one in node.elts), "join()")
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return _evaluate(names, node.elt, scope, depth)
    if isinstance(node, ast.Name):
        pieces = [one for operator, one in names.of(node.id, scope) if operator == "append"]
        literals = [one for operator, one in names.of(node.id, scope) if isinstance(one, ast.List)]
        pieces += [element for one in literals for element in one.elts]
        return (
            joined((_evaluate(names, one, scope, depth + NAME_DEPTH) for one in pieces), "join()") if pieces else OPEN
        )
    return _evaluate(names, node, scope, depth)


_READERS: dict[type[ast.expr], Callable[[_Names, Any, Scope, int], Text]] = {
    ast.Constant: _constant,
    ast.JoinedStr: _f_string,
    ast.BinOp: _operation,
    ast.IfExp: _choice,
    ast.BoolOp: _choice,
    ast.Name: _variable,
    ast.Call: _called,
}
