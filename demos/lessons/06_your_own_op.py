# %% [markdown]
# # Lesson 6: your own operation, and how to know that it is right
#
# An operation is a forward and a backward that belong together. Write one as you would in PyTorch, with
# `Function`.

# %%
import tinygrad_edu as torch


class Softplus(torch.autograd.Function):
    """log(1 + exp(x)); its derivative is 1 / (1 + exp(-x))."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log(1 + torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output / (1 + torch.exp(-x))


x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
print(Softplus.apply(x))

# %% [markdown]
# ## Finite differences
#
# Move each input by a little to both sides and compare the slope with what backward says. In float64, for in
# float32 the difference of two nearly equal numbers has no digits left.

# %%
assert torch.autograd.gradcheck(Softplus.apply, (x,))
assert torch.autograd.gradgradcheck(Softplus.apply, (x,))
print("first and second derivative are right")


# %% [markdown]
# ## A mistake is found
#
# Here is a mean over the rows whose backward forgot to divide by how many there are. Read what the check says:
# which input, which element, and what it takes for the cause.


# %%
class Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.mean(0)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.expand(ctx.shape)  # the mistake: / ctx.shape[0] is missing


x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
try:
    torch.autograd.gradcheck(Mean.apply, (x,))
except RuntimeError as error:
    print(str(error)[:200], "...")

# %% [markdown]
# ## What finite differences cannot see
#
# A forward that is wrong but smooth has a right derivative: of the wrong function. Compare the forward with
# another program, too. And softplus above is wrong for large x, where exp overflows:

# %%
print(Softplus.apply(torch.tensor([1000.0])), torch.nn.functional.softplus(torch.tensor([1000.0])))

# %% [markdown]
# ## Try
#
# 1. Mend `Mean`.
# 2. Mend `Softplus` for large x.
# 3. Write `Clip(x)`, which cuts at -1 and 1, and check it. Where must you not check it?


# %%
class RightMean(Mean):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.expand(ctx.shape) / ctx.shape[0]


assert torch.autograd.gradcheck(RightMean.apply, (x,))  # 1.


class StableSoftplus(Softplus):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.clamp(x, min=0) + torch.log1p(torch.exp(-torch.abs(x)))


assert StableSoftplus.apply(torch.tensor([1000.0])).item() == 1000  # 2.


class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() < 1).to(grad_output.dtype)


# 3. not at the corners -1 and 1: from both sides the slope there is one half
assert torch.autograd.gradcheck(Clip.apply, (torch.tensor([-3.0, 0.5, 2.0]).double().requires_grad_(),))
