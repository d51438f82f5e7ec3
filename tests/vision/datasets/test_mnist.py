"""MNIST and its relatives: files found and checked, samples, batches, downloads."""

from __future__ import annotations

import copy
import gzip
import hashlib
import pickle
import shutil

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.utils.data import DataLoader, Subset
from tinygrad_edu.vision import datasets, transforms
from tinygrad_edu.vision.datasets import IdxFormatError
from tinygrad_edu.vision.datasets.idx import write_idx

rng = np.random.default_rng(0)
IMAGES = {
    split: rng.integers(0, 256, (n, 28, 28), dtype=np.uint8) for split, n in (("train", 7), ("t10k", 3))
}
LABELS = {"train": np.array([3, 0, 9, 1, 1, 7, 5], np.uint8), "t10k": np.array([2, 8, 9], np.uint8)}
TRANSFORM = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])


def write_dataset(root, suffix=".gz", name="MNIST"):
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        write_idx(folder / f"{split}-images-idx3-ubyte{suffix}", IMAGES[split])
        write_idx(folder / f"{split}-labels-idx1-ubyte{suffix}", LABELS[split])
    return folder


@pytest.fixture
def root(tmp_path):
    write_dataset(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def small():
    return datasets.MNISTSmall(train=False, transform=TRANSFORM)


# ---- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gz", ""], ids=["gzip", "raw"])
@pytest.mark.parametrize("train", [True, False])
def test_data_and_targets(tmp_path, suffix, train):
    write_dataset(tmp_path, suffix)
    dataset = datasets.MNIST(tmp_path, train=train)
    split = "train" if train else "t10k"
    assert len(dataset) == len(IMAGES[split])
    assert dataset.train is train
    assert (dataset.data.dtype, dataset.targets.dtype) == (torch.uint8, torch.int64)
    np.testing.assert_array_equal(dataset.data.numpy(), IMAGES[split])
    np.testing.assert_array_equal(dataset.targets.numpy(), LABELS[split])


def test_sample_without_transform(root):
    image, label = datasets.MNIST(root)[2]
    np.testing.assert_array_equal(image, IMAGES["train"][2])
    assert isinstance(image, np.ndarray)
    assert image.dtype == np.uint8
    assert type(label) is int
    assert label == 9


def test_a_transform_that_works_in_place_leaves_the_data_alone(root):
    def blacken(image):
        image[...] = 0
        return image

    dataset = datasets.MNIST(root, transform=blacken)
    assert dataset[0][0].max() == 0
    np.testing.assert_array_equal(dataset.data.numpy(), IMAGES["train"])


def test_sample_with_transforms(root):
    dataset = datasets.MNIST(root, transform=TRANSFORM, target_transform=str)
    image, label = dataset[1]
    assert (image.shape, image.dtype, label) == ((1, 28, 28), torch.float32, "0")
    expected = (IMAGES["train"][1] / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(image.numpy()[0], expected, rtol=1e-5, atol=1e-6)


def test_negative_index_and_end(root):
    dataset = datasets.MNIST(root)
    assert dataset[-1][1] == 5
    assert [label for _, label in dataset] == LABELS["train"].tolist()  # a for loop ends at the IndexError
    with pytest.raises(IndexError):
        dataset[7]


def test_classes(root):
    dataset = datasets.MNIST(root)
    assert dataset.classes[7] == "7 - seven"
    assert dataset.class_to_idx["7 - seven"] == 7
    assert list(dataset.class_to_idx.values()) == list(range(10))


def test_raw_folder(root):
    assert datasets.MNIST(root).raw_folder == str(root / "MNIST" / "raw")
    assert datasets.MNIST(str(root)).raw_folder == str(root / "MNIST" / "raw")


def test_root_in_the_home_folder(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("USERPROFILE", str(root))
    assert len(datasets.MNIST("~")) == 7


def test_repr_is_torchvisions(root):
    assert repr(datasets.MNIST(root, train=False)) == (
        f"Dataset MNIST\n    Number of datapoints: 3\n    Root location: {root}\n    Split: Test"
    )
    assert repr(datasets.MNIST(root, transform=TRANSFORM, target_transform=transforms.Lambda(str))) == (
        "Dataset MNIST\n"
        "    Number of datapoints: 7\n"
        f"    Root location: {root}\n"
        "    Split: Train\n"
        "    StandardTransform\n"
        "Transform: Compose(\n"
        "               ToTensor()\n"
        "               Normalize(mean=(0.1307,), std=(0.3081,))\n"
        "           )\n"
        "Target transform: Lambda()"
    )


@pytest.mark.parametrize("cls", [datasets.FashionMNIST, datasets.KMNIST])
def test_relatives(tmp_path, cls):
    write_dataset(tmp_path, name=cls.__name__)
    dataset = cls(tmp_path)
    assert len(dataset) == 7
    assert len(dataset.classes) == 10
    assert repr(dataset).startswith(f"Dataset {cls.__name__}\n")
    assert cls.resources != datasets.MNIST.resources
    assert cls.mirrors != datasets.MNIST.mirrors


def test_pickle_and_deepcopy(root):
    dataset = datasets.MNIST(root, transform=TRANSFORM)
    for twin in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        assert repr(twin) == repr(dataset)
        np.testing.assert_array_equal(twin[3][0].numpy(), dataset[3][0].numpy())


# ---- the copy that comes with the package -------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "count", "first"), [(True, 10000, [5, 0, 4, 1, 9]), (False, 2000, [7, 2, 1, 0, 4])]
)
def test_mnist_small(train, count, first):
    dataset = datasets.MNISTSmall(train=train)
    assert tuple(dataset.data.shape) == (count, 28, 28)
    assert dataset.targets[:5].tolist() == first
    assert np.bincount(dataset.targets.numpy()).min() > 0.07 * count  # every digit is there
    assert 30 < dataset.data.numpy().mean() < 36  # 33.3 for the whole MNIST


def test_mnist_small_needs_no_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = datasets.MNISTSmall(train=False)
    assert repr(dataset) == "Dataset MNISTSmall\n    Number of datapoints: 2000\n    Split: Test"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError):
        datasets.MNISTSmall(tmp_path)


# ---- batches ------------------------------------------------------------------------------------------


def collated(dataset, indices):
    """Return a batch as the DataLoader makes it of single samples."""
    samples = [dataset[int(index)] for index in indices]
    images = [image if isinstance(image, torch.Tensor) else torch.from_numpy(image) for image, _ in samples]
    return torch.stack(images), torch.tensor([label for _, label in samples])


@pytest.mark.parametrize(
    "transform",
    [None, TRANSFORM, transforms.Compose([transforms.CenterCrop(20), transforms.Pad(1, fill=9)])],
    ids=["none", "to tensor", "arrays only"],
)
def test_batch_is_the_collated_samples(small, transform):
    dataset = copy.copy(small)
    dataset.transform = transform
    indices = np.array([5, 0, 1999, 5, -1])
    images, labels = dataset.get_collated_batch(indices)
    expected_images, expected_labels = collated(dataset, indices)
    assert (images.dtype, labels.dtype) == (expected_images.dtype, expected_labels.dtype)
    assert images.shape == expected_images.shape
    assert images.numpy().tobytes() == expected_images.numpy().tobytes()  # bit for bit
    assert labels.tolist() == expected_labels.tolist()


def test_batch_is_a_copy(small):
    dataset = copy.copy(small)
    dataset.transform = None
    before = dataset.data.numpy().copy()
    images, labels = dataset.get_collated_batch(np.arange(4))
    images.zero_()
    labels.zero_()
    np.testing.assert_array_equal(dataset.data.numpy(), before)
    assert dataset.targets[:4].tolist() == [7, 2, 1, 0]


def test_random_transforms_draw_for_each_image():
    dataset = datasets.MNISTSmall(train=False, transform=transforms.RandomCrop(28, padding=4))
    torch.manual_seed(0)
    images, _ = dataset.get_collated_batch(np.zeros(50, dtype=np.int64))  # 50 times the same image
    assert len({image.tobytes() for image in images.numpy()}) > 30
    torch.manual_seed(0)
    again, _ = dataset.get_collated_batch(np.zeros(50, dtype=np.int64))
    np.testing.assert_array_equal(images.numpy(), again.numpy())


class MySample(datasets.MNISTSmall):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], -1


