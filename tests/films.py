"""Short films: sources with all that may travel, and results joined of segments."""

import fractions
import itertools

import av
import numpy as np

from adavsr_jax import video
from adavsr_jax.video import kinds

F = fractions.Fraction
HEIGHT, WIDTH, RATE = 48, 80, 10
# Two segments, of 7 and 4 frames, at variable rate: the times of a source at 1/12800 s
# and the middles between them.
SIZES = (7, 4)
SHOWN = [F(t, 12800) for t in (0, 1280, 2561, 3000, 6402, 7680)]
TIMES = sorted(SHOWN + [(a + b) / 2 for a, b in itertools.pairwise(SHOWN)])
LAST = F(700, 12800)


def info(**changes):
    told = {"bits": 10, "chroma": "420", "colour": kinds.Colour(9, 9, 14, False)}
    return kinds.Info(
        **{"height": 12, "width": 20, "aspect": F(1), "rate": F(RATE)}
        | {"time_base": F(1, 12800), "count": None}
        | told
        | changes,
    )


def segments(folder, form):
    """Frames that differ, each segment from its own encoder."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    number, paths = 0, []
    for size in SIZES:
        paths.append(folder / f"segment{len(paths)}")
        with video.Encoder(paths[-1], form) as encoder:
            for _ in range(size):
                wave = 120 + 90 * np.sin(0.2 * (x + 5 * number) + 0.1 * y)
                encoder.write(np.repeat(wave[..., None], 3, axis=2).astype(np.uint8))
                number += 1
    return paths


def join(tmp_path, suffix, codec=None, *, times=TIMES, of=None, **options):
    path = tmp_path / f"out{suffix}"
    form, _ = video.choose_format(
        path, of or info(), height=HEIGHT, width=WIDTH, codec=codec
    )
    paths = segments(tmp_path, form)
    return path, form, paths, video.join(path, form, paths, times, LAST, **options)


def decode(path):
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, _rows(frame))
            for frame in container.decode(video=0)
        ]


def _rows(frame):
    """Bytes of each plane without what pads its rows."""
    each = 1 if frame.format.components[0].bits == 8 else 2
    return [
        np.frombuffer(plane, np.uint8)
        .reshape(plane.height, -1)[:, : each * plane.width]
        .tobytes()
        for plane in frame.planes
    ]


def packets(path, kind):
    """(time, bytes) of each packet, read without our code."""
    with av.open(str(path)) as container:
        (stream,) = getattr(container.streams, kind)
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def _sound(container, codec, seconds):
    stream = container.add_stream(codec, rate=48000)
    stream.codec_context.layout = "stereo"
    german = "ger" if container.format.name == "mov" else "deu"
    stream.metadata.update(language=german, title="Ton")

    def encode():
        size = stream.codec_context.frame_size or 1024
        form = stream.codec_context.format.name
        for number in range(int(seconds * 48000 / size)):
            wave = np.sin(0.05 * np.arange(number * size, (number + 1) * size))
            wave = np.stack([wave, wave])
            if "flt" not in form:
                wave = (12000 * wave).astype(np.int16)
            packed = wave if form.endswith("p") else wave.T.reshape(1, -1)
            kind = packed.dtype if packed.dtype == np.int16 else np.float32
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(packed, kind), format=form, layout="stereo"
            )
            frame.sample_rate, frame.pts = 48000, number * size
            frame.time_base = F(1, 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    return encode


def source(path, codec="aac", *, seconds=1.2, subtitles=None):
    """A film with sound, two chapters, titles and languages."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A film"
        stream = container.add_stream("mpeg4" if path.suffix != ".webm" else "vp9")
        stream.height, stream.width, stream.pix_fmt = 16, 32, "yuv420p"
        stream.metadata["language"] = "fra"
        encode = _sound(container, codec, seconds)
        if subtitles:
            lines = container.add_mux_stream(subtitles, time_base=F(1, 1000))
            lines.metadata["language"] = "spa"
        container.set_chapters(
            [
                {"id": n, "start": 600 * n, "end": 600 * (n + 1)}
                | {"time_base": F(1, 1000), "metadata": {"title": name}}
                for n, name in enumerate(("one", "two"))
            ]
        )
        for number in range(24):
            frame = av.VideoFrame(32, 16, "yuv420p")
            frame.pts, frame.time_base = number, F(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        encode()
        if subtitles:
            for number in range(3):
                line = av.Packet(b"\0\5Hello" if subtitles == "mov_text" else b"Hello")
                line.stream, line.time_base = lines, F(1, 1000)
                line.pts = line.dts = 100 + 300 * number
                line.duration = 200
                container.mux(line)
    return path
