"""Networks as scikit-learn's estimators: ``fit``, ``predict``, ``score``, and all that scikit-learn makes of these.

Cross-validation, searches for good settings and pipelines know no networks; they know objects with these methods. The
two classes here put them around a Module, under the names and with the arguments that are common for it (skorch's).
``python -m pip install 'tinygrad_edu[sklearn]'`` installs what they need.

References
----------
https://scikit-learn.org/stable/developers/develop.html, which says what an estimator is
https://skorch.readthedocs.io/en/stable/classifier.html

Examples
--------
>>> from sklearn.datasets import load_iris
>>> from sklearn.model_selection import cross_val_score
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from tinygrad_edu import nn
>>> from tinygrad_edu.estimator import NeuralNetClassifier
>>> net = NeuralNetClassifier(nn.Linear, lr=0.1, random_state=0)  # logistic regression
>>> X, y = load_iris(return_X_y=True)
>>> bool(cross_val_score(make_pipeline(StandardScaler(), net), X, y).mean() > 0.9)
True
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError:
    raise ImportError("this needs scikit-learn: python -m pip install 'tinygrad_edu[sklearn]'") from None

__all__ = ["NeuralNetClassifier", "NeuralNetRegressor"]

PREFIXES = ("module__", "criterion__", "optimizer__")


class _NeuralNet(BaseEstimator):  # type: ignore[misc]
    """What both have in common: a training loop with its settings, and batches of outputs."""

    def __init__(
        self,
        module: Callable[..., nn.Module] | nn.Module,
        *,
        criterion: Callable[..., nn.Module] | None = None,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        lr: float = 0.01,
        max_epochs: int = 10,
        batch_size: int = 32,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        dtype: torch.dtype | None = None,
        device: Any = "cpu",
        random_state: Any = None,
        verbose: bool = False,
        **options: Any,
    ) -> None:
        self.module = module
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.dtype = dtype
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        for name, value in options.items():  # scikit-learn wants them to be looked at in fit, not here
            setattr(self, name, value)

    # ---- parameters: those of __init__, and arguments of module, criterion and optimizer by their prefix --------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all settings by name, also ``module__...`` and their like."""
        return {
            name: value
            for name, value in vars(self).items()
            if not (name.startswith("_") or name.endswith("_"))
        }

    def set_params(self, **params: Any) -> Any:
        """Change settings by name; return the estimator itself."""
        super().set_params(**{name: params[name] for name in params if not name.startswith(PREFIXES)})
        for name in params:
            if name.startswith(PREFIXES):
                setattr(self, name, params[name])
        return self

    def _options_of(self, part: str) -> dict[str, Any]:
        """Return the arguments of module, criterion or optimizer, without their prefix."""
        prefix = f"{part}__"
        return {
            name.removeprefix(prefix): value for name, value in vars(self).items() if name.startswith(prefix)
        }

    # ---- training ------------------------------------------------------------------------------------------

    def _fit(self, x: np.ndarray, targets: np.ndarray, outputs: int, labels: np.ndarray | None) -> None:
        """Train a new network on (n, ...) inputs and n targets; ``labels`` are to be as frequent in both parts."""
        self._check_settings()
        with torch.random.fork_rng(enabled=self.random_state is not None):
            if self.random_state is not None:
                torch.manual_seed(int(check_random_state(self.random_state).randint(2**31 - 1)))
            self.module_ = self._make_module(x.shape[1], outputs).to(self.device)
            criterion = (self.criterion or self._criterion)(**self._options_of("criterion")).to(self.device)
            valid = None
            if self.patience is not None:
                x, valid_x, targets, valid_targets = train_test_split(
                    x,
                    targets,
                    test_size=self.validation_fraction,
                    random_state=int(torch.randint(2**31 - 1, ())),
                    stratify=labels,
                )
                valid = self._tensors(valid_x, valid_targets)
            self._train(criterion, self._tensors(x, targets), valid)

    def _check_settings(self) -> None:
        known = inspect.signature(type(self)).parameters
        for name in self.get_params():
            if name not in known and not name.startswith(PREFIXES):
                raise TypeError(f"{type(self).__name__}: got an unexpected keyword argument {name!r}")
        for name, least in (("max_epochs", 1), ("batch_size", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{type(self).__name__}: expected {name} of at least {least}, got {value}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"{type(self).__name__}: expected validation_fraction between 0 and 1, got {self.validation_fraction}"
            )

    def _make_module(self, inputs: int, outputs: int) -> nn.Module:
        """Make the network, or copy the one that was given; tell it the sizes that the data have."""
        if isinstance(self.module, nn.Module):
            module = copy.deepcopy(self.module)
        else:
            sizes = {"in_features": inputs, "out_features": outputs}
            wanted = inspect.signature(self.module).parameters
            sizes = {name: size for name, size in sizes.items() if name in wanted}
            module = self.module(**(sizes | self._options_of("module")))
        return module.to(self._dtype()) if self._dtype().is_floating_point else module

    def _train(self, criterion: nn.Module, train: TensorDataset, valid: TensorDataset | None) -> None:
        """Train for all epochs, or until the loss on ``valid`` has not fallen for ``patience`` of them."""
        module, best, best_epoch, best_weights = self.module_, math.inf, 0, None
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizer = self.optimizer(parameters, lr=self.lr, **self._options_of("optimizer"))
        self.history_: list[dict[str, float]] = []
        for epoch in range(1, self.max_epochs + 1):
            module.train()
            loader = DataLoader(train, batch_size=self.batch_size, shuffle=True)
            losses = [
                len(x) * self._step(criterion, optimizer, x.to(self.device), targets.to(self.device))
                for x, targets in loader
            ]
            self.history_.append({"epoch": epoch, "train_loss": sum(losses) / len(train)})
            if valid is not None:
                loss = self._loss_on(criterion, *valid.tensors)
                self.history_[-1]["valid_loss"] = loss
                if loss < best:
                    best, best_epoch, best_weights = loss, epoch, copy.deepcopy(module.state_dict())
            if self.verbose:
                print("  ".join(f"{name} {value:.5g}" for name, value in self.history_[-1].items()))
            if self.patience is not None and epoch - best_epoch >= self.patience:
                break
        if best_weights is not None:
            module.load_state_dict(best_weights)
        self.n_iter_ = len(self.history_)

    def _step(
        self, criterion: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, targets: Tensor
    ) -> float:
        """Make one step of the optimizer; return the loss before it."""

        def loss_and_gradients() -> Tensor:
            optimizer.zero_grad()
            loss: Tensor = criterion(self._shaped(self.module_(x)), targets)
            loss.backward()
            return loss

        return float(optimizer.step(loss_and_gradients))  # LBFGS calls it more than once

    @torch.no_grad()
    def _loss_on(self, criterion: nn.Module, x: Tensor, targets: Tensor) -> float:
        outputs = self._outputs(x)
        return float(criterion(self._shaped(outputs.to(self.device)), targets.to(self.device)))

    # ---- from arrays to tensors and back ---------------------------------------------------------------------

    def _dtype(self) -> torch.dtype:
        return torch.get_default_dtype() if self.dtype is None else self.dtype

    def _checked(self, x: Any, **options: Any) -> Any:
        """Let scikit-learn check inputs, or inputs and targets: their kind, their number, their columns."""
        return validate_data(self, x, dtype=self._dtype().numpy_dtype, allow_nd=True, **options)

    def _tensors(self, x: np.ndarray, targets: np.ndarray) -> TensorDataset:
        return TensorDataset(torch.tensor(x, dtype=self._dtype()), torch.tensor(targets))

    def _shaped(self, outputs: Tensor) -> Tensor:
        """Give outputs the shape that the criterion wants beside the targets."""
        return outputs

    @torch.no_grad()
    def _outputs(self, x: Tensor) -> Tensor:
        """Return what the network says of inputs, on the CPU."""
        self.module_.eval()
        return torch.cat([self.module_(part.to(self.device)).cpu() for part in x.split(self.batch_size)])

    def _predicted(self, x: Any) -> Tensor:
        check_is_fitted(self)
        return self._outputs(torch.tensor(self._checked(x, reset=False), dtype=self._dtype()))


class NeuralNetClassifier(ClassifierMixin, _NeuralNet):  # type: ignore[misc]
    """A network that tells classes apart, as an estimator of scikit-learn.

    Parameters
    ----------
    module : callable or Module
        What makes the network, a class or a function; it is called in ``fit`` with the arguments ``module__...``, and
        with ``in_features`` (``X.shape[1]``) and ``out_features`` (the number of classes) if it has arguments of these
        names. A Module is copied, and trained from the weights that it has. The network returns scores, (n, classes).
    criterion : callable, optional
        What makes the loss of scores and class numbers; ``nn.CrossEntropyLoss`` if left out.
    optimizer : callable
        Called with the parameters that require a gradient, ``lr`` and the arguments ``optimizer__...``.
    lr : float
        The learning rate.
    max_epochs : int
        How often to go through the data.
    batch_size : int
        The number of samples a step.
    patience : int, optional
        Early stopping: a part of the data is set aside, training ends when the loss on it has not fallen for so many
        epochs, and the weights of the best epoch are taken. Without it all data are trained on, to the end.
    validation_fraction : float
        How large that part is.
    dtype : dtype, optional
        What inputs become; floating-point parameters as well. The default dtype if left out; int64 for an embedding.
    device : device
        Where to compute.
    random_state : int or RandomState, optional
        Weights, batches and the part that is set aside are drawn from it. Without it they are drawn from this
        engine's generator, as ``manual_seed`` left it.
    verbose : bool
        Print the losses of every epoch.
    **options
        ``module__NAME``, ``criterion__NAME`` and ``optimizer__NAME`` are arguments of these three.

    Attributes
    ----------
    module_ : Module
        The trained network.
    classes_ : array
        The labels, sorted.
    history_ : list of dict
        The losses of every epoch: ``train_loss``, and with early stopping ``valid_loss``.
    n_iter_ : int
        The number of epochs.

    References
    ----------
    https://scikit-learn.org/stable/developers/develop.html
    L. Prechelt: "Early Stopping - But When?", in: Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    A search for the size of the hidden layer:

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from tinygrad_edu import nn
    >>> from tinygrad_edu.estimator import NeuralNetClassifier
    >>> def network(in_features, out_features, hidden):
    ...     return nn.Sequential(nn.Linear(in_features, hidden), nn.ReLU(), nn.Linear(hidden, out_features))
    >>> net = NeuralNetClassifier(network, module__hidden=4, max_epochs=15, random_state=0)
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(net, {"module__hidden": [1, 16]}, cv=3).fit(X, y)
    >>> search.best_params_
    {'module__hidden': 16}
    >>> search.predict_proba(X[:2]).shape
    (2, 3)
    """

    _criterion = nn.CrossEntropyLoss

    def fit(self, X: Any, y: Any) -> NeuralNetClassifier:
        """Train a new network on inputs, (n, features) or (n, ...), and n labels of any kind."""
        X, y = self._checked(X, y=y)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: expected at least two classes, got one class: {self.classes_[0]}"
            )
        self._fit(X, numbers, len(self.classes_), labels=numbers)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, (n, classes)."""
        return self._predicted(X).softmax(dim=1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable labels."""
        numbers = self._predicted(X).argmax(dim=1).numpy()
        return self.classes_[numbers]


