"""Small programs whose pages the tests of the stepper open."""

TINY = """
import tinygrad_edu as torch
w = torch.tensor(0.5, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)
x = torch.tensor(3.0)
h = torch.relu(w * x + b)
y = w * h
loss = (y - 1.0) ** 2
loss.backward()
print("after the backward")
"""

BROADCAST = """
import tinygrad_edu as torch
W = torch.tensor([[0.2, -0.4, 0.1], [0.7, 0.3, -0.5]], requires_grad=True)
b = torch.tensor([0.1, -0.2, 0.3], requires_grad=True)
b.grad = torch.ones(3)
X = torch.tensor([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.0], [1.5, 1.0]])
logits = X @ W + b
(logits.sigmoid().mean() + (W * W).sum()).backward()
"""

MLP = """
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 40)
        self.out = nn.Linear(40, 2)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x)))

net = Net()
inputs, targets = torch.randn(30, 3), torch.zeros(30, dtype=torch.int64)
for step in range(3):
    F.cross_entropy(net(inputs), targets).backward()
"""

TRANSFORMER = """
import tinygrad_edu as torch
from tinygrad_edu import nn
import tinygrad_edu.nn.functional as F

layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
model = nn.TransformerEncoder(layer, 12)
model(torch.randn(2, 16, 32)).square().mean().backward()
"""

HOSTILE = """
import tinygrad_edu as torch
text = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"  # <b>&amp;</b> \\u2028
url = "https://example.org/" + "a_name_that_is_very_long_and_that_has_no_place_at_which_a_line_could_be_broken_into_two"
w = torch.tensor(2.0, requires_grad=True)
(w * 3.0).backward()  # </pre></body> <!-- ]]>
"""
