"""The formulas of operations in which elements meet: sums, products of matrices, layers, losses, and moves of elements.

One row an operation: what is computed, and what each input gets. An element is written x[i]; dimensions that all
elements have in common (batches, other dimensions than the one that is summed over) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.learn.formulas.formula import Formula


def whole(
    name: str, expression: str, gradients: Mapping[str, str], note: str = "", without: tuple[str, ...] = ()
) -> Formula:
    """Return a row."""
    return Formula(name, expression, {}, gradients, without, note)


PRODUCTS = [
    whole("MatMul", "out = a @ b", {"a": "g @ b.T", "b": "a.T @ g"}),
    whole(
        "Linear",
        "out = x @ weight.T + bias",
        {"x": "g @ weight", "weight": "g.T @ x", "bias[i]": "sum[n](g[n, i])"},
    ),
    whole("Inverse", "out = inv(a)", {"a": "-out.T @ g @ out.T"}),
    whole("Solve", "out = inv(a) @ b", {"b": "inv(a.T) @ g", "a": "-inv(a.T) @ g @ out.T"}),
    whole("Det", "out = det(a)", {"a": "g * out * inv(a.T)"}),
]

EQUALS = "elements that are equal to it share the gradient"

REDUCTIONS = [
    whole("Sum", "out = sum[i](x[i])", {"x[i]": "g"}),
    whole("Mean", "out = sum[i](x[i]) / n", {"x[i]": "g / n"}, "n is how many there are"),
    whole("Prod", "out = prod[i](x[i])", {"x[i]": "g * prod[j != i](x[j])"}),
    whole("Var", "m = sum[i](x[i]) / n; out = sum[i]((x[i] - m) ** 2) / (n - correction)",
          {"x[i]": "g * 2 * (x[i] - m) / (n - correction)"}),
    whole("LogSumExp", "out = log(sum[i](exp(x[i])))", {"x[i]": "g * exp(x[i] - out)"}),
    whole("Extremum", "out = max[i](x[i])", {"x[i]": "g * [x[i] == out] / sum[j]([x[j] == out])"},
          f"{EQUALS}; the smallest in the same way"),
    whole("ExtremumAlongDim", "k = argmax[i](x[i]); out = x[k]", {"x[i]": "g * [i == k]"},
          "the smallest in the same way"),
    whole("Median", "out = median[i](x[i])", {"x[i]": "g * [x[i] == out] / sum[j]([x[j] == out])"}, EQUALS),
    whole("Cumsum", "out[i] = sum[j <= i](x[j])", {"x[i]": "sum[j >= i](g[j])"}),
    whole("Cumprod", "out[i] = prod[j <= i](x[j])", {"x[k]": "sum[i >= k](g[i] * prod[j <= i, j != k](x[j]))"}),
    whole("LogCumsumExp", "out[i] = log(sum[j <= i](exp(x[j])))", {"x[k]": "sum[i >= k](g[i] * exp(x[k] - out[i]))"}),
]  # fmt: skip

SOFTMAX = [
    whole("Softmax", "out[i] = exp(x[i]) / sum[j](exp(x[j]))", {"x[i]": "out[i] * (g[i] - sum[j](g[j] * out[j]))"}),
    whole("LogSoftmax", "out[i] = x[i] - log(sum[j](exp(x[j])))", {"x[i]": "g[i] - exp(out[i]) * sum[j](g[j])"}),
    whole("SoftmaxCrossEntropy",
          "p[r, i] = exp(logits[r, i]) / sum[j](exp(logits[r, j])); out = -sum[r](log(p[r, target[r]])) / n",
          {"logits[r, i]": "g / n * (p[r, i] - [i == target[r]])"},
          "n is the number of rows of a mean, 1 of a sum; without a reduction every row has its own loss; class "
          "weights multiply the row, and are counted in n", ("target", "weight")),
]  # fmt: skip

LAYERS = [
    whole("Conv2d",
          "out[n, o, i, j] = bias[o] + "
          "sum[c, k, l](weight[o, c, k, l] * x[n, c, i * s + k * d - p, j * s + l * d - p])",
          {"x[n, c, u, v]": "sum[o, i, j, k, l, i * s + k * d - p == u, j * s + l * d - p == v]"
                            "(g[n, o, i, j] * weight[o, c, k, l])",
           "weight[o, c, k, l]": "sum[n, i, j](g[n, o, i, j] * x[n, c, i * s + k * d - p, j * s + l * d - p])",
           "bias[o]": "sum[n, i, j](g[n, o, i, j])"},
          "s is the stride, d the dilation, p the padding; outside the image x is 0"),
    whole("MaxPool2d", "k[i] = argmax[j in window[i]](x[j]); out[i] = x[k[i]]", {"x[j]": "sum[i, k[i] == j](g[i])"},
          "i is the position of an output, j that of a pixel"),
    whole("AvgPool2d", "out[i] = sum[j in window[i]](x[j]) / n", {"x[j]": "sum[i, j in window[i]](g[i]) / n"},
          "i is the position of an output, j that of a pixel; a window has n pixels"),
    whole("AdaptiveAvgPool2d", "out[i] = sum[j in window[i]](x[j]) / n[i]",
          {"x[j]": "sum[i, j in window[i]](g[i] / n[i])"}, "window i has n_i pixels"),
    whole("Embedding", "out[i] = weight[indices[i]]", {"weight[r]": "sum[i, indices[i] == r](g[i])"},
          "a row that is looked up twice gets both gradients", ("indices",)),
    whole("SumBags", "out[b] = sum[i, bag[i] == b](rows[i])", {"rows[i]": "g[bag[i]]"}, "", ("bag",)),
    whole("Attention", "P = softmax(scale * query @ key.T + mask); out = P @ value",
          {"query": "D = g @ value.T; scale * (P * (D - rowsum(P * D))) @ key",
           "key": "D = g @ value.T; scale * (P * (D - rowsum(P * D))).T @ query", "value": "P.T @ g"},
          "softmax of every row; D is what P gets", ("mask",)),
]  # fmt: skip

STATISTICS = (
    "m{0} = sum[i](x{1}) / n; v{0} = sum[i]((x{1} - m{0}) ** 2) / n; "
    "x_hat{1} = (x{1} - m{0}) / sqrt(v{0} + eps)"
)

NORMS = [
    whole("Normalize", f"{STATISTICS.format('', '[i]')}; out[i] = x_hat[i]",
          {"x[i]": "(g[i] - sum[j](g[j]) / n - x_hat[i] * sum[j](g[j] * x_hat[j]) / n) / sqrt(v + eps)"},
          "m is the mean and v the variance of n numbers"),
    whole("LayerNorm", f"{STATISTICS.format('[r]', '[r, i]')}; out[r, i] = weight[i] * x_hat[r, i] + bias[i]",
          {"x[r, i]": "h[r, i] = g[r, i] * weight[i]; (h[r, i] - sum[j](h[r, j]) / n - x_hat[r, i] * "
                      "sum[j](h[r, j] * x_hat[r, j]) / n) / sqrt(v[r] + eps)",
           "weight[i]": "sum[r](g[r, i] * x_hat[r, i])", "bias[i]": "sum[r](g[r, i])"},
          "of every row r: m is the mean and v the variance of its n numbers"),
    whole("BatchNorm", f"{STATISTICS.format('[c]', '[i, c]')}; out[i, c] = weight[c] * x_hat[i, c] + bias[c]",
          {"x[i, c]": "h[i, c] = g[i, c] * weight[c]; (h[i, c] - sum[j](h[j, c]) / n - x_hat[i, c] * "
                      "sum[j](h[j, c] * x_hat[j, c]) / n) / sqrt(v[c] + eps)",
           "weight[c]": "sum[i](g[i, c] * x_hat[i, c])", "bias[c]": "sum[i](g[i, c])"},
          "of every channel c: m is the mean and v the variance of its n numbers, over the batch and all positions"),
]  # fmt: skip

APART = "out[k] = x[places[k]]", {"x[places[k]]": "g[k]"}

SHAPES = [
    whole("Reshape", "out = reshape(x, shape)", {"x": "reshape(g, x.shape)"}, "the same numbers in the same order"),
    whole("ReshapeCopy", "out = reshape(x, shape)", {"x": "reshape(g, x.shape)"}, "the same numbers in the same order"),
    whole("Permute", "out = permute(x, dims)", {"x": "permute(g, inverse(dims))"}, "the dimensions in another order"),
    whole("Expand", "out[k, i] = x[i]", {"x[i]": "sum[k](g[k, i])"}, "k counts the copies, whose gradients add up"),
    whole("Flip", "out[i] = x[n - 1 - i]", {"x[i]": "g[n - 1 - i]"}),
    whole("Roll", "out[i] = x[(i - shifts) % n]", {"x[i]": "g[(i + shifts) % n]"}),
    whole("Cat", "out = cat(tensors)", {"tensors[k]": "g[start[k]:start[k + 1]]"}, "each gets its own piece"),
    whole("Stack", "out[k] = tensors[k]", {"tensors[k]": "g[k]"}),
    whole("Split", *APART, "an output that nobody uses counts as 0"),
    whole("SplitWithSizes", *APART, "an output that nobody uses counts as 0"),
    whole("Unbind", *APART, "the outputs have lost the dimension"),
    whole("PutTogether", "out[places[k]] = pieces[k]", {"pieces[k]": "g[places[k]]"}),
    whole("ConstantPad", "out[i] = x[i - left] if 0 <= i - left < n else value", {"x[j]": "g[j + left]"},
          "left is the width of the border before x"),
    whole("Triangle", "out[i, j] = x[i, j] if j <= i + diagonal else 0",
          {"x[i, j]": "g[i, j] if j <= i + diagonal else 0"}, "of an upper triangle, with >= instead"),
    whole("Diagonal", "out[i] = x[i, i + offset]", {"x[i, j]": "g[i] if j == i + offset else 0"}),
    whole("Unfold", "out[l, k] = x[l * step + k]", {"x[j]": "sum[l, k, l * step + k == j](g[l, k])"}),
]  # fmt: skip

INDEXING = [
    whole("GetItem", "out[i] = x[index[i]]", {"x[j]": "sum[i, index[i] == j](g[i])"},
          "back to where the elements were, 0 elsewhere"),
    whole("GetItems", "out[i] = x[index[i]]", {"x[j]": "sum[i, index[i] == j](g[i])"},
          "an element that is taken twice gets both gradients"),
    whole("IndexPutZeros", "out[j] = sum[i, index[i] == j](values[i])", {"values[i]": "g[index[i]]"}),
    whole("SetItem", "out[j] = x[j]; out[index[i]] = value[i]",
          {"x[j]": "0 if j in index else g[j]", "value[i]": "g[index[i]]"}),
    whole("Gather", "out[i] = x[index[i]]", {"x[j]": "sum[i, index[i] == j](g[i])"}, "along a dimension"),
    whole("ScatterZeros", "out[j] = sum[i, index[i] == j](values[i])", {"values[i]": "g[index[i]]"},
          "along a dimension", ("index",)),
    whole("Scatter", "out[j] = x[j]; out[index[i]] = values[i]",
          {"x[j]": "0 if j in index else g[j]", "values[i]": "g[index[i]]"}, "along a dimension"),
]  # fmt: skip

RECURRENT = [
    whole("RNNLayer", "h[t] = tanh(gates[t] + weight_hh @ h[t - 1])",
          {"h[t]": "g[t] + weight_hh.T @ d_a[t + 1]", "gates[t]": "d_h[t] * (1 - h[t] ** 2)"},
          "time runs backward; g is what a state gets from outside, d_h all that it gets, d_a what gates gets; a ReLU "
          "has its own derivative in the place of 1 - h^2"),
    whole("LSTMLayer",
          "a[t] = gates[t] + weight_hh @ h[t - 1]; i[t] = sigmoid(a_i[t]); f[t] = sigmoid(a_f[t]); "
          "u[t] = tanh(a_u[t]); o[t] = sigmoid(a_o[t]); c[t] = f[t] * c[t - 1] + i[t] * u[t]; h[t] = o[t] * tanh(c[t])",
          {"h[t]": "g[t] + weight_hh.T @ d_a[t + 1]",
           "c[t]": "d_h[t] * o[t] * (1 - tanh(c[t]) ** 2) + f[t + 1] * d_c[t + 1]",
           "a_i[t]": "d_c[t] * u[t] * i[t] * (1 - i[t])", "a_f[t]": "d_c[t] * c[t - 1] * f[t] * (1 - f[t])",
           "a_u[t]": "d_c[t] * i[t] * (1 - u[t] ** 2)", "a_o[t]": "d_h[t] * tanh(c[t]) * o[t] * (1 - o[t])"},
          "time runs backward; d_a, d_c and d_h are what a, c and h get, and gates get what a gets. From a cell to the "
          "one before the gradient goes through the forget gate f alone, so it does not fade over many steps"),
    whole("GRULayer",
          "m[t] = weight_hh @ h[t - 1] + bias_hh; r[t] = sigmoid(a_r[t] + m_r[t]); z[t] = sigmoid(a_z[t] + m_z[t]); "
          "n[t] = tanh(a_n[t] + r[t] * m_n[t]); h[t] = (1 - z[t]) * n[t] + z[t] * h[t - 1]",
          {"h[t]": "g[t] + z[t + 1] * d_h[t + 1] + weight_hh.T @ d_m[t + 1]",
           "a_n[t]": "d_h[t] * (1 - z[t]) * (1 - n[t] ** 2)",
           "a_z[t]": "d_h[t] * (h[t - 1] - n[t]) * z[t] * (1 - z[t])",
           "a_r[t]": "d_h[t] * (1 - z[t]) * (1 - n[t] ** 2) * m_n[t] * r[t] * (1 - r[t])"},
          "a_t are the three parts of gates_t, m_t those of the products with the state before; d_h and d_m are what "
          "they get; time runs backward"),
]  # fmt: skip

WHOLE = [
    *PRODUCTS, *REDUCTIONS, *SOFTMAX, *LAYERS, *NORMS, *SHAPES, *INDEXING, *RECURRENT,
    whole("AccumulateGrad", "variable.grad += g", {}, "the end of the graph: what arrives is added"),
]  # fmt: skip
