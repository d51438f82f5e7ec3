"""How good is a network? Cross-validation, a confusion matrix, and what accuracy does not say.

    python -m pip install 'tinygrad_edu[sklearn]'
    python demos/23_validation.py                 three networks for digits, of which one is chosen and looked at
    python demos/23_validation.py --device gpu    on an NVIDIA card; --device auto: if there is one

NeuralNetClassifier makes a network an estimator of scikit-learn, which does all the rest: it trains and tests each
network on five splits of the same digits, so that one can see whether a difference is more than chance. The chosen
one reads test digits that no choice was made by. Read the file from the bottom: ``main`` tells the story, the
functions above it are the steps.

References
----------
https://scikit-learn.org/stable/modules/cross_validation.html
https://scikit-learn.org/stable/modules/model_evaluation.html
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import StratifiedKFold, cross_val_score

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.estimator import NeuralNetClassifier
from tinygrad_edu.vision import datasets

FOLDS = 5
TRAIN, TEST = 3_000, 2_000
QUICK_TRAIN, QUICK_TEST = 500, 300
WANTED = 8  # the digit that is looked for among all others


class MLP(nn.Module):
    """784 pixels -> hidden units -> 10 scores."""

    def __init__(self, in_features: int, out_features: int, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden), nn.ReLU(), nn.Linear(hidden, out_features)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores, (n, 10), of (n, 784) images."""
        return self.layers(images)


