"""Train a network to read handwritten digits.

    python demos/train_mnist.py                 a small CNN on the 10,000 digits that come with the package
    python demos/train_mnist.py --model mlp
    python demos/train_mnist.py --device gpu    on an NVIDIA card; --device auto: if there is one
    python demos/train_mnist.py --compile       without building a graph: the same numbers, less time
    python demos/train_mnist.py --download      on the full MNIST: 60,000 digits, 12 MB

Read it from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.cuda_availability import why_cuda_is_missing
from tinygrad_edu.utils.data import DataLoader, Dataset, Subset
from tinygrad_edu.vision import datasets, transforms

QUICK_TRAIN, QUICK_TEST = 1_000, 500
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tinygrad_edu"


class MLP(nn.Module):
    """784 pixels -> 128 hidden units -> 10 scores."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of (n, 1, 28, 28) images."""
        x = torch.flatten(x, 1)  # (n, 784)
        x = F.relu(self.fc1(x))  # (n, 128)
        return self.fc2(x)  # (n, 10)


class CNN(nn.Module):
    """Two convolutions, each with a pooling that halves the image, and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(in_channels=32, out_channels=64, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of (n, 1, 28, 28) images."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (n, 32, 14, 14)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (n, 64, 7, 7)
        x = x.view(-1, 64 * 7 * 7)
        x = F.relu(self.fc1(x))  # (n, 128)
        return self.fc2(x)  # (n, 10)


MODELS = {"mlp": MLP, "cnn": CNN}
OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a network to read handwritten digits.")
    parser.add_argument(
        "--device",
        choices=["cpu", "gpu", "auto"],
        default="cpu",
        help="where to compute; auto: on the GPU if there is one (default: cpu)",
    )
    parser.add_argument("--model", choices=MODELS, default="cnn", help="which network (default: cnn)")
    parser.add_argument(
        "--epochs", type=int, help="passes over the data (default: 3 for the cnn, 5 for the mlp)"
    )
    parser.add_argument("--batch-size", type=int, default=64, help="digits per step (default: 64)")
    parser.add_argument(
        "--lr", type=float, help="learning rate (default: 0.01 for sgd, 0.001 for the others)"
    )
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="how to step (default: adam)")
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same result (default: 0)"
    )
    parser.add_argument("--data-dir", type=Path, help="folder that holds MNIST/raw/*-ubyte(.gz)")
    parser.add_argument("--download", action="store_true", help=f"download the full MNIST to {CACHE}")
    parser.add_argument("--quick", action="store_true", help="one epoch on 1,000 digits, to see that it runs")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write a checkpoint after every epoch")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on from a checkpoint, with its --lr")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", default=Path("learning_curve.png"), help="the picture's name"
    )
    parser.add_argument(
        "--compile", action="store_true", help="run the model from a list of array functions (torch.compile)"
    )
    parser.add_argument("--num-workers", type=int, default=0, help="processes that load data (default: 0)")
    args = parser.parse_args()
    check_arguments(parser, args)
    if args.epochs is None:
        args.epochs = 1 if args.quick else {"cnn": 3, "mlp": 5}[args.model]
    if args.lr is None:
        args.lr = 0.01 if args.optimizer == "sgd" else 0.001
    return args


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Stop with one sentence if something cannot work: now, not after the training."""
    for name, least in (("epochs", 1), ("batch_size", 1), ("num_workers", 0)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f"--{name.replace('_', '-')}: expected at least {least}, got {value}")
    if args.lr is not None and not 0 < args.lr < float("inf"):
        parser.error(f"--lr: expected a number above 0, got {args.lr}")
    for name in ("save", "plot"):
        path = getattr(args, name)
        if path is not None and (not path.parent.is_dir() or path.is_dir()):
            parser.error(f"--{name}: expected a file name in a folder that exists, got {path}")
    if args.data_dir is not None and not args.download and not (args.data_dir / "MNIST" / "raw").is_dir():
        parser.error(f"--data-dir: expected the folder MNIST/raw in {args.data_dir}; --download makes it")


def choose_device(name: str) -> torch.device:
    """Return the device; if there is no GPU and one was asked for, say what is missing and stop."""
    if name == "auto":
        return torch.accelerator.current_accelerator() or torch.device("cpu")
    if name == "gpu" and not torch.cuda.is_available():
        print(f"--device gpu: {why_cuda_is_missing()}", file=sys.stderr)
        sys.exit(2)
    return torch.device(name)


