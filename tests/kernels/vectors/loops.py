"""The innermost loops of a compiled function, read from its LLVM IR: which of them work on whole vectors.

LLVM names what it makes: the loop over whole vectors is ``vector.body``, one over smaller vectors for what is left
``vec.epilog.vector.body``, and the loop for the last few numbers is marked ``llvm.loop.isvectorized``. Before it,
``min.iters.check`` compares the number of turns with the fewest for which the vectors are used at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FUNCTION = re.compile(r'^define [^@\n]*@"?([^"(\n]+)"?\([^\n]*\{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
LABEL = re.compile(r'^("?)([\w.$-]+)\1:.*$', re.MULTILINE)
TARGET = re.compile(r'label %("?)([\w.$-]+)\1')
VECTOR = re.compile(r"<(\d+) x (float|double|i8|i16|i32|i64)>")
CHECK = re.compile(r"(%min\.(?:epilog\.)?iters\.check\S*) = icmp (?:samesign )?ult \w+ \S+ (\d+)")
CHECKED = re.compile(r"br i1 (%min\.(?:epilog\.)?iters\.check[^,\s]*),")
VECTOR_CALL = re.compile(r"call [^@]*<\d+ x (?:float|double)>[^@]*@llvm\.(\w+)")
NUMBERS = re.compile(r" load (?:float|double)| store (?:float|double)| f(?:add|sub|mul|div) ")
MASKED = re.compile(r"@llvm\.masked\.")
METADATA = re.compile(r"!llvm\.loop (!\d+)")
BITS = {"float": 32, "double": 64, "i8": 8, "i16": 16, "i32": 32, "i64": 64}

# Of these there are no vector instructions: they are calls of the C library, one number after the other.
BY_CALLS = {"exp", "exp2", "log", "log2", "log10", "pow", "powi", "sin", "cos", "tan", "tanh"}


@dataclass(frozen=True)
class Loop:
    """An innermost loop.

    Its kind is "vectors" if it works on whole ones that lie together in memory, "masked" if numbers of a vector are
    left out or come from several places, "numbers" if it takes them one by one, "rest" if it does what is left over.
    ``bits`` is the width of the widest vectors; with fewer turns than ``fewest`` the vectors are not used.
    """

    kind: str
    bits: int = 0
    fewest: int = 0

    def __str__(self) -> str:
        return (
            f"vectors of {self.bits} bits from {self.fewest} turns on"
            if self.kind == "vectors"
            else self.kind
        )


def loops_of(ir: str, function: str) -> list[Loop]:
    """Return the innermost loops of the function whose (mangled) name is given."""
    bodies = dict(FUNCTION.findall(ir))
    blocks = _blocks(bodies[function])
    successors = {name: {target for _, target in TARGET.findall(text)} for name, text in blocks.items()}
    marks = dict(re.findall(r"^(!\d+) = (.*)$", ir, re.MULTILINE))
    checks = {name: int(count) for name, count in CHECK.findall(bodies[function])}
    found = []
    for nodes in _innermost(set(blocks), successors, next(iter(blocks))):
        kind, bits = _kind(nodes, blocks, marks)
        found.append(Loop(kind, bits, _fewest(nodes, blocks, successors, checks) if kind == "vectors" else 0))
    return found


def _blocks(body: str) -> dict[str, str]:
    """Return the text of each basic block by its label."""
    labels = list(LABEL.finditer(body))
    ends = [label.start() for label in labels[1:]] + [len(body)]
    return {label.group(2): body[label.end() : end] for label, end in zip(labels, ends, strict=True)}


def _kind(nodes: set[str], blocks: dict[str, str], marks: dict[str, str]) -> tuple[str, int]:
    """Say what a loop of these blocks is, and how wide its widest vectors are."""
    text = "\n".join(blocks[name] for name in nodes)
    widths = [int(count) * BITS[number] for count, number in VECTOR.findall(text)]
    if any(name.startswith("vec.epilog.") or ".prol" in name or ".epil" in name for name in nodes):
        return "rest", 0
    if widths and MASKED.search(text):
        return "masked", 0
    if widths:
        return ("numbers", 0) if BY_CALLS & set(VECTOR_CALL.findall(text)) else ("vectors", max(widths))
    referred = " ".join(marks.get(mark, "") for mark in METADATA.findall(text))
    properties = " ".join(marks.get(mark, "") for mark in re.findall(r"!\d+", referred))
    if "isvectorized" in properties:
        return "rest", 0
    return ("numbers" if NUMBERS.search(text) else "no numbers"), 0


def _fewest(nodes: set[str], blocks: dict[str, str], successors: dict, checks: dict[str, int]) -> int:
    """Return with how many turns the vectors are used: what the checks on the way to a loop say, the last one first."""
    before, seen = set(nodes), set(nodes)
    while before:
        before = {name for name, targets in successors.items() if targets & before} - seen
        seen |= before
        known = [check for name in before for check in CHECKED.findall(blocks[name]) if check in checks]
        if known and not any(name.startswith("vector.main.loop.iter.check") for name in before):
            return min(checks[check] for check in known)
    return 0


def _innermost(nodes: set[str], successors: dict[str, set[str]], entry: str) -> Iterator[set[str]]:
    """Yield the blocks of each loop that has no loop inside: a cycle that ends when its first block is taken out."""
    for part in _cycles(nodes, successors):
        heads = {t for name, targets in successors.items() if name not in part for t in targets} & part
        head = min(heads) if heads else entry
        inner = list(_innermost(part - {head}, successors, entry))
        yield from inner or [part]


def _cycles(nodes: set[str], successors: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected parts of a graph that have a cycle (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []
    for start in sorted(nodes):
        if start in order:
            continue
        walk = [(start, iter(sorted(successors[start] & nodes)))]
        order[start] = low[start] = len(order)
        stack.append(start)
        while walk:
            name, targets = walk[-1]
            target = next(targets, None)
            if target is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[name])
                if low[name] == order[name]:
                    at = stack.index(name)
                    part = set(stack[at:])
                    del stack[at:]
                    if len(part) > 1 or name in successors[name]:
                        found.append(part)
            elif target not in order:
                order[target] = low[target] = len(order)
                stack.append(target)
                walk.append((target, iter(sorted(successors[target] & nodes))))
            elif target in stack:
                low[name] = min(low[name], order[target])
    return found
