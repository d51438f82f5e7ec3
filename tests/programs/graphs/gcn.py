"""A graph convolutional network: the normalised adjacency is a sparse matrix; a few nodes have labels."""

import math

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(62)
losses = []


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.empty(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.empty(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.sparse.mm(adj, support)
        return output if self.bias is None else output + self.bias

    def __repr__(self):
        return "{} ({} -> {})".format(self.__class__.__name__, self.in_features, self.out_features)


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass):
        super(GCN, self).__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass, bias=False)

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        return F.log_softmax(self.gc2(x, adj), dim=1)


def normalize(mx):
    r_inv = np.power(np.asarray(mx.sum(1)).flatten(), -1.0)
    return sp.diags(r_inv).dot(mx)


def sparse_mx_to_torch_sparse_tensor(sparse_mx):
    sparse_mx = sparse_mx.tocoo()
    indices = torch.from_numpy(np.vstack((sparse_mx.row, sparse_mx.col)).astype(np.int64))
    return torch.sparse_coo_tensor(
        indices, torch.from_numpy(sparse_mx.data), torch.Size(sparse_mx.shape)
    ).coalesce()


labels = np.repeat(np.arange(3), 10)
edges = rng.rand(30, 30) < np.where(labels[:, None] == labels, 0.3, 0.02)
adj = normalize(sp.csr_matrix(np.maximum(edges, edges.T) + np.eye(30)))
adj, labels = sparse_mx_to_torch_sparse_tensor(adj), torch.LongTensor(labels)
features = torch.from_numpy(rng.rand(30, 5))
idx_train, idx_test = torch.arange(0, 30, 5), torch.arange(1, 30, 2)
model = GCN(5, 8, 3)
set_weights(model, 2, 0.4)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
for epoch in range(50):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    loss_train.backward()
    optimizer.step()
    losses.append(loss_train.item())
model.eval()
output = model(features, adj.to_sparse_csr().to_sparse_coo())
losses.append(F.nll_loss(output[idx_test], labels[idx_test]).item())
correct = output.max(1)[1].type_as(labels).eq(labels)[idx_test].sum().item()
print(model.gc1, adj._nnz(), "accuracy= {:.4f}".format(correct / len(idx_test)))
