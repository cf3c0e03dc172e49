"""Video files and folders of pictures: in, out, and what travels with the pictures.

Host side; no JAX. Whole clips: `frames`, `read`, `write`. As they stream by: `kinds`
says what a video is apart from its pictures; `formats` chooses the form of a result,
`writing` encodes it in segments, `joining` makes one file of them with all that
`passengers` brings along.
"""

from adavsr_jax.video.formats import Format, choose
from adavsr_jax.video.joining import join
from adavsr_jax.video.passengers import check_passengers
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
    "VIDEOS",
    "Clip",
    "Encoder",
    "Format",
    "check_output",
    "check_passengers",
    "choose",
    "frames",
    "is_media",
    "join",
    "read",
    "write",
]