def test_batches_only_where_they_are_right(small):
    """A callable of the user's must see single images."""
    indices = np.arange(3)
    dataset = copy.copy(small)
    assert dataset.get_collated_batch(indices) is not NotImplemented
    for transform in (np.asarray, transforms.Lambda(np.asarray), transforms.Compose([np.asarray])):
        dataset.transform = transform
        assert dataset.get_collated_batch(indices) is NotImplemented
    dataset.transform, dataset.target_transform = TRANSFORM, str
    assert dataset.get_collated_batch(indices) is NotImplemented


def test_data_loader_takes_whole_batches(small, monkeypatch):
    def forbidden(self, index):
        raise AssertionError("read sample by sample")

    expected = [collated(small, range(0, 4)), collated(small, range(4, 6))]
    monkeypatch.setattr(datasets.MNIST, "__getitem__", forbidden)
    batches = list(DataLoader(Subset(small, range(6)), batch_size=4))
    assert len(batches) == 2
    for (images, labels), (expected_images, expected_labels) in zip(batches, expected, strict=True):
        np.testing.assert_array_equal(images.numpy(), expected_images.numpy())
        assert labels.tolist() == expected_labels.tolist()


def test_data_loader_falls_back_to_samples(small):
    seen = []

    def look(image):
        seen.append(image.shape)
        return image.astype(np.float32)

    dataset = copy.copy(small)
    dataset.transform = look
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    assert seen == [(28, 28)] * 4
    assert tuple(images.shape) == (4, 28, 28)
    assert labels.tolist() == [7, 2, 1, 0]


