"""Wrong calls that once ended in an error of NumPy or Python, or returned: one of each kind that was mended.

The class of the error is PyTorch's.
"""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tests.fuzz import judge
from tests.fuzz.right_calls import called
from tests.fuzz.spoil import Wrong
from tests.fuzz.worker import pytorch

pytestmark = pytest.mark.host("the checks are the same on a GPU")

CALLS = """
torch.autograd.backward(object())
torch.autograd.grad(None, [param(2)], allow_unused=True)
torch.autograd.grad(param(2).sum(), [param(2)], retain_graph=np.float64(0.5))
torch.Tensor('1', 3)
torch.Tensor(2, -1)
torch.Tensor('ab')
torch.Tensor([1, 'b'])
torch.Tensor(2 + 1j)
torch.Size(-3)
torch.Size('ab')
torch.Size(real(2))
torch.topk(real(), 2)
torch.split(real(), [1, 4])
torch.hstack([real(2, 3), ints(2)])
torch.argmin(real(2, 3), -1, np.ones(2))
real(2, 3).argmax(-1, None)
real(2, 3, 2).min(1, keepdim=[])
real(2, 3).min(real(1), True)
torch.mean(real(2, 3), -1, ())
torch.layer_norm(None, (4,), real(4), real(4))
torch.layer_norm(real(2, 3).to(torch.float64), (3,), real(3))
torch.group_norm(real(0, 4, 2).to(torch.bool), 2)
F.instance_norm(real(2, 3, 4), weight=real(3), bias=real(3).to(torch.int64))
F.instance_norm(real(2, 3, 2, 2), real(0), real(3))
F.batch_norm(real(4, 2), None, None)
F.rms_norm(real(2, 4).to(torch.uint8), (4,))
nn.BatchNorm2d(3)(real(2, 3, 4, 4).to(torch.float64))
nn.NLLLoss(ignore_index=real(1))(real(4, 3), ints(4))
nn.CrossEntropyLoss(label_smoothing=(1, 2, 3))(real(4, 3), ints(4))
F.nll_loss(real(4, 3).to(torch.int64), ints(4), reduction='none')
F.binary_cross_entropy(unit(2, 3), unit(2, 3).to(torch.int64))
F.kl_div(real(2, 3), unit(2, 3).to(torch.uint8))
F.huber_loss(real(2, 3), real(2, 3).to(torch.complex64))
F.gaussian_nll_loss(real(3), real(3), positive(3).to(torch.int32))
F.margin_ranking_loss(real(4).unsqueeze(0), real(4), signs(4))
F.soft_margin_loss(real(3).to(torch.int32), signs(3))
F.bilinear(real(2, 3), real(2, 4), real(5, 3, 4), real(5).to(torch.complex64))
F.pad(real(2, 3), (1, 0, 0, 2), value='1')
nn.ConstantPad1d((-1,), 0.5)(real(1, 2, 4))
nn.ReplicationPad2d((1, 1, 1, 1))(real(1, 2, 4, 4).to(torch.bool))
nn.Softplus(beta=1e+300, threshold=20.0)(real(3))
nn.ELU(-2 ** 63 - 1)(real(3))
F.hardshrink(real(3).to(torch.int64), 0.5)
F.embedding(torch.tensor([[0, 2], [2, 2]]), real(3, 2), 'a')
F.prelu(real(2, 3), None)
F.adaptive_avg_pool2d(real(1, 1, 2, 2), None)
torch.max_pool2d(real(2, 5, 4), (3, 2), stride=np.float64(0.5))
torch.conv2d(real(1, 2, 5, 4), None)
real(3, 2).index_add_(0, torch.tensor([2, 0, 2]), real(3, 2).to(torch.bool))
real(3, 2).index_put_((ints(2, high=3),), ints(2))
real(3, 2).index_put_(object(), real(2, 2))
real(3, 2).index_copy_(0, ints(2, high=3), real(2, 2).to(torch.uint8))
real(3, 2).index_fill_(0, ints(2, high=3), ints(2))
real(4, 3).__setitem__(1j, real(3))
real(4, 3).__setitem__({}, 0.0)
real(4, 3).__setitem__(2 ** 70, real(3))
real(2, 3).subtract(real(3), alpha=True)
real(2, 3).copy_(real(3), non_blocking=[1])
real(2, 3).type(int)
real(2, 2).tile()
torch.empty(dtype=torch.int64, device='cpu')
torch.rand(2, 3, dtype=[1])
torch.meshgrid(real(2), real(3).to(torch.bool), indexing='ij')
torch.ceil(real(2).to(torch.complex64))
torch.floor_divide(real(2), real(2).to(torch.complex64))
torch.atan2(real(), real(2, 2).to(torch.complex64))
torch.device(True)
torch.save(real(2), path('written'), pickle_protocol=...)
torch.Generator().manual_seed(-0.5)
init.sparse_(real(3, 3), math.inf, std=0.01)
nn.ModuleDict({'a': nn.Linear(3, 4)}).__getitem__({})
nn.ModuleDict({'a': nn.Linear(3, 4)}).__getitem__('nonsense')
nn.ParameterDict([None])
lr_scheduler.LinearLR(sgd(), start_factor=0.5, end_factor=(1, 2, 3))
lr_scheduler.StepLR(sgd(), ..., gamma=0.1).step()
lr_scheduler.ExponentialLR(sgd(), ()).step()
lr_scheduler.OneCycleLR(sgd(), 0.1, ['a'], epochs=2, steps_per_epoch=5)
optim.SGD([trained(3)], lr=0.1).load_state_dict({})
optim.Adam([trained(3)], betas=((1, 2), 3))
data.ConcatDataset([data.TensorDataset(real(4, 2))]).__getitem__([])
data.ConcatDataset(object()).__getitem__(1)
data.Subset(data.TensorDataset(real(4, 2)), [0, 2]).__getitem__((1, 2, 3))
data.Subset(data.TensorDataset(real(4, 2)), [0, 2]).__getitem__(7)
data.StackDataset(real(4, 2), 2.5)
data.random_split([1, 2, 3, 4], -3)
list(data.SubsetRandomSampler({1, 2}))
list(data.RandomSampler(None, replacement=True, num_samples=2))
list(data.DataLoader([1, 2, 3], sampler=[0, 1], timeout=1j))
data.default_collate('')
""".strip().splitlines()


@pytest.mark.parametrize("expression", CALLS)
def test_is_an_error_of_ours(expression):
    found = judge.outcome(Wrong(called(expression), expression, expression))
    assert found.kind in (judge.CLEAR, judge.NAMELESS), f"{found.kind}: {found.error}: {found.message}"


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", CALLS)
def test_is_the_error_of_pytorch(expression):
    theirs = judge.run(expression, pytorch())
    ours = judge.run(expression, torch)
    assert type(ours).__name__ == type(theirs).__name__
