"""From a video file to decoded frames, past what is damaged. No colours, no times."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

import av

from adavsr_jax.video import kinds


@dataclasses.dataclass
class Damage:
    """What was met while decoding; false if nothing was.

    Attributes:
      stretches: runs of packets, one after the other, with something wrong.
      packets: that could not be decoded; their frames are missing.
      frames: given, but patched up by the decoder.
      ended: why reading stopped before the end of the file; empty if it did not.
    """

    stretches: int = 0
    packets: int = 0
    frames: int = 0
    ended: str = ""

    def __bool__(self) -> bool:
        return bool(self.stretches or self.ended)

    @property
    def failed(self) -> bool:
        """Whether frames are missing, not only patched up."""
        return bool(self.packets or self.ended)

    def __str__(self) -> str:
        told = []
        if self.stretches:
            told.append(
                f"{_count(self.stretches, 'damaged stretch', 'es')}:"
                f" {_count(self.packets, 'packet')} could not be decoded,"
                f" {_count(self.frames, 'frame')} patched up"
            )
        if self.ended:
            told.append(f"reading stopped before its end ({self.ended})")
        return "; ".join(told)


def open_container(path: str | os.PathLike) -> av.container.InputContainer:
    """Opens a media file; to be closed.

    Raises:
      OSError: there is nothing at `path`, or it may not be read.
      ValueError: not a file, or not a media file.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if not path.is_file():  # a pipe would be waited on for ever
        raise ValueError(f"{path}: is not a file; give a video file or a folder")
    if not path.stat().st_size:
        raise ValueError(f"{path}: is empty; give a video file")
    try:
        # Titles in an old encoding are no reason to refuse the pictures.
        return av.open(kinds.url(path), metadata_errors="replace")
    except PermissionError as error:
        raise PermissionError(f"{path}: may not be read ({error.strerror})") from error
    except (av.FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", error)
        raise ValueError(f"{path}: not a readable video ({reason})") from error


def pictures_of(
    container: av.container.InputContainer, path: str | os.PathLike
) -> av.VideoStream:
    """The first stream of moving pictures: no cover, which is a still beside sound.

    Raises:
      ValueError: there is none, or nothing here decodes it.
    """
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    for stream in container.streams.video:
        if stream.disposition & still:
            continue
        if stream.codec_context is None:
            raise ValueError(
                f"{path}: no decoder for its pictures; re-encode it in a common codec"
            )
        return stream
    raise ValueError(f"{path}: has no pictures in it, only sound or data")


def frames(
    container: av.container.InputContainer, stream: av.VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    """Yields what can be decoded, in the order of presentation.

    Threads are PyAV's default, within a frame: with one frame a thread, what a damaged
    packet does to its neighbours would depend on who was first.

    Args:
      container: open; read from where it stands.
      stream: of the container.
      damage: counts what goes wrong; nothing is raised for it.
    """
    intact = True
    for packet in _packets(container, stream, damage):
        try:
            decoded = packet.decode()
            failed = False
        except av.FFmpegError:
            decoded, failed = [], True
        patched = sum(frame.is_corrupt for frame in decoded)
        if intact and (failed or patched):
            damage.stretches += 1
        intact = not (failed or patched)
        damage.packets += failed
        damage.frames += patched
        yield from decoded


def _packets(container, stream, damage):
    """Packets, and at last an empty one that makes the decoder give what it holds."""
    packets = container.demux(stream)
    try:
        # An empty one too early would end the decoder.
        yield from (packet for packet in packets if packet.size)
    except av.FFmpegError as error:
        damage.ended = error.strerror or str(error)
    flush = av.Packet()
    flush.stream, flush.time_base = stream, stream.time_base
    yield flush


def _count(number, noun, plural="s"):
    return f"{number} {noun}{'' if number == 1 else plural}"
