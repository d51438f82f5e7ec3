"""A table: embeddings of categories beside numbers, weights of classes, early stopping, cross-validation by hand."""

import copy
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

from tests.programs.numpy_weights import set_weights


def seed_everything(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)


seed_everything()
losses = []


class TabularDataset(Dataset):
    def __init__(self, cats, conts, y):
        self.cats, self.conts, self.y = cats, conts, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, idx):
        return {
            "cat": torch.tensor(self.cats[idx], dtype=torch.long),
            "cont": torch.tensor(self.conts[idx], dtype=torch.get_default_dtype()),
            "y": torch.tensor(self.y[idx], dtype=torch.get_default_dtype()),
        }


class TabularModel(nn.Module):
    def __init__(self, emb_sizes, n_cont):
        super().__init__()
        self.embs = nn.ModuleList([nn.Embedding(c, s) for c, s in emb_sizes])
        self.n_emb = sum(e.embedding_dim for e in self.embs)
        self.bn = nn.BatchNorm1d(n_cont)
        self.head = nn.Sequential(
            nn.Linear(self.n_emb + n_cont, 12),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(12),
            nn.Dropout(0.0),
            nn.Linear(12, 1),
        )

    def forward(self, x_cat, x_cont):
        x = [emb(x_cat[:, i]) for i, emb in enumerate(self.embs)]
        x = torch.cat(x, 1)
        return self.head(torch.cat([x, self.bn(x_cont)], 1)).squeeze(-1)


cats = np.random.randint(0, 4, (40, 2))
conts = np.random.randn(40, 3)
y = (conts[:, 0] + cats[:, 0] > 1.5).astype(np.float32)
folds = np.arange(40) % 2
for fold in range(2):
    trn, val = np.where(folds != fold)[0], np.where(folds == fold)[0]
    train_dl = DataLoader(
        TabularDataset(cats[trn], conts[trn], y[trn]), batch_size=10, shuffle=False, drop_last=True
    )
    valid_dl = DataLoader(TabularDataset(cats[val], conts[val], y[val]), batch_size=20)
    model = TabularModel([(4, 2), (4, 3)], 3)
    set_weights(model, fold)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    best, best_state = float("inf"), None
    for epoch in range(3):
        model.train()
        for batch in train_dl:
            out = model(batch["cat"], batch["cont"])
            loss = criterion(out, batch["y"])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        preds, targets = [], []
        with torch.no_grad():
            for batch in valid_dl:
                preds.append(torch.sigmoid(model(batch["cat"], batch["cont"])).cpu().numpy())
                targets.append(batch["y"].numpy())
        score = float(np.mean((np.concatenate(preds) - np.concatenate(targets)) ** 2))
        scheduler.step(score)
        losses.append(score)
        if score < best:
            best, best_state = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print(fold, best, optimizer.param_groups[0]["lr"])
