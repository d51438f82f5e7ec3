"""The picture of a watched training."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.learn.html import page
from tinygrad_edu.learn.watching.findings import FASTEST, SLOWEST, findings, summary
from tinygrad_edu.learn.watching.records import Record

MOST_LINES = 12
"""Of more layers than that a choice is drawn, the first and the last among them."""


def draw(head: Record, records: list[Record], path: str | Path | None = None) -> Any:
    """Draw the records of a training; return the figure, or write it to a file (PNG, SVG, PDF, HTML) and return None.

    Raises
    ------
    ImportError
        If matplotlib is not installed (the extra ``viz``).
    """
    from matplotlib.figure import Figure

    if path is not None and Path(path).suffix == ".html":
        Path(path).write_text(
            page(head["model"], as_html(head, records), [STYLE], [], None), encoding="utf-8"
        )
        return None
    found = findings(head, records)
    figure = Figure(figsize=(13, 7.6 + 0.28 * len(found)), layout="constrained")
    figure.suptitle(summary(head, records), fontsize=11, x=0.01, ha="left", weight="bold")
    axes = figure.subplots(2, 3)
    draw_loss(axes[0, 0], records)
    draw_gradients(axes[0, 1], head, records)
    draw_updates(axes[0, 2], head, records)
    draw_units(axes[1, 0], records)
    draw_spread(axes[1, 1], records)
    draw_histograms(axes[1, 2], head, records)
    if found:
        lines = "\n".join([shortened(finding.text) for finding in found])
        figure.supxlabel(lines, fontsize=9, x=0.01, ha="left", color="#a02020")
    if path is None:
        return figure
    figure.savefig(str(path), dpi=110)
    return None


STYLE = (
    "body { font: 16px sans-serif; max-width: 75em; margin: 1em auto; padding: 0 1em } img { width: 100% }"
)


def shortened(text: str) -> str:
    """Return a sentence that fits into a line of the picture."""
    return "• " + (text if len(text) <= 185 else text[:182] + "...")


def as_html(head: Record, records: list[Record]) -> str:
    """Return the findings, and the picture if matplotlib is installed, for a notebook."""
    lines = "".join([f"<li>{html.escape(finding.text)}</li>" for finding in findings(head, records)])
    said = f"<p>{html.escape(summary(head, records))}</p><ul>{lines}</ul>"
    try:
        figure = draw(head, records)
    except ImportError:
        return said
    png = io.BytesIO()
    figure.savefig(png, dpi=80)
    return f'<img src="data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}">{said}'


def series(records: list[Record], part: str, name: str, key: str) -> tuple[list[int], list[float]]:
    """Return the steps at which something has a number, and these numbers."""
    pairs = [(r["step"], r[part][name].get(key)) for r in records if name in r[part]]
    kept = [(step, x) for step, x in pairs if x is not None]
    return [step for step, _ in kept], [x for _, x in kept]


def chosen(names: list[str]) -> list[str]:
    """Return as many names as can be told apart, evenly from the first to the last."""
    if len(names) <= MOST_LINES:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, MOST_LINES).round().astype(int)]


def weights_of(head: Record) -> list[str]:
    """Return the names of the matrices and filters among the parameters."""
    return chosen([name for name, shape in head["parameters"].items() if len(shape) >= 2])


def colours(n: int) -> list[Any]:
    """Return colours from the first layer, dark, to the last, light."""
    from matplotlib import colormaps

    return list(colormaps["viridis"](np.linspace(0, 0.9, n)))


def lines(axes: Any, curves: dict[str, tuple[list[int], list[float]]]) -> None:
    """Draw a line for each layer."""
    curves = {name: curve for name, curve in curves.items() if curve[0]}
    for colour, (name, (steps, numbers)) in zip(colours(len(curves)), curves.items(), strict=True):
        axes.plot(steps, numbers, color=colour, label=name, linewidth=1.3)
    if curves:
        axes.legend(fontsize=7, loc="best", framealpha=0.7)


def use_log_scale(axes: Any, numbers: list[float]) -> None:
    """Draw on a logarithmic scale, if there is anything above zero."""
    if any(x > 0 and np.isfinite(x) for x in numbers):
        axes.set_yscale("log")


def draw_loss(axes: Any, records: list[Record]) -> None:
    """Draw the loss, and its running mean."""
    axes.set_title("loss")
    axes.set_xlabel("step")
    pairs = [(r["step"], r["loss"]) for r in records if r["loss"] is not None]
    if not pairs:
        return
    steps, losses = np.array([s for s, _ in pairs]), np.array([x for _, x in pairs])
    axes.plot(steps, losses, color="tab:blue", alpha=0.35, linewidth=1)
    width = max(len(losses) // 20, 1)
    if width > 1:
        smooth = np.convolve(losses, np.ones(width) / width, "valid")
        axes.plot(steps[width - 1 :], smooth, color="tab:blue", linewidth=1.8, label=f"mean of {width}")
        axes.legend(fontsize=7)
    for step in steps[~np.isfinite(losses)][:1]:
        axes.axvline(step, color="#a02020", linestyle="--")
        axes.text(step, 0.5, " not finite", color="#a02020", transform=axes.get_xaxis_transform())


def draw_gradients(axes: Any, head: Record, records: list[Record]) -> None:
    """Draw the norms of the gradients: of all parameters, and of each weight."""
    axes.set_title("norm of the gradient (black: all together)")
    axes.set_xlabel("step")
    lines(axes, {name: series(records, "parameters", name, "gradient_norm") for name in weights_of(head)})
    pairs = [(r["step"], r["gradient_norm"]) for r in records if r["gradient_norm"] is not None]
    axes.plot([s for s, _ in pairs], [x for _, x in pairs], color="black", linewidth=1.6)
    use_log_scale(axes, [x for _, x in pairs])


def draw_updates(axes: Any, head: Record, records: list[Record]) -> None:
    """Draw by how much each step changed the weights, beside what is usual."""
    axes.set_title("change of a step / size of the weights")
    axes.set_xlabel("step")
    axes.axhspan(SLOWEST, FASTEST, color="tab:green", alpha=0.12)
    axes.text(
        0.02, SLOWEST * 1.15, "usual", transform=axes.get_yaxis_transform(), fontsize=7, color="#2a7a2a"
    )
    curves = {name: series(records, "parameters", name, "update_ratio") for name in weights_of(head)}
    lines(axes, curves)
    use_log_scale(axes, [SLOWEST])


def draw_units(axes: Any, records: list[Record]) -> None:
    """Draw which share of the outputs of each nonlinearity is 0 or flat, and which share of the units is dead."""
    axes.set_title("outputs that are 0 or saturated (dashed: dead units)")
    axes.set_xlabel("step")
    axes.set_ylim(-0.03, 1.03)
    names = chosen(list(dict.fromkeys([name for r in records for name in r["units"]])))
    curves = {name: series(records, "units", name, "silent") for name in names}
    lines(axes, curves)
    for colour, name in zip(colours(len(names)), names, strict=True):
        steps, dead = series(records, "units", name, "dead")
        if steps:
            count = series(records, "units", name, "units")[1]
            shares = [d / n for d, n in zip(dead, count, strict=True)]
            axes.plot(steps, shares, color=colour, linestyle="--", linewidth=1.3)


def draw_spread(axes: Any, records: list[Record]) -> None:
    """Draw the standard deviation of the output of each layer."""
    axes.set_title("standard deviation of each layer's output")
    axes.set_xlabel("step")
    names = chosen(list(dict.fromkeys([name for r in records for name in r["activations"]])))
    curves = {name or "model": series(records, "activations", name, "std") for name in names}
    lines(axes, curves)
    use_log_scale(axes, [x for _, numbers in curves.values() for x in numbers])


def draw_histograms(axes: Any, head: Record, records: list[Record]) -> None:
    """Draw how the numbers of each weight are spread, at first (grey) and at last (coloured), one above the other."""
    axes.set_title("weights: at first (grey) and at last")
    names = weights_of(head)
    for place, (colour, name) in enumerate(zip(colours(len(names)), names, strict=True)):
        seen = [r["parameters"][name]["histogram"] for r in records if "histogram" in r["parameters"][name]]
        for shape, fill, alpha in ((seen[:1], "grey", 0.45), (seen[-1:], colour, 0.55)):
            for one in shape:
                ridge(axes, one, len(names) - 1 - place, fill, alpha)
    axes.set_yticks(range(len(names)), list(reversed(names)), fontsize=7)
    axes.set_ylim(-0.1, len(names) + 0.1)


def ridge(axes: Any, histogram: Record, base: float, colour: Any, alpha: float) -> None:
    """Draw one histogram as a hill on a line."""
    counts = np.array(histogram["counts"], float)
    if not counts.size or histogram["low"] == histogram["high"]:
        return
    edges = np.linspace(histogram["low"], histogram["high"], counts.size + 1)
    heights = base + 0.9 * counts / counts.max()
    axes.stairs(heights, edges, baseline=base, fill=True, color=colour, alpha=alpha)
