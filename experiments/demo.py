"""Algorithms 1 and 2 in minutes: train small, super-resolve a clip, look at it.

    python -m experiments.demo --workdir=runs/demo

Reads nothing: everything is drawn from keys. Leaves `WORKDIR/before_after.png`, the
frames behind it in `WORKDIR/demo/`, and the training run; prints a table of PSNR.

Beside it the weights that come with the project, which took longer to train. A training
that is interrupted goes on when the command is given again.
"""

import fractions
import pathlib
import signal
import subprocess
import sys

import jax
import numpy as np
from absl import flags

from adavsr_jax import kernels, metrics, rendering, video
from experiments import cli, estimators, figures, rows, shipped, streaming, trained

_WORKDIR = flags.DEFINE_string(
    "workdir", "runs/demo", "Folder where everything goes, made if missing."
)
_CONFIG = pathlib.Path(__file__).with_name("configs") / "demo.py"
# Training draws from the low-numbered streams of its seed. This world, of a dozen, was
# chosen by its looks: text, patterns, things that pass before one another.
_STREAM = 1_000_002
_BLUR = (3.2, 1.2, np.pi / 2)  # `aniso3.2-1.2@90`, where there is most to adapt to
_CROP = 96
_SIGNALS = [signal.SIGINT, signal.SIGTERM]
_SIGNALS += [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # not on Windows


def main(argv):
    del argv
    workdir = pathlib.Path(_WORKDIR.value)
    _train(workdir)
    weights = trained.load(workdir)
    folder = workdir / "demo"
    truth, lr, kernel = _make_problem(weights.config.run.seed, folder)
    videos = {
        "low resolution": lr.repeat(2, axis=0)[:-1],  # each frame held: no guess
        "trilinear": np.asarray(rows.restore_trilinear(lr)),
        "before adaptation": _restore(folder, "before", weights, kernel, steps=0),
        "after adaptation": _restore(folder, "after", weights, kernel),
        "shipped weights": _restore(folder, "shipped", shipped.network(), kernel),
        "truth": truth,
    }
    _print_table(videos)
    picture = workdir / "before_after.png"
    _draw(picture, videos)
    print(f"{picture}: the same, to look at")


def _train(workdir):
    """Runs, resumes or (if it is finished) passes over the demo's training."""
    command = [sys.executable, "-m", "experiments.meta_train"]
    command += [f"--config={_CONFIG}", f"--workdir={workdir}"]
    # In a group of its own it hears of a signal once, from here, and saves; subprocess
    # would kill it a quarter of a second after a Ctrl-C.
    with subprocess.Popen(command, process_group=0) as training:
        forward = lambda number, _: training.send_signal(number)
        before = {number: signal.signal(number, forward) for number in _SIGNALS}
        status = training.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    if status:
        sys.exit(max(status, 1))  # it has said why


def _make_problem(seed, folder):
    """A clip that training never saw, degraded; LR and kernel as files in `folder`."""
    key = jax.random.fold_in(jax.random.key(seed), _STREAM)
    truth = np.asarray(rendering.clip(key, frames=15, height=192, width=256))
    kernel = np.asarray(kernels.gaussian(*_BLUR))
    lr = rows.degrade(truth, kernel)
    rate = fractions.Fraction(12)
    video.write(folder / "lr", lr, rate, overwrite=True)
    video.write(folder / "truth", truth, 2 * rate, overwrite=True)
    np.save(folder / "kernel.npy", kernel)
    return truth, lr, kernel


def _restore(folder, name, weights, kernel, steps=None):
    """What `super_resolve` would do; the frames that it wrote, `[T, H, W, 3]`."""
    request = streaming.Request(
        folder / "lr", folder / name, steps=steps, overwrite=True
    )
    streaming.restore(request, weights, estimators.known(kernel, "known"))
    return video.read(folder / name).frames


def _print_table(videos):
    print(f"\n{'PSNR-Y (dB)':<20}{'all':>8}{'given':>8}{'between':>9}")
    for name in [name for name in videos if name not in ("low resolution", "truth")]:
        psnr = metrics.psnr_y(videos[name], videos["truth"])
        means = psnr.mean(), psnr[::2].mean(), psnr[1::2].mean()
        print(f"{name:<20}{means[0]:8.2f}{means[1]:8.2f}{means[2]:9.2f}")
    print()


def _draw(path, videos):
    """Crops of a given frame and of one between two given frames."""
    truth = videos["truth"]
    drawn = []
    for title, index in (("a given frame", 6), ("a frame made between two", 7)):
        # Chosen on what every method was given, so that none is favoured.
        given = videos["low resolution"][index].repeat(4, axis=0).repeat(4, axis=1)
        window = figures.detailed_window(given, _CROP)
        row = []
        for name, frames in videos.items():
            frame = frames[index]
            label = name
            if name == "low resolution":
                frame = given
            elif name != "truth":
                psnr = metrics.psnr_y(frames[index, None], truth[index, None])[0]
                label = f"{name}\nwhole frame {psnr:.2f} dB"
            row.append((label, frame[window]))
        drawn.append((title, row))
    figures.compare(path, drawn, zoom=3)


if __name__ == "__main__":
    cli.run(main)
