"""Writes text with the model of a checkpoint."""

import os
from contextlib import nullcontext

import torch
from model import GPT, GPTConfig

out_dir = "out"
start = "abc"
num_samples, max_new_tokens, temperature, top_k = 2, 12, 0.8, 1
seed = 1337
device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = "float32"
compile = False
exec(open("configurator.py").read())

torch.manual_seed(seed)
torch.cuda.manual_seed(seed)
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
device_type = "cuda" if "cuda" in device else "cpu"
ptdtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[dtype]
ctx = nullcontext() if device_type == "cpu" else torch.amp.autocast(device_type=device_type, dtype=ptdtype)

checkpoint = torch.load(os.path.join(out_dir, "ckpt.pt"), map_location=device)
model = GPT(GPTConfig(**checkpoint["model_args"]))
model.load_state_dict({k.removeprefix("_orig_mod."): v for k, v in checkpoint["model"].items()})
model.eval()
model.to(device)
if compile:
    model = torch.compile(model)

letters = "abcdefghijklmnopqrst"
x = torch.tensor([letters.index(c) for c in start], dtype=torch.long, device=device)[None, ...]
losses = []
with torch.no_grad():
    with ctx:
        for k in range(num_samples):
            y = model.generate(x, max_new_tokens, temperature=temperature, top_k=top_k)
            print("".join(letters[i] for i in y[0].tolist()))
            losses.extend(float(i) for i in y[0])
