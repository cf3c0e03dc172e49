"""Bad and odd inputs by the dozen, each made in a folder of its own."""

import fractions
import functools
import pathlib
import struct

import av
import numpy as np
from PIL import Image

HEIGHT, WIDTH, FRAMES = 48, 64, 12


def clip(frames=FRAMES, height=HEIGHT, width=WIDTH):
    """A coloured wave that moves, `uint8 [T, H, W, 3]`."""
    t, y, x = np.mgrid[:frames, :height, :width].astype(np.float32)
    waves = [np.sin(0.31 * x + 0.3 * t), np.cos(0.23 * y - 0.2 * t), np.sin(0.17 * y)]
    return np.stack([127.5 + 100 * wave for wave in waves], axis=-1).astype(np.uint8)


def encode(path, frames, codec="libx264", pix_fmt="yuv420p", sound=False, **options):
    """A video file, with a tone beside it if asked for."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=12, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        tone = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        for rgb in frames:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
        if tone is not None:
            write_tone(container, tone, len(frames) / 12)
    return path


def write_tone(container, stream, seconds):
    """440 Hz into an open audio stream, mono."""
    count = int(48000 * seconds)
    wave = (0.3 * np.sin(np.arange(count) * 2 * np.pi * 440 / 48000)).astype(np.float32)
    for first in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(
            wave[None, first : first + 1024], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 48000, first
        frame.time_base = fractions.Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _cut(share, suffix, folder):
    whole = encode(
        folder / f"whole{suffix}", clip(48), sound=suffix != ".webm"
    ).read_bytes()
    path = folder / f"cut{suffix}"
    path.write_bytes(whole[: int(share * len(whole))])
    return path


def _flipped(share, suffix, folder):
    data = bytearray(encode(folder / f"whole{suffix}", clip(48)).read_bytes())
    data[int(share * (len(data) - 1))] ^= 0xFF
    path = folder / f"flipped{suffix}"
    path.write_bytes(data)
    return path


def _hole(folder):
    data = bytearray(encode(folder / "whole.mp4", clip(96), g="12").read_bytes())
    middle = len(data) // 3
    data[middle : middle + 400] = bytes(400)
    path = folder / "hole.mp4"
    path.write_bytes(data)
    return path


def _bytes(name, data, folder):
    path = folder / name
    path.write_bytes(data)
    return path


def _only_sound(folder):
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        write_tone(container, stream, 0.5)
    return path


def _video(frames, height, width, folder, name="in.mkv", codec="ffv1", pix_fmt="bgr0"):
    return encode(folder / name, clip(frames, height, width), codec, pix_fmt)


def _no_frames(folder):
    path = folder / "none.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        container.start_encoding()
    return path


def _size_changes(folder):
    """Two streams of MPEG-TS, one after the other."""
    parts = [
        encode(folder / f"{n}.ts", clip(8, 48 * n, 64), "mpeg2video").read_bytes()
        for n in (1, 2)
    ]
    return _bytes("grows.ts", b"".join(parts), folder)


def stills(folder, frames=None, suffix=".png", mode=None):
    """A folder of pictures."""
    place = folder / "stills"
    place.mkdir()
    for number, frame in enumerate(clip(4) if frames is None else frames):
        image = Image.fromarray(frame)
        image = image if mode is None else image.convert(mode)
        image.save(place / f"{number}{suffix}")
    return place


def _damaged_stills(damage, folder):
    place = stills(folder)
    damage(place)
    return place


def _broken(place):
    data = (place / "2.png").read_bytes()
    (place / "2.png").write_bytes(data[: len(data) // 2])


def _empty_still(place):
    (place / "1.png").write_bytes(b"")


def _text_still(place):
    (place / "1.png").write_text("a picture")


def _differs(place):
    Image.fromarray(clip(1, 40, 64)[0]).save(place / "3.png")


def _flipped_still(place):
    data = bytearray((place / "1.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (place / "1.png").write_bytes(data)


def _grey_among(place):
    Image.fromarray(clip(1)[0]).convert("L").save(place / "1.png")


def _stray(place):
    (place / "notes.txt").write_text("not a frame")


def _huge_size_said(folder):
    """A PNG whose header promises 100,000 x 100,000 pixels."""
    place = stills(folder)
    data = bytearray((place / "0.png").read_bytes())
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    (place / "0.png").write_bytes(data)
    return place


def _repeated_times(folder):
    path = folder / "repeats.mkv"
    source = encode(folder / "whole.mkv", clip(), bf="0")
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.dts is not None]
        before = 0
        for number, packet in enumerate(packets):
            packet.stream, packet.dts = stream, number
            if number % 4 == 3:
                packet.pts = before
            before = packet.pts
            container.mux(packet)
    return path


def _make(maker, *arguments, **keywords):
    return functools.partial(maker, *arguments, **keywords)


_SHARES = [0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999]
# name -> maker of it in a folder
CASES = {
    **{f"mkv cut at {s}": _make(_cut, s, ".mkv") for s in _SHARES},
    **{f"mp4 cut at {s}": _make(_cut, s, ".mp4") for s in (0.01, 0.5, 0.9, 0.999)},
    **{f"ts cut at {s}": _make(_cut, s, ".ts") for s in (0.01, 0.5, 0.99)},
    **{f"mkv flipped at {s}": _make(_flipped, s, ".mkv") for s in _SHARES},
    **{f"mp4 flipped at {s}": _make(_flipped, s, ".mp4") for s in _SHARES[1:8]},
    "hole": _hole,
    "empty": _make(_bytes, "in.mp4", b""),
    "text": _make(_bytes, "in.mp4", b"once upon a time\n" * 50),
    "zeros": _make(_bytes, "in.mkv", bytes(5000)),
    "only sound": _only_sound,
    "no frames": _no_frames,
    "one frame": _make(_video, 1, HEIGHT, WIDTH),
    "two frames": _make(_video, 2, HEIGHT, WIDTH),
    "1x1": _make(_video, 3, 1, 1),
    "15x17": _make(_video, 3, 17, 15),
    "3x400": _make(_video, 3, 3, 400),
    "size changes": _size_changes,
    "times repeat": _repeated_times,
    "broken still": _make(_damaged_stills, _broken),
    "empty still": _make(_damaged_stills, _empty_still),
    "text still": _make(_damaged_stills, _text_still),
    "flipped still": _make(_damaged_stills, _flipped_still),
    "still of another size": _make(_damaged_stills, _differs),
    "grey still among others": _make(_damaged_stills, _grey_among),
    "stray file": _make(_damaged_stills, _stray),
    "huge size": _huge_size_said,
    "one still": _make(stills, frames=clip(1)),
    "grey stills": _make(stills, mode="L"),
    "palette stills": _make(stills, mode="P"),
    "CMYK stills": _make(stills, suffix=".jpg", mode="CMYK"),
    "webp stills": _make(stills, suffix=".webp"),
    "empty folder": lambda folder: (
        pathlib.Path(folder / "none").mkdir() or folder / "none"
    ),
}
