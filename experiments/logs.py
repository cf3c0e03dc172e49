"""What a run says: metrics as JSON lines and for TensorBoard, lines for a person."""

import contextlib
import json
import math
import os
import pathlib
import sys
import time

import jax
import tensorboardX
import tqdm

from experiments import outputs


class Log:
    """The record of a run in its work directory; a context manager.

    A resumed run goes on writing where its checkpoint was made: what an interrupted
    one wrote of later steps is dropped, so that no step stands there twice.
    """

    def __init__(self, workdir: pathlib.Path, step: int, *, writes: bool = True):
        """Opens `workdir/metrics.jsonl` and `workdir/tensorboard` at `step`.

        `writes` in the one process of several that does.
        """
        path = workdir / "metrics.jsonl" if writes else pathlib.Path(os.devnull)
        if writes:
            _drop_after(path, step)
        self._file = path.open("a", buffering=1)
        self._board = tensorboardX.SummaryWriter(
            str(workdir / "tensorboard"), purge_step=step + 1, write_to_disk=writes
        )
        self._seen = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()
        self._board.close()

    def line(self, text):
        """One line for the person who watches."""
        tqdm.tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()

    def metrics(self, step, stream, values, **more):
        """Writes scalars (on a device or not) of `step` under the name `stream`.

        What is not finite is `null` in the file, for JSON has no word for it.
        """
        values = {k: float(v) for k, v in {**jax.device_get(values), **more}.items()}
        now = time.monotonic()
        if stream != "validation":
            if self._seen is not None and step > self._seen[0]:
                rate = (now - self._seen[1]) / (step - self._seen[0])
                values["seconds_per_step"] = rate
            self._seen = step, now
        known = {k: v if math.isfinite(v) else None for k, v in values.items()}
        record = {"step": step, "stream": stream, **known}
        self._file.write(json.dumps(record) + "\n")
        for name, value in values.items():
            self._board.add_scalar(f"{stream}/{name}", value, step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        self.line(f"step {step}  {stream}  {shown}")

    @contextlib.contextmanager
    def progress(self, name, first, last):
        """A progress bar on a terminal, nothing where there is none."""
        hidden = not sys.stderr.isatty()
        with tqdm.tqdm(
            desc=name, initial=first, total=last, disable=hidden, leave=False
        ) as bar:
            yield bar


def _drop_after(path, step):
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and _step(line) <= step]
    if not kept:
        path.unlink()
    elif kept != lines:  # the file as it is, or whole: the disk may be full
        outputs.write(path, "".join(kept).removesuffix("\n"))


def _step(line):
    """Of a damaged line: beyond any, so that it is dropped."""
    try:
        return json.loads(line)["step"]
    except (ValueError, LookupError, TypeError):
        return math.inf
