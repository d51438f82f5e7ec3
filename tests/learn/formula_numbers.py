"""The formulas about elements, x[i], computed as they are written: loops over every index, outside of an array 0."""

from __future__ import annotations

import ast
import itertools
import math
import statistics

import numpy as np

from tinygrad_edu.learn.formulas.notation import parse, parse_expression


class Padded:
    """An array that is 0 outside, and whose negative indices are outside."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        inside = all(0 <= i < size for i, size in zip(index, self.array.shape, strict=False))
        return self.array[index] if inside else 0 * self.array[(0,) * len(index)]

    def __contains__(self, number):
        return number in self.array


class Loops(ast.NodeTransformer):
    """Turns sum[j, j != i](x[j]) into sum(x[j] for j in sizes['j'] if j != i)."""

    def __init__(self, bound):
        self.bound = set(bound)

    def visit_Call(self, node):
        if not isinstance(node.func, ast.Subscript):
            return self.generic_visit(node)
        under = node.func.slice.elts if isinstance(node.func.slice, ast.Tuple) else [node.func.slice]
        before, loops = set(self.bound), []
        for part in under:
            index = part if isinstance(part, ast.Name) else part.left
            if isinstance(index, ast.Name) and index.id not in self.bound:
                self.bound.add(index.id)
                loops.append(f"for {index.id} in range(sizes['{index.id}'])")
            if not isinstance(part, ast.Name):
                loops.append(f"if {ast.unparse(self.visit(part))}")
        inner = ast.unparse(self.visit(node.args[0]))
        index = loops[0].split()[1]
        self.bound = before
        name = node.func.value.id
        if name == "argmax":
            return parse_expression(f"max([{index} {' '.join(loops)}], key=lambda {index}: {inner})")
        return parse_expression(f"{name}([{inner} {' '.join(loops)}])")

    def visit_List(self, node):
        return ast.Call(ast.Name("int", ast.Load()), [self.visit(node.elts[0])], [])


def sizes_in(trees, arrays):
    """Return how far every index goes, as the arrays say in which it stands alone."""
    sizes = {}
    for node in itertools.chain(*map(ast.walk, trees)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in arrays:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for part, size in zip(parts, np.shape(arrays[node.value.id]), strict=False):
                if isinstance(part, ast.Name):
                    sizes.setdefault(part.id, size)
    return sizes


FUNCTIONS = {
    "prod": math.prod,
    "median": statistics.median_low,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}


def computed(target, expression, names, sizes):
    """Return the array whose elements are those of the target, x[i, j], or a number.

    With another index, out[index[i]] = value[i], they are written into the array that is there.
    """
    parts = []
    if isinstance(target, ast.Subscript):
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    plain = [part.id for part in parts if isinstance(part, ast.Name)]
    indices = (
        plain
        if len(plain) == len(parts)
        else [n.id for n in ast.walk(parts[0]) if isinstance(n, ast.Name)][1:]
    )
    known = {**FUNCTIONS, "sizes": sizes, **names}
    code = compile(ast.unparse(Loops(indices).visit(expression)), "<formula>", "eval")
    positions = list(np.ndindex(*[sizes[index] for index in indices]))
    elements = [eval(code, {**known, **dict(zip(indices, position, strict=True))}) for position in positions]
    if plain or not parts:
        elements = np.array(np.broadcast_arrays(*elements))
        return elements.reshape([sizes[index] for index in indices] + list(elements.shape[1:]))
    result = names[target.value.id].array.copy()
    for position, element in zip(positions, elements, strict=True):
        result[eval(ast.unparse(parts[0]), {**known, **dict(zip(indices, position, strict=True))})] = element
    return result


def evaluate_elements(formula, values, more_sizes):
    """Return the output, and what each input gets, of a formula about elements."""
    arrays = {name: value for name, value in values.items() if np.ndim(value)}
    written = [formula.expression, *formula.gradients.values(), *formula.gradients]
    sizes = {**sizes_in([step for text in written for step in parse(text)], arrays), **more_sizes}
    names = {name: Padded(value) if name in arrays else value for name, value in values.items()}

    def assign(step, names):
        result = computed(step.targets[0], step.value, names, sizes)
        name = step.targets[0].value.id if isinstance(step.targets[0], ast.Subscript) else step.targets[0].id
        names[name] = Padded(result) if result.ndim else result.item()
        return result

    for step in parse(formula.expression):
        out = assign(step, names)
    gradients = {}
    for key, gradient in formula.gradients.items():
        *steps, last = parse(gradient)
        inner = dict(names)
        for step in steps:
            assign(step, inner)
        target = parse_expression(key)
        gradients[key.partition("[")[0]] = computed(target, last.value, inner, sizes)
    return out, gradients
