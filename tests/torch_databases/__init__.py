"""PyTorch's own databases of samples, run on both engines: every difference is printed.

PyTorch ships the tables its tests are generated from: ``op_db`` (functions, with samples in every dtype and calls
that must fail), ``module_db`` and ``optim_db``. What is found here under the same name is called with the same
numbers, and values, shapes, dtypes, gradients and errors are compared.

python -m tests.torch_databases                     everything, in all dtypes; takes some minutes
python -m tests.torch_databases --names add,nn.ReLU --dtypes float32,int64
"""