def test_data_loader_respects_a_redefined_getitem():
    _, labels = next(iter(DataLoader(MySample(train=False), batch_size=3)))
    assert labels.tolist() == [-1, -1, -1]


# ---- files that are not there, or not right -----------------------------------------------------------


def test_not_found(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"^Dataset not found\. You can use download=True to download it"
    ) as info:
        datasets.MNIST(tmp_path)
    assert str(tmp_path / "MNIST" / "raw") in str(info.value)
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte" in str(info.value)
    assert list(tmp_path.iterdir()) == []


def test_one_file_missing(root):
    (root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        RuntimeError, match=r"Dataset not found.*lacks t10k-labels-idx1-ubyte, compressed or not"
    ):
        datasets.MNIST(root)


def test_count_mismatch(root):
    write_idx(root / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz", LABELS["train"][:-1])
    match = r"train-labels-idx1-ubyte\.gz: expected 7 labels, one for each image in .*images.*, got 6"
    with pytest.raises(IdxFormatError, match=match):
        datasets.MNIST(root)
    assert len(datasets.MNIST(root, train=False)) == 3  # the other split is sound


def test_label_out_of_range(root):
    labels = LABELS["train"].copy()
    labels[4] = 10
    write_idx(root / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz", labels)
    with pytest.raises(
        IdxFormatError, match=r"train-labels.*: expected labels from 0 to 9, got 10 at index 4"
    ):
        datasets.MNIST(root)


def test_images_and_labels_swapped(root):
    folder = root / "MNIST" / "raw"
    shutil.copy(folder / "train-labels-idx1-ubyte.gz", folder / "train-images-idx3-ubyte.gz")
    with pytest.raises(IdxFormatError, match=r"train-images.*: expected 3 dimensions, got 1.*swapped"):
        datasets.MNIST(root)


def test_other_element_type(root):
    write_idx(root / "MNIST" / "raw" / "train-images-idx3-ubyte.gz", IMAGES["train"].astype(np.float32))
    with pytest.raises(
        IdxFormatError, match=r"train-images.*: expected unsigned bytes \(uint8\), got float32"
    ):
        datasets.MNIST(root)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"<html>"], ids=["empty", "truncated", "web page"])
def test_damaged_file_says_what_to_do(root, content):
    (root / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(IdxFormatError, match=r"train-images.*Delete the file and use download=True"):
        datasets.MNIST(root)


# ---- downloads ----------------------------------------------------------------------------------------


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """Replace the network: a list of what is downloaded, with its arguments."""
    source = write_dataset(tmp_path / "mirror")
    calls = []

    def deliver(filename, mirrors, folder, md5):
        calls.append((filename, tuple(mirrors), md5))
        shutil.copy(source / filename, folder)

    monkeypatch.setattr("tinygrad_edu.vision.datasets.mnist.download_file", deliver)
    return calls


def test_download_fetches_what_is_missing(root, downloads):
    folder = root / "MNIST" / "raw"
    (folder / "train-images-idx3-ubyte.gz").unlink()
    packed = folder / "t10k-labels-idx1-ubyte.gz"
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))  # uncompressed is there, too
    packed.unlink()
    assert len(datasets.MNIST(root, download=True)) == 7
    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    assert downloads == [("train-images-idx3-ubyte.gz", mirrors, "f68b3c2dcbeaaa9fbdd348bbdeb94873")]


def test_nothing_to_download(root, downloads):
    datasets.MNIST(root, download=True)
    assert downloads == []


def test_download_all_from_the_second_mirror(tmp_path, monkeypatch):
    """From the class down to urllib; see test_download.py for servers."""
    source = write_dataset(tmp_path / "mirror")
    resources = [
        (name, hashlib.md5((source / name).read_bytes(), usedforsecurity=False).hexdigest())
        for name, _ in datasets.MNIST.resources
    ]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [(tmp_path / "nowhere").as_uri(), source.as_uri()])
    dataset = datasets.MNIST(tmp_path / "root", train=False, download=True)
    np.testing.assert_array_equal(dataset.data.numpy(), IMAGES["t10k"])
    assert len(list((tmp_path / "root" / "MNIST" / "raw").iterdir())) == 4


def test_download_error_comes_through(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", [(tmp_path / "nowhere").as_uri()])
    with pytest.raises(RuntimeError, match=r"Error downloading train-images-idx3-ubyte\.gz"):
        datasets.MNIST(tmp_path, download=True)
