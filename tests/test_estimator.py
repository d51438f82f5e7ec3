"""The estimators: scikit-learn's own checks of all estimators, and what a network has beside that."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.estimator import NeuralNetClassifier, NeuralNetRegressor

pytestmark = pytest.mark.host("scikit-learn knows arrays of NumPy")


class MLP(nn.Sequential):
    def __init__(self, in_features, out_features, hidden=16, dropout=0.0):
        layers = (
            nn.Linear(in_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, out_features),
        )
        super().__init__(*layers)


# ---- scikit-learn's checks ---------------------------------------------------------------------------------

EXPECTED_FAILURES = {
    ("NeuralNetRegressor", None): {
        "check_regressor_multioutput": "predictions are expected as float64; those of a float32 network are float32",
    },
}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get((type(estimator).__name__, estimator.dtype), {})


@parametrize_with_checks(
    [
        NeuralNetClassifier(MLP, max_epochs=40),
        NeuralNetClassifier(MLP, max_epochs=40, dtype=torch.float64),
        NeuralNetRegressor(MLP, max_epochs=60),
        NeuralNetRegressor(MLP, max_epochs=60, dtype=torch.float64),
    ],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_what_scikit_learn_asks_of_all_estimators(estimator, check):
    check(estimator)


# ---- training ----------------------------------------------------------------------------------------------

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NUMBERS, TARGET = make_regression(200, 5, n_informative=5, random_state=0)
TARGET = TARGET / TARGET.std()


def test_fit_is_the_usual_loop():
    """The same numbers as a loop written by hand gives, from the same random numbers."""
    net = NeuralNetClassifier(MLP, lr=0.05, max_epochs=3, batch_size=150, optimizer__weight_decay=0.1)
    torch.manual_seed(3)
    net.fit(X, Y)
    torch.manual_seed(3)
    module = MLP(4, 3)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05, weight_decay=0.1)
    x, labels, losses = torch.tensor(X, dtype=torch.float32), torch.tensor(Y), []
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(module(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose([epoch["train_loss"] for epoch in net.history_], losses, rtol=1e-5)
    np.testing.assert_allclose(net.predict_proba(X), module(x).softmax(1).detach().numpy(), rtol=1e-4)
    assert losses[-1] < losses[0]


def test_the_random_state():
    def weights(random_state):
        return NeuralNetClassifier(MLP, max_epochs=1, random_state=random_state).fit(X, Y).predict_proba(X)

    torch.manual_seed(0)
    expected = torch.rand(3).tolist()
    torch.manual_seed(0)
    first = weights(1)
    assert torch.rand(3).tolist() == expected  # nobody else's random numbers are changed
    np.testing.assert_array_equal(first, weights(1))
    assert not np.array_equal(first, weights(2))
    np.testing.assert_array_equal(weights(np.random.RandomState(5)), weights(np.random.RandomState(5)))
    assert not np.array_equal(weights(None), weights(None))


@pytest.mark.parametrize("patience", [1, 3])
def test_early_stopping(patience):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 20)), rng.integers(0, 2, 60)  # nothing but noise can be learnt
    net = NeuralNetClassifier(
        MLP, max_epochs=200, patience=patience, validation_fraction=0.25, dtype=torch.float64, random_state=0
    )
    net.fit(x, y)
    losses = [epoch["valid_loss"] for epoch in net.history_]
    assert net.n_iter_ == len(losses) == int(np.argmin(losses)) + 1 + patience < 200
    assert net.history_[-1]["train_loss"] < net.history_[0]["train_loss"]
    # The weights are those of the best epoch: as many epochs without patience end there.
    shorter = clone(net).set_params(max_epochs=net.n_iter_ - patience).fit(x, y)
    np.testing.assert_allclose(net.predict_proba(x), shorter.predict_proba(x), rtol=1e-12)


def test_dropout_is_off_when_predicting():
    net = NeuralNetClassifier(MLP, module__dropout=0.5, max_epochs=2, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X))


def test_lbfgs():
    net = NeuralNetRegressor(
        nn.Linear, optimizer=torch.optim.LBFGS, lr=1, max_epochs=5, batch_size=200, dtype=torch.float64
    )
    assert net.fit(NUMBERS, TARGET).score(NUMBERS, TARGET) > 1 - 1e-10


def test_a_module_is_copied_and_trained_further():
    module = MLP(4, 3)
    for parameter in module[0].parameters():
        parameter.requires_grad_(False)
    before = {name: value.numpy().copy() for name, value in module.state_dict().items()}
    net = NeuralNetClassifier(module, max_epochs=1, batch_size=150).fit(X, Y)
    for name, value in module.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
        after = net.module_.state_dict()[name].numpy()
        assert np.array_equal(after, before[name]) == name.startswith("0.")
        np.testing.assert_allclose(after, before[name], atol=0.02)


def test_inputs_of_any_shape_and_dtype():
    def images(out_features):
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, out_features))

    def words(out_features):
        return nn.Sequential(nn.Embedding(20, 4), nn.Flatten(), nn.Linear(28, out_features))

    rng = np.random.default_rng(0)
    labels = np.array(["no", "yes"])[np.arange(60) % 2]
    x = rng.random((60, 1, 8, 8)) + (labels == "yes").reshape(-1, 1, 1, 1)
    assert NeuralNetClassifier(images, max_epochs=20, random_state=0).fit(x, labels).score(x, labels) > 0.95
    x = rng.integers(0, 10, (60, 7)) + 10 * (labels == "yes").reshape(-1, 1)
    net = NeuralNetClassifier(words, max_epochs=20, dtype=torch.int64, random_state=0).fit(x, labels)
    assert net.score(x, labels) == 1
    assert set(net.predict(x)) == {"no", "yes"}


def test_several_targets():
    both = np.stack([TARGET, -TARGET], axis=1)
    net = NeuralNetRegressor(MLP, max_epochs=60, random_state=0).fit(NUMBERS, both)
    assert net.predict(NUMBERS).shape == (200, 2)
    assert net.score(NUMBERS, both) > 0.95
    assert net.fit(NUMBERS, TARGET).predict(NUMBERS).shape == (200,)


# ---- settings ----------------------------------------------------------------------------------------------


def test_settings_of_the_parts():
    net = NeuralNetClassifier(MLP, module__hidden=3, criterion__label_smoothing=0.1)
    assert net.get_params()["module__hidden"] == 3
    assert clone(net).get_params() == net.get_params()
    net.set_params(module__hidden=5, optimizer__betas=(0.8, 0.9), lr=0.1)
    assert net.fit(X, Y).module_[0].weight.shape == (5, 4)
    assert clone(net).get_params() == net.get_params()
    assert "module__hidden=5" in repr(net)
    with pytest.raises(ValueError, match="Invalid parameter 'max_epoch'"):
        net.set_params(max_epoch=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_epoch": 3}, TypeError, "unexpected keyword argument 'max_epoch'"),
        ({"module__hiden": 3}, TypeError, "hiden"),
        ({"max_epochs": 0}, ValueError, "expected max_epochs of at least 1, got 0"),
        ({"batch_size": 0}, ValueError, "expected batch_size of at least 1, got 0"),
        ({"patience": 0}, ValueError, "expected patience of at least 1, got 0"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction between 0 and 1, got 1.0"),
        ({"lr": -1.0}, ValueError, "learning rate"),
    ],
)
def test_wrong_settings_are_found_in_fit(options, error, message):
    net = clone(NeuralNetClassifier(MLP, **options))
    with pytest.raises(error, match=message):
        net.fit(X, Y)


def test_losses_are_printed(capsys):
    NeuralNetClassifier(MLP, max_epochs=2, patience=2, verbose=True, random_state=0).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2  train_loss 0.")


# ---- with the rest of scikit-learn ---------------------------------------------------------------------------


def test_cross_validation_search_and_pipeline():
    pipeline = make_pipeline(StandardScaler(), NeuralNetClassifier(MLP, max_epochs=30, random_state=0))
    assert cross_val_score(pipeline, X, Y, cv=3, error_score="raise").min() > 0.9
    search = GridSearchCV(
        pipeline,
        {
            "neuralnetclassifier__module__hidden": [1, 16],
            "neuralnetclassifier__optimizer__weight_decay": [0, 3],
        },
        cv=3,
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, Y)
    assert search.best_params_ == {
        "neuralnetclassifier__module__hidden": 16,
        "neuralnetclassifier__optimizer__weight_decay": 0,
    }
    assert search.score(X, Y) > -0.2


def test_a_trained_estimator_is_pickled():
    net = NeuralNetClassifier(MLP, max_epochs=2, patience=1, random_state=0).fit(X, Y)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    assert again.history_ == net.history_


def test_without_scikit_learn():
    program = "import sys; sys.modules['sklearn'] = None; import tinygrad_edu.estimator"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        "ImportError: this needs scikit-learn: python -m pip install 'tinygrad_edu[sklearn]'" in done.stderr
    )
