"""Tools for looking at the engine: ``python -m tinygrad_edu.learn --help`` lists those with a command line."""
