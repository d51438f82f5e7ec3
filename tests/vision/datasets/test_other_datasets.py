"""CIFAR, EMNIST, folders of images, and images of noise."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.utils.data import DataLoader
from tinygrad_edu.vision import datasets, transforms
from tinygrad_edu.vision.datasets.folder import make_dataset
from tinygrad_edu.vision.datasets.idx import write_idx

rng = np.random.default_rng(0)

# ---- CIFAR ---------------------------------------------------------------------------------------------

NAMES = {"cifar10": ["plane", "car"], "cifar100": ["apple", "fish", "baby"]}


def write_cifar(root, kind):
    """Write files of two images each, pickled as the published ones are; return all images (C, H, W)."""
    dataset = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[kind]
    folder = root / dataset.base_folder
    folder.mkdir(parents=True)
    images = {}
    for name in [*dataset.train_list, *dataset.test_list]:
        images[name] = rng.integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
        content = {"data": images[name].reshape(2, -1), dataset.label_key: [1, 0], "batch_label": name}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    meta = {dataset.names_key: NAMES[kind]}
    (folder / dataset.meta_file).write_bytes(pickle.dumps(meta, protocol=2))
    return dataset, images


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar(tmp_path, kind):
    dataset, images = write_cifar(tmp_path, kind)
    train, test = dataset(tmp_path), dataset(str(tmp_path), train=False, transform=transforms.ToTensor())
    assert len(train) == 2 * len(dataset.train_list)
    assert train.targets == [1, 0] * len(dataset.train_list)
    assert (train.classes, train.class_to_idx[NAMES[kind][1]]) == (NAMES[kind], 1)
    image, label = train[len(train) - 2]
    np.testing.assert_array_equal(image, np.moveaxis(images[dataset.train_list[-1]][0], 0, -1))
    assert label == 1
    image, label = test[1]
    np.testing.assert_allclose(image.numpy() * 255, images[dataset.test_list[0]][1], rtol=1e-6)
    assert "Split: Test" in repr(test)
    batch, labels = next(iter(DataLoader(test, batch_size=2)))
    assert torch.equal(batch[1], image)
    assert labels.tolist() == [1, 0]


def test_cifar_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match=r"download=True.*lacks data_batch_1, .*batches.meta"):
        datasets.CIFAR10(tmp_path)


def test_cifar_runs_no_code_from_a_file(tmp_path):
    dataset, _ = write_cifar(tmp_path, "cifar10")
    path = tmp_path / dataset.base_folder / "test_batch"
    path.write_bytes(pickle.dumps({"data": shutil.rmtree}))
    with pytest.raises(RuntimeError, match=r"test_batch: expected .* got shutil\.rmtree"):
        datasets.CIFAR10(tmp_path, train=False)
    path.write_bytes(b"\x80\x02}")
    with pytest.raises(RuntimeError, match="damaged"):
        datasets.CIFAR10(tmp_path, train=False)


def test_cifar_is_downloaded(tmp_path, monkeypatch):
    dataset, images = write_cifar(tmp_path / "source", "cifar100")
    archive = tmp_path / "mirror" / dataset.filename
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "source" / dataset.base_folder, dataset.base_folder)
    monkeypatch.setattr(dataset, "mirrors", [archive.parent.as_uri()])
    monkeypatch.setattr(dataset, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    loaded = dataset(tmp_path / "root", download=True)
    np.testing.assert_array_equal(loaded.data, np.moveaxis(images["train"], 1, -1))


# ---- EMNIST --------------------------------------------------------------------------------------------

LETTERS = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)


def write_emnist(folder):
    folder.mkdir(parents=True)
    write_idx(folder / "emnist-letters-test-images-idx3-ubyte.gz", LETTERS)
    write_idx(folder / "emnist-letters-test-labels-idx1-ubyte.gz", np.array([1, 26, 3], np.uint8))


def test_emnist(tmp_path):
    write_emnist(tmp_path / "EMNIST" / "raw")
    dataset = datasets.EMNIST(tmp_path, "letters", train=False)
    np.testing.assert_array_equal(dataset[1][0], LETTERS[1])
    assert dataset[1][1] == 26
    assert dataset.classes[26] == "z"
    with pytest.raises(RuntimeError, match="lacks emnist-letters-train-images-idx3-ubyte"):
        datasets.EMNIST(tmp_path, "letters")
    with pytest.raises(ValueError, match=r"Unknown value 'words' for argument split.*byclass"):
        datasets.EMNIST(tmp_path, "words")


@pytest.mark.torch_parity
def test_emnist_has_torchvisions_classes(torchvision):
    assert torchvision.datasets.EMNIST.classes_split_dict == datasets.EMNIST.classes_split_dict


def test_emnist_is_downloaded(tmp_path, monkeypatch):
    write_emnist(tmp_path / "source")
    archive = tmp_path / "gzip.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in (tmp_path / "source").iterdir():
            packed.write(path, f"gzip/{path.name}")
    monkeypatch.setattr(datasets.EMNIST, "mirrors", [tmp_path.as_uri()])
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.EMNIST, "archive", ("gzip.zip", md5))
    dataset = datasets.EMNIST(tmp_path / "root", "letters", train=False, download=True)
    np.testing.assert_array_equal(dataset.data.numpy(), LETTERS)


# ---- folders -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    for i, name in enumerate(["dog/b.png", "dog/more/a.PNG", "cat/x.bmp", "dog/notes.txt"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            image_module.new("L", (4, 3), 10 * i).save(path)
    return tmp_path


@pytest.mark.torch_parity
def test_image_folder_is_torchvisions(folder, torchvision):
    ours, theirs = datasets.ImageFolder(folder), torchvision.datasets.ImageFolder(folder)
    assert ours.samples == theirs.samples
    assert ours.imgs == theirs.imgs
    assert (ours.classes, ours.class_to_idx, ours.targets) == (
        theirs.classes,
        theirs.class_to_idx,
        theirs.targets,
    )
    assert len(ours) == 3
    for i in range(3):
        assert ours[i] == theirs[i]  # Pillow compares the pixels
    assert repr(ours) == repr(theirs)


def test_image_folder_in_a_loader(folder):
    dataset = datasets.ImageFolder(folder, transforms.ToTensor(), lambda label: label + 5)
    images, labels = next(iter(DataLoader(dataset, batch_size=3)))
    assert images.shape == (3, 3, 3, 4)
    assert labels.tolist() == [5, 6, 6]


def test_dataset_folder(folder):
    texts = datasets.DatasetFolder(folder, lambda path: Path(path).read_text(), (".txt",), allow_empty=True)
    assert texts[0] == ("no image", 1)
    with pytest.raises(FileNotFoundError, match="no valid file for the classes cat"):
        datasets.DatasetFolder(folder, open, (".txt",))
    with pytest.raises(ValueError, match="cannot be None or not None"):
        make_dataset(folder)
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        datasets.ImageFolder(folder / "cat")


def test_fake_data():
    pytest.importorskip("PIL.Image")
    dataset = datasets.FakeData(
        size=4, image_size=(3, 5, 6), num_classes=2, transform=transforms.PILToTensor()
    )
    image, label = dataset[2]
    assert image.shape == (3, 5, 6)
    assert label in (0, 1)
    assert torch.equal(dataset[2][0], image)
    assert not torch.equal(dataset[1][0], image)
    moved = datasets.FakeData(4, (3, 5, 6), random_offset=1, transform=transforms.PILToTensor())
    assert torch.equal(moved[1][0], image)
    with pytest.raises(IndexError):
        dataset[4]
