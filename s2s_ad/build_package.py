"""Finished functions from sweeps: signatures, returns, docstrings, and the module around them.

Takes prepared functions and their sweeps, gives the generated functions of a module; requires
`transform`, `simplify`, `emit`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from s2s_ad.analysis.bound import certain_at_end, live_in
from s2s_ad.build_cuts import cuts_text
from s2s_ad.build_exits import Sweeps, sweeps, with_returns
from s2s_ad.build_finish import (
    finish,
    gradients,
    halves,
    held,
    in_order,
    live,
    uids,
    unconsumed,
    whole,
)
from s2s_ad.build_ledger import kept_between
from s2s_ad.build_needed import called, local
from s2s_ad.build_numba import FORM, Form, numba_form
from s2s_ad.build_numbering import numbering, with_numbers
from s2s_ad.build_prepare import Prepared, Values, prepare
from s2s_ad.build_program import Program, Variant
from s2s_ad.build_purity import without_effect
from s2s_ad.build_reverse import Reverse, reverse
from s2s_ad.build_signature import bare, positional, seeded, spaced, tuple_of
from s2s_ad.build_small import Small, computes_arrays, from_result, parameters_read, taken_apart
from s2s_ad.build_subject import Subject
from s2s_ad.build_tangent import tangent_function
from s2s_ad.build_variables import tangents_of, variables_of
from s2s_ad.build_words import (
    adjoint_doc,
    command_of,
    forward_comment,
    forward_doc,
    kinds_text,
    reverse_doc,
    tangent_doc,
)
from s2s_ad.build_writes import spoken
from s2s_ad.emit.line_map import line_origins
from s2s_ad.emit.module import Header, module_text
from s2s_ad.emit.statements import annotated, flattened, opened, origins
from s2s_ad.frontend.library_stores import called_again
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import is_empty_list
from s2s_ad.ir.kinds import UNKNOWN, Kind, ListOf, Number
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.text import function_text
from s2s_ad.ir.verify import check_free_names, is_on, unbound_reads, verify
from s2s_ad.ir.walk import assigned, bound_names, container_of, walk_stmts
from s2s_ad.simplify.by_index import by_index
from s2s_ad.simplify.kept_once import kept_once
from s2s_ad.transform.copies import is_flat_list
from s2s_ad.transform.undoing import put_back, worked
from s2s_ad.version import VERSION


class Package:
    """Builds one generated module."""

    def __init__(
        self, request: Any, program: Program, subject: Subject, values: Values, make: Any
    ) -> None:
        self.request = request
        self.program = program
        self.subject = subject
        self.values = values
        self.make = make
        self.trace: list[tuple[str, str]] | None = None
        # for the form that numba compiles: the kinds of variables, and lines of the user
        self.kinds: dict[str, Mapping[str, Kind]] = {}
        self.origins: dict[int, n.Origin] = {}
        self.is_entry = False
        program.small = self.small

    def derivative(self) -> Any:
        """Return the derivative: the function asked for, then those of its callees."""
        mode, wrt = self.request.mode, self.request.wrt
        name = self.subject.name
        functions: list[n.Function]
        if mode == "tangent":
            entry = self.program.linker.function(f"{name}_tangent")
            functions = [self.tangent(self.subject, self.values, wrt, entry, self.request.select)]
        elif mode == "split":
            entry = self.program.linker.function(f"{name}_forward")
            back = self.program.linker.function(f"{name}_reverse")
            self.is_entry = True
            functions = self.split(self.subject, self.values, wrt, entry, back, self.request.select)
            self.is_entry = False
        else:
            entry = self.program.linker.function(f"{name}_adjoint")
            functions = [self.joint(entry)]
        while self.program.pending:
            functions.extend(self.callee(self.program.pending.pop(0)))
        functions = called(functions, 2 if mode == "split" else 1)
        functions = [spoken(f, self.program.spoken) for f in functions]
        if FORM not in self.program.options:
            functions = [called_again(f, self.program.linker.stores) for f in functions]
        functions = [*local(functions, self.program), *map(self.numbered, functions)]
        form = Form(functions)
        if FORM in self.program.options:
            whole = self.subject, self.values
            form = numba_form(functions, self.program, whole, self.kinds, self.origins)
            for function in form.functions:
                self.note(f"the form for numba of {function.name}", function)
        functions = form.functions
        self.check(functions)
        title = {"tangent": "Tangent", "adjoint": "Adjoint", "split": "Adjoint"}[mode]
        text, bound = module_text(
            self.header(title),
            functions,
            self.objects(),
            self.program.linker.homes,
            form.constants,
        )
        return self.make(
            text,
            entry,
            tuple(p.name for p in functions[0].params),
            tuple(self.program.linker.watched),
            bound,
            line_origins(text, functions, self.origins) if FORM in self.program.options else {},
            self.program.linker.reads_numbers,
        )

    def numbered(self, function: n.Function) -> n.Function:
        """Number what was generated in the order of its lines."""
        subjects = [x for _, x in self.program.subjects.values() if isinstance(x, Subject)]
        users = self.subject.locals.union(*(x.locals for x in subjects))
        numbers = numbering(
            function,
            users,
            self.program.linker.objects.keys(),
            again=FORM not in self.program.options,
        )
        kinds = self.kinds.get(function.name, {})
        self.kinds[function.name] = {numbers.get(x, x): kind for x, kind in kinds.items()}
        return with_numbers(function, numbers)

    def check(self, functions: Sequence[n.Function]) -> None:
        """Verify what is written: well formed, and with a value for each name it reads."""
        if not is_on():
            return
        subjects = [x for _, x in self.program.subjects.values() if isinstance(x, Subject)]
        early = frozenset[str]().union(*(unbound_reads(x.function) for x in subjects))
        for function in functions:
            verify(function, "the last pass", early)
        check_free_names(functions, self.objects())

    def objects(self) -> dict[str, object]:
        return dict(self.program.linker.objects)

    def header(self, title: str) -> Header:
        subject = self.subject
        text = "\n".join(subject.lines) + "\n"
        last = subject.first_line + len(subject.lines) - 1
        return Header(
            f"{title} of `{subject.name}`.",
            f"{subject.file}:{subject.first_line}-{last}",
            hashlib.sha256(text.encode()).hexdigest()[:8],
            kinds_text(self.values, self.request.kinds),
            command_of(self.request, subject),
            VERSION,
            tuple(cuts_text(self.program.cuts, subject.file)),
        )

    def note(self, name: str, function: n.Function) -> None:
        if self.trace is not None:
            self.trace.append((name, function_text(function) + "\n"))

    # -- forward mode

    def tangent(
        self,
        subject: Subject,
        values: Values,
        wrt: tuple[str, ...],
        name: str,
        select: tuple[int, ...] = (),
        callee: bool = False,
    ) -> n.Function:
        prepared = prepare(self.program, subject, values, select, False, not callee)
        if callee:
            params = positional(prepared.function.params)
            prepared.function = replace(prepared.function, params=params)
        self.note("normalise", prepared.function)
        function, kinds = tangent_function(
            prepared, wrt, name, without_effect(self.program, prepared.subject)
        )
        self.kinds[name] = tangents_of(kinds)
        self.origins.update(origins(prepared.function.body))
        body, doc = function.body or (n.Pass(),), tangent_doc(subject, wrt, prepared.still, select)
        done = replace(function, body=body, docstring=doc, decorators=(), returns=None)
        self.note("tangent", done)
        return bare(done)

    # -- reverse mode

    def exits(
        self,
        subject: Subject,
        values: Values,
        wrt: tuple[str, ...],
        select: tuple[int, ...],
        entry: bool,
    ) -> Sweeps:
        """Return the sweeps of a function that is finished in one piece."""
        prepared = prepare(self.program, subject, values, select, False, entry)
        self.note("normalise", prepared.function)
        return sweeps(prepared, wrt, value=entry)

    def sweeps(
        self,
        subject: Subject,
        values: Values,
        wrt: tuple[str, ...],
        select: tuple[int, ...],
        entry: bool,
        copies: bool,
    ) -> tuple[Prepared, Reverse]:
        prepared = prepare(self.program, subject, values, select, True, entry)
        prepared.lent = copies
        self.note("structure", prepared.function)
        found = reverse(prepared, wrt)
        return prepared, found

    def joint(self, name: str) -> n.Function:
        """Return `f_adjoint`: both sweeps in one function."""
        wrt = self.request.wrt
        swept = self.exits(self.subject, self.values, wrt, self.request.select, True)
        prepared, found = swept.prepared, swept.found
        self.kinds[name] = variables_of(swept.all())

        def end(of: Reverse) -> n.Return:
            return n.Return(n.TupleExpr((n.Name(of.result), gradients(of, wrt))))

        body, back = whole(swept, end)
        body, back = finish(body, back, swept, without_effect(self.program, prepared.subject))
        body = with_returns(body, swept.constant)
        function = self.finished(swept, name, body, back)
        seed = self.seed_param(found)
        params = (*prepared.function.params, seed)
        doc = adjoint_doc(self.subject, wrt, swept, body, back)
        self.note("adjoint", function)
        return bare(replace(function, params=seeded(params), docstring=doc))

    def seed_param(self, found: Reverse) -> n.Param:
        name = next(
            (
                k
                for (k, mark), v in found.context.marks.items()
                if v == found.seed and mark == "bar"
            ),
            "",
        )
        number = isinstance(found.kinds.get(name, UNKNOWN), Number)
        return n.Param(found.seed, n.Const("1.0", 1.0) if number else None)

    def finished(self, swept: Sweeps, name: str, body: n.Block, back: frozenset[int]) -> n.Function:
        """Comment both sweeps."""
        forward, backward = halves(body, back)
        forward = self.with_steps(forward, swept, back)
        forward = tuple(self.with_exits(s, swept, back) for s in forward)
        ending = backward[-1:] if backward and isinstance(backward[-1], n.Return) else ()
        sweep = self.annotate(swept, backward[: len(backward) - len(ending)])
        forward = flattened(forward, swept.prepared.sunk)
        if "together" not in self.program.options:
            numbers = {x for x, kind in swept.found.kinds.items() if isinstance(kind, Number)}
            forward = kept_once(forward, frozenset(swept.found.stacks), numbers.__contains__)
        if sweep or swept.found.inside:
            forward = opened(forward, forward_comment(swept, body)) if forward else forward
        if sweep:
            blank = bool(forward)
            sweep = opened(sweep, "# -- reverse sweep")
            if blank:
                sweep = spaced(sweep)
        if ending and (sweep or forward):
            ending = spaced(ending)
        params = swept.prepared.function.params
        return n.Function(name, params, (*forward, *sweep, *ending))

    def with_steps(self, forward: n.Block, swept: Sweeps, back: frozenset[int]) -> n.Block:
        """Comment the parts of a reverse sweep that are in the forward sweep: of what makes the
        adjoints that loops begin with, and of the steps of these."""

        return self.with_inner_steps(forward, (), swept, back)

    def with_inner_steps(
        self, ahead: n.Block, behind: n.Block, swept: Sweeps, back: frozenset[int]
    ) -> n.Block:
        """Comment a block. behind: what of it is the reverse sweep of a step."""
        out: list[n.Stmt] = []
        for ours, run in itertools.groupby(ahead, lambda s: s.uid in back):
            if ours:
                out.extend(self.annotate(swept, tuple(run)))
                continue
            for s in run:
                if isinstance(s, n.For):
                    s = replace(s, body=self.with_inner_steps(*halves(s.body, back), swept, back))
                out.append(s)
        sweep = self.annotate(swept, behind)
        return (*out, *opened(sweep, "# -- reverse sweep of this step"))

    def with_exits(self, s: n.Stmt, swept: Sweeps, back: frozenset[int]) -> n.Stmt:
        """Comment the reverse sweeps of an early exit."""
        if s.uid not in swept.exits or not isinstance(s, n.If):
            return s
        branches = []
        for b in s.branches:
            forward, sweep = halves(b.body, back)
            forward = self.with_steps(forward, swept, back)
            reverse = self.annotate(swept, sweep[:-1])
            if forward:
                reverse = opened(reverse, "# -- reverse sweep of this exit")
            branches.append(replace(b, body=(*forward, *reverse, *sweep[-1:])))
        return replace(s, branches=tuple(branches))

    def split(
        self,
        subject: Subject,
        values: Values,
        wrt: tuple[str, ...],
        forward_name: str,
        reverse_name: str,
        select: tuple[int, ...] = (),
        copies: bool = False,
    ) -> list[n.Function]:
        """Return the forward half and the reverse half.

        copies: whether the caller changes an argument in place: what is kept must be copies.
        """
        prepared, found = self.sweeps(subject, values, wrt, select, self.is_entry, copies)
        pure = without_effect(self.program, prepared.subject)
        swept = Sweeps(prepared, found)
        self.kinds[forward_name] = self.kinds[reverse_name] = variables_of([found])
        context = found.context
        if context.alias("range") == "range" and context.alias("reversed") == "reversed":
            found.backward = list(
                by_index(tuple(found.forward), tuple(found.backward), context.names.fresh)
            )
        ending = n.Return(gradients(found, wrt))

        made_back = {found.seed} | assigned(tuple(found.backward))
        stores = put_back(tuple(found.backward), set(found.kinds))

        def is_list(name: str) -> bool:
            """True for what holds a list whenever it holds anything: a stack of ours is one."""
            return isinstance(found.kinds.get(name, ListOf(UNKNOWN)), ListOf)

        def copy(e: n.Expr, name: str) -> n.Expr:
            # the adjoint of what is no list, or not at all times, is a number
            root = container_of(e)
            adjoint = isinstance(root, n.Name) and root.id in made_back
            general = adjoint or not is_list(name)
            general = general or (name in stores and not is_flat_list(found.kinds[name]))
            func = context.helper("copied") if general else n.Name(context.alias("list"))
            return n.Call(func, (e,))

        changing = worked(tuple(found.backward)) | stores
        backward = (*unconsumed(tuple(found.backward), changing, copy), ending)
        backward, _ = finish(backward, uids(backward), swept, pure)
        of, options = found.kinds.get(found.result, UNKNOWN), self.program.options
        parts, backward = taken_apart(backward, found.seed, of, prepared.names, options)
        needed = live_in(backward)
        own = {p.name for p in prepared.function.params}
        made = own | bound_names(tuple(found.forward))
        kept = [x for x in in_order(prepared, found) if x in needed & made]
        saved = found.context.names.fresh("saved")
        surely = certain_at_end(tuple(found.forward), own)
        state = n.TupleExpr(tuple(held(found, x, copies, x in surely) for x in kept))
        result = n.TupleExpr((n.Name(found.result), state))
        forward, _ = finish((*found.forward, n.Return(result)), frozenset(), swept, pure)
        params = prepared.function.params
        if not self.is_entry:
            params = positional(params)
        grown = worked(backward)
        changing = grown | put_back(backward, set(found.kinds))
        lists = grown | {x for x in changing if is_flat_list(found.kinds.get(x, UNKNOWN))}
        start = tuple(
            n.Assign((n.Name(x),), n.ListExpr(()) if x in lists else n.Const("None", None))
            for x in kept
            if x not in surely
        )
        forward = (*start, *forward)
        ledger = kept_between(swept, kept, forward, backward) if kept else ""
        first = n.Function(
            forward_name,
            params,
            flattened(forward, prepared.sunk),
            docstring=forward_doc(subject, ledger, reverse_name),
        )
        unpack: list[n.Stmt] = []
        if kept:
            unpack.append(n.Assign((tuple_of(kept),), n.Name(saved)))
        for x in kept:
            if x in changing:
                # a list that only keeps values: its items are not changed
                shallow = x in grown and x not in stores and is_list(x)
                plain = n.Call(n.Name(context.alias("list")), (n.Name(x),))
                unpack.append(n.Assign((n.Name(x),), plain if shallow else copy(n.Name(x), x)))
        sweep = self.annotate(swept, backward)
        second = n.Function(
            reverse_name,
            (n.Param(saved), n.Param(found.seed)),
            (*unpack, *parts, *sweep),
            docstring=reverse_doc(subject, wrt, f"from what `{forward_name}` kept"),
        )
        return [bare(first), bare(second)]

    def annotate(self, swept: Sweeps, backward: n.Block) -> n.Block:
        bodies = [swept.prepared.function.body, *swept.bodies]
        table = {uid: origin for body in bodies for uid, origin in origins(body).items()}
        self.origins.update(table)
        quiet = frozenset(
            s.uid
            for body in bodies
            for s in walk_stmts(body)
            if isinstance(s, (n.If, n.For, n.While, n.With))
        )
        return annotated(backward, table, quiet)

    def small(self, variant: Variant) -> Small:
        """Return a reverse function that starts from the arguments, or from the result."""
        wrt = variant.active
        swept = self.exits(variant.subject, variant.values, wrt, (), False)
        prepared, found = swept.prepared, swept.found
        self.kinds[variant.reverse] = variables_of(swept.all())
        body, back = whole(swept, lambda of: n.Return(gradients(of, wrt)))
        pure = without_effect(self.program, prepared.subject)
        body, back = finish(body, back, swept, pure, all=True)
        body = with_returns(body, swept.constant)
        options = self.program.options
        short = None
        rebinds = any(p.name == found.result for p in prepared.function.params)
        if not (swept.lead or swept.constant or rebinds or "cheap_callees" in options):
            kind = found.kinds.get(found.result, UNKNOWN)
            idle = partial(live, pure=pure, options=options, pinned=frozenset())
            short = from_result(body, back, found.result, kind, idle)
        body = short or body
        of = found.kinds.get(found.result, UNKNOWN)
        first, body = taken_apart(body, found.seed, of, prepared.names, options)

        def again(s: n.Stmt) -> n.Stmt:
            made = isinstance(s, n.Assign) and not is_empty_list(s.value)
            if made and s.comments.trailing is None:
                return replace(s, comments=replace(s.comments, trailing="# recomputed"))
            return s

        forward, backward = halves(body, back)
        forward = self.with_steps(forward, swept, back)
        start = [s if s.uid in back else again(self.with_exits(s, swept, back)) for s in forward]
        sweep = self.annotate(swept, backward)
        own = positional(prepared.function.params)
        takes = parameters_read((*start, *sweep), own)
        given = (n.Param(found.result),) if short else ()
        params = (*(p for p in own if p.name in takes), *given, n.Param(found.seed))
        how = "Nothing is kept for it"
        if short:
            how = "from its arguments and its result" if takes else "from its result"
        doc = reverse_doc(variant.subject, wrt, how)
        function = n.Function(variant.reverse, params, (*first, *start, *sweep), docstring=doc)
        heavy = computes_arrays(tuple(start), self.kinds[variant.reverse])
        effects = (n.Assign, n.AugAssign, n.Append)
        repeats = any(isinstance(s, effects) and s.uid not in back for s in walk_stmts(body))
        return Small(bare(function), takes, short is not None, heavy, repeats)

    def callee(self, variant: Variant) -> list[n.Function]:
        """Return the functions generated for a callee."""
        if variant.mode == "tangent":
            subject, values = variant.subject, variant.values
            return [self.tangent(subject, values, variant.active, variant.tangent, (), True)]
        if variant.cheap:
            return [self.program.smalls[variant.reverse].function]
        return self.split(
            variant.subject,
            variant.values,
            variant.active,
            variant.forward,
            variant.reverse,
            copies=variant.changes or self.program.outside,
        )
