"""Which commands a shell script runs, and whether the failure of each ends the script with a failure.

Followed are errexit, pipefail, `&&`, `||`, `!`, pipes, `if`, loops, functions, subshells, substitutions, traps,
`exit`, and the scripts that it calls. What depends on what is not known beforehand is told as unsure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from meshguard.targets.ci.shell_builtins import BUILTINS, SHELLS
from meshguard.targets.ci.shell_ends import Ending, captures_status, ends_with, is_test, name_of
from meshguard.targets.ci.shell_models import MAX_CALLS, Called, Context, Opaque, Ran, Resolve, Shell, bounded
from meshguard.targets.ci.shell_words import (
    OPEN,
    assignments,
    parse,
    statements,
    substitutions,
    text_of,
    word,
    words,
)

if TYPE_CHECKING:
    from tree_sitter import Node

NO_ERREXIT = "the shell goes on after it (errexit is off)"
UNKNOWN_ERREXIT = "whether the shell ends at it depends on a `set` that is not always run"


class Walk:
    """One reading of a script from its begin to its end."""

    def __init__(self, shell: Shell, resolve: Resolve) -> None:
        self.shell = shell
        self.resolve = resolve
        self.functions: dict[str, Node] = {}
        self.found: list[Ran] = []
        self.opaque: list[Opaque] = []
        self.unsure: tuple[str, ...] = ()
        self.skips: tuple[str, ...] = ()
        self.dead = ""

    def script(self, text: str, context: Context, what: str = "the script") -> None:
        """Follow a whole text."""
        root = parse(text)
        if root is None:
            self.opaque.append(
                Opaque(context.line or 1, f"{what} is not read: no script of bash that is followed", text)
            )
        else:
            self.block(root, context)

    def block(self, node: Node, context: Context) -> None:
        """Follow statements one after the other."""
        inside = statements(node)
        for index, (statement, background) in enumerate(inside):
            last = index == len(inside) - 1
            within = context if last else replace(context, tail=False)
            if background:
                within = replace(within, caught="it is left to run in the background")
            elif not last and not self.ends(context):
                within = self._kept(within, inside[index + 1][0])
            self.visit(statement, within)

    def ends(self, context: Context) -> bool:
        """Whether a failing command ends the script at once."""
        return self.shell.errexit is True and not context.suspended

    def _kept(self, context: Context, after: Node) -> Context:
        """Where errexit is off: what the next statement makes of the status."""
        kept = captures_status(after)
        if kept == "exits":
            return replace(context, suspended=True, tail=True)
        return replace(context, tail=None) if kept else context

    def visit(self, node: Node, context: Context) -> None:
        """Follow one statement."""
        kinds: dict[str, Callable[[Node, Context], None]] = {
            "command": self.command, "list": self.chain, "pipeline": self.pipeline, "negated_command": self.negated,
            "if_statement": self.branch, "while_statement": self.loop, "for_statement": self.each,
            "c_style_for_statement": self.each, "case_statement": self.case, "subshell": self.subshell,
            "compound_statement": self.block, "do_group": self.block, "redirected_statement": self.redirected,
            "function_definition": self.define, "variable_assignment": self.assign,
        }  # fmt: skip
        kinds.get(node.type, self.other)(node, context)

    def other(self, node: Node, context: Context) -> None:
        """What runs a command only to make words."""
        self.inner(node, replace(context, caught="it stands in a substitution, whose failure is not looked at"))

    def inner(self, node: Node, context: Context) -> None:
        """Follow the substitutions in a node; errexit has no force in them."""
        for found in substitutions(node):
            kept = self.shell
            self.block(found, replace(context, suspended=True))
            self.shell = kept

    def assign(self, node: Node, context: Context) -> None:
        """`x=$(command)` has the status of the command."""
        self.inner(node, replace(context, tail=self.counts(context)))

    def counts(self, context: Context) -> bool | None:
        """Whether the failure of what stands here fails the script."""
        if context.tail or self.ends(context):
            return True
        open_ = context.tail is None or (self.shell.errexit is None and not context.suspended)
        return None if open_ else False

    def chain(self, node: Node, context: Context) -> None:
        """`a && b`, `a || b`."""
        first, second = node.named_children[0], node.named_children[-1]
        if any(child.type == "&&" for child in node.children):
            self.visit(first, replace(context, suspended=True))
            why = "it runs only where the test before `&&` holds" if is_test(first) else ""
            self.visit(second, context.maybe(why) if why else context)
            return
        end = ends_with(second)
        if end is Ending.FAILS:
            self.visit(first, replace(context, suspended=True, tail=True))
        elif end is Ending.SAME:
            self.visit(first, replace(context, suspended=True, tail=self.counts(context)))
        elif end is Ending.UNKNOWN:
            self.visit(first, replace(context, suspended=True, tail=None))
        else:
            self.visit(first, replace(context, caught=f"its failure is taken over by `|| {name_of(second)}`"))
        self.visit(second, context.maybe("it runs only where what stands before `||` fails"))

    def pipeline(self, node: Node, context: Context) -> None:
        """A pipe has the status of its last command, or with pipefail of the last that failed."""
        parts = [child for child in node.named_children if child.type != "comment"]
        kept = self.shell
        for part in parts[:-1]:
            within = context
            if self.shell.pipefail is None:
                within = replace(
                    context, unsure=(*context.unsure, "its failure is lost in a pipe unless pipefail is set")
                )
            elif not self.shell.pipefail:
                within = replace(context, caught="its failure is lost in a pipe, as pipefail is not set")
            self.visit(part, within)
        self.visit(parts[-1], context)
        self.shell = kept

    def negated(self, node: Node, context: Context) -> None:
        """`! command` never ends a script by its failure."""
        self.visit(node.named_children[0], replace(context, caught="`!` turns its failure into success"))

    def branch(self, node: Node, context: Context) -> None:
        """`if`: its condition fails nothing, unless the branch for that case fails."""
        conditions = node.children_by_field_name("condition")
        rest = [child for child in node.named_children if child not in conditions and child.type != "comment"]
        clauses = [child for child in rest if child.type in ("elif_clause", "else_clause")]
        body = [child for child in rest if child not in clauses]
        for condition in conditions:
            inside, within = self._condition(condition, body, clauses, context)
            self.visit(inside, within)
        tested = context.maybe("it stands under an `if` of the shell")
        for statement in body:
            self.visit(statement, replace(tested, tail=context.tail if statement == body[-1] else False))
        for clause in clauses:
            self.block(clause, tested)

    def _condition(
        self, condition: Node, body: list[Node], clauses: list[Node], context: Context
    ) -> tuple[Node, Context]:
        negated = condition.type == "negated_command"
        taken = (
            body
            if negated
            else [c for clause in clauses[:1] if clause.type == "else_clause" for c in clause.named_children]
        )
        end = ends_with(*taken) if taken else Ending.GOES_ON
        inside = condition.named_children[0] if negated else condition
        if end is Ending.FAILS:
            return inside, replace(context, suspended=True, tail=True)
        if end is Ending.UNKNOWN or (clauses and clauses[0].type == "elif_clause" and not negated):
            return inside, replace(context, suspended=True, tail=None)
        return inside, replace(context, caught="it is only the condition of an `if`")

    def loop(self, node: Node, context: Context) -> None:
        """`while` and `until`."""
        body = node.child_by_field_name("body")
        for condition in node.named_children:
            if condition != body:
                self.visit(condition, replace(context, caught="it is only the condition of a loop"))
        if body is not None:
            self.block(body, replace(context.maybe("it stands in a loop of the shell"), tail=False))

    def each(self, node: Node, context: Context) -> None:
        """`for`: over literal words it runs for each."""
        body = node.child_by_field_name("body")
        values = node.children_by_field_name("value")
        literal = values and all(OPEN not in word(value) for value in values)
        within = replace(context, tail=False) if literal else replace(context.maybe("it stands in a loop"), tail=False)
        if body is not None:
            self.block(body, within)

    def case(self, node: Node, context: Context) -> None:
        """`case`: one of its branches."""
        for item in node.named_children:
            if item.type == "case_item":
                inside = [child for child in item.named_children if child not in item.children_by_field_name("value")]
                for statement in inside:
                    within = context.maybe("it stands in a `case` of the shell")
                    self.visit(statement, replace(within, tail=context.tail if statement == inside[-1] else False))

    def subshell(self, node: Node, context: Context) -> None:
        """`( … )`: what it sets ends with it, and its status counts as a command's."""
        kept, dead, skips = self.shell, self.dead, self.skips
        self.block(node, replace(context, tail=self.counts(context)))
        self.shell, self.dead, self.skips = kept, dead, skips

    def redirected(self, node: Node, context: Context) -> None:
        """A statement with redirections; text that is given to a shell is not followed."""
        body = node.child_by_field_name("body")
        if body is None:
            return
        self.visit(body, context)
        given = [child for child in node.named_children if child.type in ("heredoc_redirect", "herestring_redirect")]
        if given and body.type == "command" and words(body)[:1] and words(body)[0].rsplit("/", 1)[-1] in SHELLS:
            line = context.line or given[0].start_point.row + 1
            self.opaque.append(Opaque(line, "text that is given to a shell is not followed", text_of(given[0])))

    def define(self, node: Node, context: Context) -> None:
        """A function is followed where it is called."""
        del context
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and body is not None:
            self.functions[text_of(name)] = body

    def command(self, node: Node, context: Context) -> None:
        """A simple command."""
        said = words(node)
        self.other(node, context)
        if not said:
            return
        line = node.start_point.row + 1 if context.line is None else context.line
        within = replace(context, line=context.line)
        name = said[0]
        if name in self.functions:
            self._function(name, within)
        elif name in BUILTINS:
            BUILTINS[name](self, said, within)
        else:
            self.ran(said, line, within, assignments(node))

    def _function(self, name: str, context: Context) -> None:
        if context.depth < MAX_CALLS:
            self.block(self.functions[name], replace(context, tail=self.counts(context), depth=context.depth + 1))

    def ran(self, said: tuple[str, ...], line: int, context: Context, environment: dict[str, str]) -> None:
        """One command, and the scripts that it runs."""
        swallowed, unsure = self._fate(context)
        skips = (*self.skips, *context.skips)
        self.found.append(
            Ran(said, line, self.dead or swallowed, unsure, skips, context.through, self.shell.cwd, environment)
        )
        if context.depth >= MAX_CALLS:
            self.opaque.append(Opaque(line, "scripts call one another too deep to be followed", None))
            return
        for called in self.resolve(said, self.shell.cwd):
            self.call(called, line, context)

    def _fate(self, context: Context) -> tuple[str, tuple[str, ...]]:
        unsure = (*self.unsure, *context.unsure)
        if context.caught:
            return context.caught, unsure
        counts = self.counts(context)
        if counts is None:
            why = UNKNOWN_ERREXIT if self.shell.errexit is None else "what becomes of its status is not followed"
            return "", (*unsure, why)
        if counts:
            return "", unsure
        suspended = self.shell.errexit is not False
        return ("`&&` or `||` keeps its failure from ending the script" if suspended else NO_ERREXIT), unsure

    def call(self, called: Called, line: int, context: Context) -> None:
        """Follow a script that a command runs."""
        if called.text is None:
            if called.opaque != "":
                self.opaque.append(Opaque(line, called.why, called.opaque))
            return
        within = replace(context, depth=context.depth + 1, line=line, through=context.through or called.name)
        if not called.own_shell:
            self.script(called.text, within, called.name)
            return
        inner = Walk(Shell(called.errexit, called.pipefail, called.cwd), self.resolve)
        inner.unsure, inner.skips, inner.dead = self.unsure, self.skips, self.dead
        # A new shell has an errexit of its own, which what stands around the call does not suspend.
        inner.script(called.text, replace(within, tail=self.counts(context), suspended=False), called.name)
        counts = self.counts(context)
        self.found += [bounded(ran, counts) for ran in inner.found]
        self.opaque += inner.opaque
