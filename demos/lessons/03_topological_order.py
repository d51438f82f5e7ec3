# %% [markdown]
# # Lesson 3: why backward needs an order
#
# A node may pass on its gradient only when everything that uses its result has delivered. Take a number that is
# doubled twenty times, by `y = y + y`: there are 2**20 ways from the loss to it, but only twenty nodes.

# %%
import tinygrad_edu as torch

x = torch.tensor(1.0, requires_grad=True)
y = x
for _ in range(20):
    y = y + y
y.backward()
print("dy/dx =", x.grad.item(), "=", 2**20)
assert x.grad.item() == 2**20

# %% [markdown]
# ## The obvious program, and what it costs
#
# Here is a backward that goes down every way as it comes, without an order. It is right, and it walks 2**n ways.

# %%
visits = 0


def walk_every_way(node, gradient, gradients):
    global visits
    visits += 1
    if hasattr(node, "variable"):  # the end of a way: a leaf
        gradients[id(node.variable)] = gradients.get(id(node.variable), 0) + gradient
        return
    for next_node, _ in node.next_functions:  # a sum hands on what it gets
        if next_node is not None:
            walk_every_way(next_node, gradient, gradients)


for n in (4, 8, 12):
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + y
    visits, found = 0, {}
    walk_every_way(y.grad_fn, 1.0, found)
    print(f"{n:2d} additions: {visits:5d} visits, gradient {found[id(x)]}")
    assert found[id(x)] == 2**n

# %% [markdown]
# ## The order that visits each node once
#
# Write down every node after all nodes below it have been written down; then read the list from its end. So each
# node comes after all who use it. That is a topological order (Kahn, 1962; by depth-first search: Tarjan, 1976).


# %%
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:  # a stack instead of recursion: Python gives up at about 1,000 calls
        node, children_done = stack.pop()
        if children_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order[::-1]


def walk_in_order(root):
    waiting = {root: 1.0}
    gradients = {}
    for node in topological_order(root):
        gradient = waiting.pop(node)  # complete: everything that uses this node came before
        if hasattr(node, "variable"):
            gradients[id(node.variable)] = gradient
        for child, _ in node.next_functions:
            if child is not None:
                waiting[child] = waiting.get(child, 0) + gradient
    return gradients


print("nodes:", len(topological_order(y.grad_fn)), " gradient:", walk_in_order(y.grad_fn)[id(x)])
assert walk_in_order(y.grad_fn)[id(x)] == 2**12

# %% [markdown]
# ## Try
#
# 1. Give `walk_in_order` a chain of 5,000 additions `y = y + x`. Does it work? Would a recursive one?
# 2. What goes wrong if a node is visited as soon as its first gradient arrives? Find the smallest graph that
#    shows it.

# %%
x = torch.tensor(1.0, requires_grad=True)
y = x + x
for _ in range(4_999):
    y = y + x
assert walk_in_order(y.grad_fn)[id(x)] == 5_001  # 1. yes; a recursion would be 5,000 calls deep

# 2. d = c + c * c with c = 2 * a: c is reached directly, and through c * c. Visited at the first arrival, it would pass
#    on only that part, or be visited twice.
a = torch.tensor(3.0, requires_grad=True)
c = 2 * a
(c + c * c).backward()
assert a.grad.item() == 2 * (1 + 2 * 6)
