"""``torch.utils.tensorboard``: curves, pictures and histograms of a training, for TensorBoard to show.

The files are written by tensorboardX, which knows arrays; Tensors are handed to it as such. It is installed by
``python -m pip install tensorboardX``, or as this package's extra ``tensorboard``.

References
----------
https://docs.pytorch.org/docs/stable/tensorboard.html
https://tensorboardx.readthedocs.io
"""

from __future__ import annotations

from typing import Any, NoReturn

from tinygrad_edu._tensor import Tensor


def as_array(x: Any) -> Any:
    """Return a Tensor as a NumPy array on the host, in lists and dicts, too; anything else as it is."""
    if isinstance(x, Tensor):
        return x.detach().cpu().numpy()
    if isinstance(x, dict):
        return {key: as_array(value) for key, value in x.items()}
    return type(x)([as_array(value) for value in x]) if type(x) in (list, tuple) else x


class SummaryWriter:
    """Writes what TensorBoard shows, into a folder.

    Parameters
    ----------
    log_dir : str or path, optional
        The folder; ``runs/`` with the date and the name of the machine by default.
    comment : str
        What the default name ends in.
    purge_step : int, optional
        From which step on what an earlier run has written is not shown.
    max_queue : int
        How many entries are collected before they are written.
    flush_secs : int
        After how many seconds they are written at the latest.
    filename_suffix : str
        What the names of the files end in.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.

    Notes
    -----
    There is no ``add_graph``, which draws what TorchScript traces, and no ``add_embedding``, for which tensorboardX
    needs PyTorch.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        try:
            import tensorboardX
        except ImportError as error:
            raise ImportError(
                "SummaryWriter: expected tensorboardX, which writes the files, but it is not installed; "
                "python -m pip install tensorboardX",
                name="tensorboardX",
            ) from error
        folder = None if log_dir is None else str(log_dir)
        self._writer = tensorboardX.SummaryWriter(
            folder, comment, purge_step, max_queue, flush_secs, filename_suffix
        )
        self.log_dir = str(self._writer.logdir)

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def get_logdir(self) -> str:
        """Return the folder."""
        return self.log_dir

    def flush(self) -> None:
        """Write what has been collected."""
        self._writer.flush()

    def close(self) -> None:
        """Write what has been collected, and end."""
        self._writer.close()

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a number to a curve."""
        self._writer.add_scalar(tag, as_array(scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a number to each of several curves in one diagram."""
        self._writer.add_scalars(main_tag, as_array(tag_scalar_dict), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add how numbers are distributed."""
        self._writer.add_histogram(tag, as_array(values), global_step, bins, walltime, max_bins)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add a picture, of channels, rows and columns unless ``dataformats`` says otherwise."""
        self._writer.add_image(tag, as_array(img_tensor), global_step, walltime, dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add a batch of pictures."""
        self._writer.add_images(tag, as_array(img_tensor), global_step, walltime, dataformats)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Add a figure of matplotlib, or several."""
        self._writer.add_figure(tag, figure, global_step, close, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Add words, in Markdown."""
        self._writer.add_text(tag, text_string, global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add a curve of precision and recall."""
        arrays = as_array(labels), as_array(predictions)
        self._writer.add_pr_curve(tag, *arrays, global_step, num_thresholds, as_array(weights), walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add the settings of a run, and what came out."""
        self._writer.add_hparams(as_array(hparam_dict), as_array(metric_dict), run_name, global_step)

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> NoReturn:
        """Refuse to draw a model.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("add_graph: there is no TorchScript here that TensorBoard could draw")

    def add_embedding(self, mat: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to write points for the projector.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("add_embedding: tensorboardX writes it with PyTorch only")
