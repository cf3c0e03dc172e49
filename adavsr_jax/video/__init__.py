"""Video files and folders of pictures: in, out, and what travels with the pictures.

Host side; no JAX. Whole clips: `frames`, `read`, `write`. As they stream by:
`open_source`; `kinds` says what a video is apart from its pictures.
"""

from adavsr_jax.video.kinds import Colour, Frame, Info
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

__all__ = [
    "FOLDER_RATE",
    "VIDEOS",
    "Clip",
    "Colour",
    "Frame",
    "Info",
    "Source",
    "check_output",
    "frames",
    "frames_near",
    "is_media",
    "open_source",
    "read",
    "write",
]