def load_digits(args: argparse.Namespace) -> tuple[Dataset, Dataset, str]:
    """Return training and test set, and where they come from."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    full = args.data_dir or CACHE
    if (
        args.data_dir is not None
        or args.download
        or len(list((CACHE / "MNIST" / "raw").glob("*-ubyte*"))) >= 4
    ):
        train = datasets.MNIST(full, train=True, download=args.download, transform=transform)
        test = datasets.MNIST(full, train=False, download=args.download, transform=transform)
        source = f"MNIST in {full}"
    else:
        train = datasets.MNISTSmall(train=True, transform=transform)
        test = datasets.MNISTSmall(train=False, transform=transform)
        source = "the embedded part of MNIST (--download gets all of it)"
    if args.quick:
        train, test = Subset(train, range(QUICK_TRAIN)), Subset(test, range(QUICK_TEST))
    return train, test, source


def train_epoch(
    model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer, device: torch.device, title: str
) -> list[float]:
    """Go once through the training set; return the loss of every step."""
    model.train()
    losses = []
    with tqdm(loader, desc=title, unit="batch", dynamic_ncols=True) as progress:
        for images, labels in progress:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            progress.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
    return losses


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """Return the share of digits that are read correctly."""
    model.eval()
    correct = total = 0
    for images, labels in loader:
        predicted = model(images.to(device)).argmax(dim=1)
        correct += (predicted == labels.to(device)).sum().item()
        total += labels.size(0)
    return correct / total


def save_checkpoint(
    args: argparse.Namespace, model: nn.Module, optimizer: torch.optim.Optimizer, history: dict
) -> None:
    """Write everything that is needed to go on later as if there had been no break."""
    state = {
        "choices": {"--model": args.model, "--optimizer": args.optimizer},
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": history,
        "random": torch.get_rng_state(),
    }
    torch.save(state, args.save)


def load_checkpoint(args: argparse.Namespace, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict:
    """Put model, optimizer and random numbers back to where a checkpoint was written; return the history."""
    state = torch.load(args.resume, map_location="cpu")  # from whichever device it was written
    now = {"--model": args.model, "--optimizer": args.optimizer}
    if state["choices"] != now:
        raise RuntimeError(
            f"--resume: {args.resume} was written with {state['choices']}, but now it is {now}"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return state["history"]


def plot_learning_curve(history: dict, path: Path, title: str) -> None:
    """Draw the loss of every step and the accuracy after every epoch."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: it needs matplotlib (python -m pip install matplotlib)")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    losses, accuracies = history["losses"], history["accuracies"]
    steps_per_epoch = len(losses) / len(accuracies)
    width = max(len(losses) // 50, 1)
    smooth = [
        sum(losses[max(i - width, 0) : i + 1]) / len(losses[max(i - width, 0) : i + 1])
        for i in range(len(losses))
    ]
    epochs = [(i + 1) / steps_per_epoch for i in range(len(losses))]

    figure, loss_axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    loss_axis.plot(epochs, losses, color="tab:blue", alpha=0.25, linewidth=0.8)
    loss_axis.plot(epochs, smooth, color="tab:blue", label="training loss (cross-entropy)")
    loss_axis.set(
        xlabel="epoch", ylabel="loss", xlim=(0, 1.03 * len(accuracies)), ylim=(0, None), title=title
    )
    accuracy_axis = loss_axis.twinx()
    percent = [100 * a for a in accuracies]
    accuracy_axis.plot(range(1, len(percent) + 1), percent, "o-", color="tab:orange", label="test accuracy")
    accuracy_axis.set(ylabel="accuracy / %", ylim=(min(90.0, *percent) - 2, 100.5))
    accuracy_axis.annotate(
        f"{percent[-1]:.2f} %", (len(percent), percent[-1]), (-8, 8), textcoords="offset points", ha="right"
    )
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"learning curve: {path}")


def main() -> None:
    """Train, test after every epoch, and report."""
    args = parse_arguments()
    device = choose_device(args.device)
    torch.manual_seed(args.seed)

    train_set, test_set, source = load_digits(args)
    print(f"data: {source}: {len(train_set):,} digits to learn from, {len(test_set):,} to test on")
    train_loader = DataLoader(
        train_set, batch_size=args.batch_size, shuffle=True, num_workers=args.num_workers
    )
    test_loader = DataLoader(test_set, batch_size=500)

    model = MODELS[args.model]().to(device)
    optimizer = OPTIMIZERS[args.optimizer](model.parameters(), lr=args.lr)
    print(f"model: {args.model}, {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")

    history: dict = {"losses": [], "accuracies": []}
    if args.resume is not None:
        history = load_checkpoint(args, model, optimizer)
        print(f"resumed after epoch {len(history['accuracies'])} from {args.resume}")
        if len(history["accuracies"]) >= args.epochs:
            print(f"nothing left to train: raise --epochs, which is {args.epochs}")

    called = torch.compile(model) if args.compile else model  # what is saved is the model itself
    started = time.perf_counter()
    for epoch in range(len(history["accuracies"]) + 1, args.epochs + 1):
        history["losses"] += train_epoch(
            called, train_loader, optimizer, device, f"epoch {epoch}/{args.epochs}"
        )
        history["accuracies"].append(accuracy(called, test_loader, device))
        print(f"epoch {epoch}: test accuracy {100 * history['accuracies'][-1]:.2f} %")
        if args.save is not None:
            save_checkpoint(args, model, optimizer, history)
            print(f"checkpoint: {args.save}")
    print(f"trained for {time.perf_counter() - started:.1f} s")

    plot_learning_curve(history, args.plot, f"tinygrad_edu: {args.model} on {source.split(' (')[0]}")
    print(f"test accuracy: {100 * history['accuracies'][-1]:.2f} %")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print(
            "\nstopped; what was printed as checkpoint is whole, and --resume goes on from it",
            file=sys.stderr,
        )
        sys.exit(130)
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # missing or damaged files: one sentence, no traceback
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
