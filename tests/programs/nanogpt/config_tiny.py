# settings of a run that takes a second
out_dir = "out"
eval_interval = 4
eval_iters = 2
log_interval = 1
batch_size = 4
block_size = 8
n_layer = 2
n_head = 2
n_embd = 16
max_iters = 8
lr_decay_iters = 8
warmup_iters = 2
learning_rate = 1e-2
min_lr = 1e-3
