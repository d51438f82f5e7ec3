# %% [markdown]
# # Lesson 7: a convolution is a matrix product
#
# A convolution slides a small window over an image and takes a scalar product at each place. Write the windows
# down as the columns of a matrix (*im2col*), and all scalar products at once are one matrix product, which
# computers are best at.

# %%
import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F

image = torch.arange(16.0).reshape(1, 1, 4, 4)
kernel = torch.tensor([[1.0, 0.0], [0.0, -1.0]]).reshape(1, 1, 2, 2)
print(image[0, 0])

# %% [markdown]
# First as it is defined: loops.


# %%
def convolve(image, kernel):
    (height, width), (kh, kw) = image.shape, kernel.shape
    out = torch.zeros(height - kh + 1, width - kw + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
    return out


by_loops = convolve(image[0, 0], kernel[0, 0])
print(by_loops)

# %% [markdown]
# Now the windows as columns: 4 numbers a window, 9 windows.

# %%
columns = F.unfold(image, kernel_size=2)
print(columns.shape, columns[0, :, 0], "is the window at the upper left")
by_product = (kernel.reshape(1, 4) @ columns).reshape(3, 3)
assert torch.equal(by_product, by_loops)
assert torch.equal(F.conv2d(image, kernel)[0, 0], by_loops)

# %% [markdown]
# ## Backward: two products and a fold
#
# The derivative of a product is two products. The gradient of the kernel is `grad @ columns.T`; the gradient of
# the columns is `kernel.T @ grad`. A pixel stands in several columns, so its gradients are added: that is `fold`,
# the other direction.

# %%
image.requires_grad_()
kernel.requires_grad_()
grad = torch.arange(9.0).reshape(1, 1, 3, 3)
F.conv2d(image, kernel).backward(grad)

rows = grad.reshape(1, 9)
assert torch.equal(kernel.grad.reshape(1, 4), rows @ columns[0].T)
assert torch.equal(
    image.grad[0], F.fold(kernel.detach().reshape(4, 1) @ rows, output_size=(4, 4), kernel_size=2)
)
print("a pixel in the middle stands in", F.fold(torch.ones(1, 4, 9), (4, 4), 2)[0, 0, 1, 1].item(), "windows")

# %% [markdown]
# ## Try
#
# 1. How large is the matrix of columns for a batch of 64 images of 32 x 28 x 28 and kernels of 3 x 3, in megabytes?
# 2. How many multiplications does the layer with 64 such kernels take? (No padding.)
# 3. A kernel of 1 x 1 needs no columns. Which product is it?

# %%
windows = 26 * 26
assert (
    64 * windows * 32 * 9 * 4 == 49_840_128
)  # 1. 50 MB, nine times the images: why kernels avoid writing it whole
assert 64 * windows * 64 * 32 * 9 == 797_442_048  # 2.
x, w = torch.randn(1, 3, 5, 5), torch.randn(8, 3, 1, 1)
assert torch.allclose(
    F.conv2d(x, w).flatten(2), w.flatten(1) @ x.flatten(2), atol=1e-5
)  # 3. channels x pixels
