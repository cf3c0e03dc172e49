"""What fails midway is told as it was; threads that are at work then do no harm."""

import io
import threading
import time

import numpy as np
import odd_inputs
import pytest
import untrained

from adavsr_jax import kernels, video
from adavsr_jax.video import decoding
from experiments import estimators, method, streaming, targets

_KNOWN = estimators.known(np.asarray(kernels.bicubic()), "known")


def _restore(place, count=5):
    video.write(place / "in.mkv", odd_inputs.clip(count, 32, 32), 10)
    request = streaming.Request(place / "in.mkv", place / "out", steps=0)
    return streaming.restore(request, untrained.weights(), _KNOWN, io.StringIO())


def _failing_network(begun):
    def restore(self, taught, frames, first):
        for _ in zip(range(4), frames, strict=False):
            yield np.zeros((128, 128, 3), np.uint8)
        assert begun.wait(10)
        raise RuntimeError("the network failed")

    return restore


def test_nothing_is_written_into_a_piece_that_is_discarded(tmp_path, monkeypatch):
    # Encoders are FFmpeg's: closed under a frame, they take the process down.
    begun, discarded, late = threading.Event(), [], []

    def write(*_):
        begun.set()
        time.sleep(0.1)
        late.extend(discarded)

    monkeypatch.setattr(targets._Numbered, "write", write)
    monkeypatch.setattr(targets._Numbered, "discard", lambda _: discarded.append(1))
    monkeypatch.setattr(method.Method, "restore", _failing_network(begun))
    with pytest.raises(RuntimeError, match="the network failed"):
        _restore(tmp_path)
    time.sleep(0.5)
    assert discarded and not late


def test_what_went_wrong_is_told_though_a_decoder_is_at_work(tmp_path, monkeypatch):
    decoded = decoding.frames

    def slow(*arguments):
        for frame in decoded(*arguments):
            time.sleep(0.05)
            yield frame

    begun = threading.Event()
    begun.set()
    monkeypatch.setattr(decoding, "frames", slow)
    monkeypatch.setattr(method.Method, "restore", _failing_network(begun))
    with pytest.raises(RuntimeError, match="the network failed"):
        _restore(tmp_path, 150)


def test_a_reader_that_hangs_hides_no_error(tmp_path):
    video.write(tmp_path / "in.mkv", odd_inputs.clip(3, 32, 32), 10)
    with (
        pytest.raises(OSError, match="full"),
        video.open_source(tmp_path / "in.mkv") as source,
    ):
        hangs, inside = threading.Event(), threading.Event()

        def reading():
            inside.set()
            yield hangs.wait(10)

        source._container.close()
        source._decoded = reading()
        thread = threading.Thread(target=next, args=(source._decoded,))
        thread.start()
        assert inside.wait(10)
        raise OSError("the disk is full")
    hangs.set()
    thread.join()
