"""Video files and folders of pictures: in, out, and what travels with the pictures.

Host side; no JAX. Whole clips: `frames`, `read`, `write`. As they stream by:
`open_source`; out again: `choose_format`, an `Encoder` a piece, `join`. `kinds` says
what a video is apart from its pictures.
"""

from adavsr_jax.video.formats import HDR, Format
from adavsr_jax.video.formats import choose as choose_format
from adavsr_jax.video.joining import join
from adavsr_jax.video.kinds import Colour, Frame, Info
from adavsr_jax.video.passengers import beside_pictures, check_passengers
from adavsr_jax.video.reading import Source, frames_near, open_source
from adavsr_jax.video.whole import (
    FOLDER_RATE,
    VIDEOS,
    Clip,
    check_output,
    frames,
    is_media,
    read,
    write,
)
from adavsr_jax.video.writing import Encoder

__all__ = [
    "FOLDER_RATE",
    "HDR",
    "VIDEOS",
    "Clip",
    "Colour",
    "Encoder",
    "Format",
    "Frame",
    "Info",
    "Source",
    "beside_pictures",
    "check_output",
    "check_passengers",
    "choose_format",
    "frames",
    "frames_near",
    "is_media",
    "join",
    "open_source",
    "read",
    "write",
]