def load_digits(train: bool, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ``count`` digits: (n, 784) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    return (images.reshape(len(images), -1) / 255).astype(np.float32), labels


def candidates(epochs: int, device: torch.device, seed: int) -> dict[str, NeuralNetClassifier]:
    """Return the networks to choose from, each with a part of its data set aside to stop in time."""
    settings = {"max_epochs": epochs, "lr": 0.003, "batch_size": 50, "patience": 4}
    settings |= {"device": device, "random_state": seed}
    return {
        "no hidden layer": NeuralNetClassifier(nn.Linear, **settings),
        "16 hidden units": NeuralNetClassifier(MLP, module__hidden=16, **settings),
        "64 hidden units": NeuralNetClassifier(MLP, module__hidden=64, **settings),
    }


def cross_validate(
    networks: dict[str, NeuralNetClassifier], images: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Return for each network its accuracies on five parts, each time trained on the other four."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)  # for all the same ones
    scores = {}
    for name, network in networks.items():
        scores[name] = 100 * cross_val_score(network, images, labels, cv=folds, error_score="raise")
        mean, spread = scores[name].mean(), scores[name].std(ddof=1)
        print(f"{name}: accuracy {mean:.2f} %, from fold to fold +- {spread:.2f}")
    return scores


def print_digits(labels: np.ndarray, guesses: np.ndarray, probabilities: np.ndarray) -> None:
    """Print for each digit how many of those that are called so are, how many are found, and how well both go."""
    table = precision_recall_fscore_support(labels, guesses, zero_division=0)
    print("digit  precision  recall     F1  ROC-AUC")
    for digit, (precision, recall, f1, _) in enumerate(zip(*table, strict=True)):
        area = roc_auc_score(labels == digit, probabilities[:, digit])
        print(f"{digit:5d} {precision:10.3f} {recall:7.3f} {f1:6.3f} {area:8.4f}")
    area = roc_auc_score(labels, probabilities, multi_class="ovr")
    print(f" mean {np.mean(table[0]):10.3f} {np.mean(table[1]):7.3f} {np.mean(table[2]):6.3f} {area:8.4f}")


def print_one_against_all(found: np.ndarray, probabilities: np.ndarray) -> None:
    """Print how an answer that is always no compares with the network's, by accuracy and by F1."""
    for name, answers in (("always no", np.zeros_like(found)), ("the network", probabilities > 0.5)):
        right, f1 = 100 * accuracy_score(found, answers), f1_score(found, answers, zero_division=0)
        print(f"is it an {WANTED}? {name}: accuracy {right:.1f} %, F1 {f1:.3f}")


def plot_scores(axis, scores: dict[str, np.ndarray]) -> None:
    """Draw one point for each fold: points that lie among each other cannot be told apart."""
    for row, values in enumerate(scores.values()):
        axis.plot(values, [row] * len(values), "o", color=f"C{row}", alpha=0.7)
        axis.plot(values.mean(), row, "|", color=f"C{row}", markersize=26)
    axis.set_yticks(range(len(scores)), [name.replace(" hidden", "\nhidden") for name in scores])
    axis.set(title="Cross-validation, five folds", xlabel="accuracy, %", ylim=(len(scores) - 0.5, -0.5))


def plot_confusions(axis, labels: np.ndarray, guesses: np.ndarray) -> None:
    """Draw how often each digit is taken for each other one."""
    matrix = confusion_matrix(labels, guesses, labels=range(10))
    mistakes = np.where(np.eye(10, dtype=bool), 0, matrix)
    axis.imshow(mistakes, cmap="Reds", vmax=max(2 * mistakes.max(), 1))
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axis.text(column, row, count, ha="center", va="center", fontsize=8)
    axis.set(title="Test digits", xlabel="read as", ylabel="is a", xticks=range(10), yticks=range(10))


def plot_thresholds(axes, found: np.ndarray, probabilities: np.ndarray) -> None:
    """Draw what becomes of precision and recall as one asks for more certainty, and the ROC curve."""
    precision, recall, thresholds = precision_recall_curve(found, probabilities)
    axes[0].plot(thresholds, precision[:-1], label="precision")
    axes[0].plot(thresholds, recall[:-1], label="recall")
    axes[0].set(title=f"Is it an {WANTED}?", xlabel="said if the probability is at least")
    axes[0].legend(fontsize=9)
    wrong, right, _ = roc_curve(found, probabilities)
    axes[1].plot(wrong, right, label=f"area {roc_auc_score(found, probabilities):.4f}")
    axes[1].plot([0, 1], [0, 1], ":", color="gray", label="by guessing")
    axes[1].set(xlabel=f"others called {WANTED}, share", ylabel=f"{WANTED}s found, share")
    axes[1].legend(fontsize=9)


def plot(scores: dict, labels: np.ndarray, guesses: np.ndarray, of_one: np.ndarray, path: Path) -> None:
    """Draw the folds, the confusions, and the thresholds of one digit."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(12, 4.8), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[1, 1.3, 0.9])
    plot_scores(left.subplots(), scores)
    plot_confusions(middle.subplots(), labels, guesses)
    plot_thresholds(right.subplots(2, 1), labels == WANTED, of_one)
    save_picture(figure, path)


def main() -> None:
    """Choose a network by cross-validation, then look at it in detail."""
    args = parse(command_line("Judge a network.", "validation.png", epochs=20))
    device = choose_device(torch, args.device)
    epochs = 2 if args.quick else args.epochs
    images, labels = load_digits(train=True, count=QUICK_TRAIN if args.quick else TRAIN)
    test_images, test_labels = load_digits(train=False, count=QUICK_TEST if args.quick else TEST)
    print(f"data: {len(images):,} digits to choose and to learn by, {len(test_images):,} to test on")

    started = time.perf_counter()
    networks = candidates(epochs, device, args.seed)
    scores = cross_validate(networks, images, labels, args.seed)
    best = max(scores, key=lambda name: scores[name].mean())
    network = networks[best].fit(images, labels)
    print(f"chosen: {best}; trained for {time.perf_counter() - started:.1f} s in all")

    probabilities = network.predict_proba(test_images)
    guesses, found = probabilities.argmax(axis=1), test_labels == WANTED
    print_digits(test_labels, guesses, probabilities)
    print_one_against_all(found, probabilities[:, WANTED])
    plot(scores, test_labels, guesses, probabilities[:, WANTED], args.plot)
    print(f"test accuracy: {100 * network.score(test_images, test_labels):.2f} %")


if __name__ == "__main__":
    run(main)