class NeuralNetRegressor(RegressorMixin, _NeuralNet):  # type: ignore[misc]
    """A network that predicts numbers, as an estimator of scikit-learn.

    The parameters are those of :class:`NeuralNetClassifier`, but ``out_features`` is the number of targets, and the
    loss ``nn.MSELoss`` if left out. For one target the network may return (n, 1) or (n,).

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import nn
    >>> from tinygrad_edu.estimator import NeuralNetRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> net = NeuralNetRegressor(
    ...     nn.Linear, optimizer=torch.optim.SGD, lr=0.1, max_epochs=100, patience=5, random_state=0
    ... )
    >>> net = net.fit(X, 3 * X[:, 0] + 1)
    >>> net.predict([[0.5]]).round(2)
    array([2.5], dtype=float32)
    >>> net.n_iter_ < 100
    True
    """

    _criterion = nn.MSELoss

    def fit(self, X: Any, y: Any) -> NeuralNetRegressor:
        """Train a new network on inputs, (n, features) or (n, ...), and targets, (n,) or (n, targets)."""
        X, y = self._checked(X, y=y, multi_output=True, y_numeric=True)
        self._one_target = y.ndim == 1
        self._fit(X, y.astype(self._target_dtype()), 1 if y.ndim == 1 else y.shape[1], labels=None)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions, (n,) or (n, targets)."""
        return self._shaped(self._predicted(X)).numpy()

    def _target_dtype(self) -> Any:
        dtype = self._dtype() if self._dtype().is_floating_point else torch.get_default_dtype()
        return dtype.numpy_dtype

    def _shaped(self, outputs: Tensor) -> Tensor:
        return outputs.squeeze(1) if self._one_target and outputs.ndim == 2 else outputs
