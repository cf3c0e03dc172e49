"""What travels beside the pictures: sound, subtitles, chapters, titles, covers.

Packets go over byte for byte at their own times. What the new container cannot hold
is said: sound is an error before any work is done, the rest a note.
"""

import fractions
import io
import os
import pathlib
from collections.abc import Iterator

import av

from adavsr_jax.video import decoding, formats

# About the old file, not about the film: containers' brands, muxers' names and
# statistics, and the rotation that pixels have had already.
_ABOUT_THE_FILE = (
    *("major_brand", "minor_version", "compatible_brands", "encoder", "vendor_id"),
    *("rotate", "timecode", "duration", "bps", "number_of_frames", "number_of_bytes"),
    "_statistics",
)
# MOV has numbers for languages, which FFmpeg knows by one of two codes only.
_IN_MOV = {
    "bod": "tib", "cym": "wel", "cze": "ces", "deu": "ger", "ell": "gre", "eus": "baq",
    "fas": "per", "fre": "fra", "hye": "arm", "isl": "ice", "kat": "geo", "mkd": "mac",
    "msa": "may", "mya": "bur", "nld": "dut", "rum": "ron", "slo": "slk", "sqi": "alb",
    "zho": "chi",
}  # fmt: skip
_COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
# After so many unreadable places in a row a file is taken to end.
_PATIENCE = 100
# These want times of a stream to rise; the other containers let them rest.
_STRICT = ("mp4", "mov")

Seconds = fractions.Fraction


def check_passengers(
    source: str | os.PathLike | None, form: formats.Format
) -> list[str]:
    """Says what of `source` cannot travel with a result, before any work is done.

    Args:
      source: the original video; of None and of a folder nothing travels.
      form: in what form the result is written; its container decides.

    Returns:
      A line for whatever is left behind.

    Raises:
      ValueError: sound that the container cannot hold but Matroska may; or as
        `decoding.open_container`.
    """
    if source is None or pathlib.Path(source).is_dir():
        return []
    with decoding.open_container(source) as old:
        return _sort(old, source, form.container)[1]


def beside_pictures(source: str | os.PathLike) -> list[str]:
    """What a file holds that no folder of pictures does: `sound`, `subtitles` ...

    Raises:
      ValueError, OSError: as `decoding.open_container`.
    """
    with decoding.open_container(source) as old:
        found = {stream.type for stream in old.streams}
        there = {
            "sound": "audio" in found,
            "subtitles": "subtitle" in found,
            "chapters": old.chapters(),
        }
    return [name for name, is_there in there.items() if is_there]


class Passengers:
    """All that goes from an open source to an open result beside the pictures."""

    def __init__(
        self,
        source: str | os.PathLike,
        old: av.container.InputContainer,
        new: av.container.OutputContainer,
        video: av.VideoStream,
        *,
        span: tuple[Seconds, Seconds] | None,
    ):
        """Adds streams, titles, chapters and covers to `new`, behind its video.

        Args:
          source: names `old` in messages.
          old, new: open containers; nothing was written to `new` yet.
          video: of `new`; gets the language and title of the old one.
          span: of the source, seconds; None for all of it. What begins outside stays
            behind, and times count from its start.
        """
        self._source, self._old, self._span = source, old, span
        self._container = new.format.name
        self._damaged = 0
        carried, self.notes = _sort(old, source, self._container)
        new.metadata.update(_about_the_film(old.metadata, self._container))
        new.set_chapters(_chapters(old, span))
        for filmed in old.streams.video:
            if not _is_cover(filmed):
                _describe(video, filmed, self._container)
                break
        self._streams, self._covers = {}, []
        for stream in carried:
            if stream.type == "attachment":
                new.add_stream_from_template(stream)
            elif stream.type == "video":
                self._add_cover(stream, new)
            else:
                self._streams[stream.index] = _twin(stream, new)

    def __iter__(self) -> Iterator[tuple[Seconds, av.Packet]]:
        """Yields (time of decoding, packet for `new`) in the order of the source."""
        for packet in self._covers:
            yield Seconds(0), packet
        last = {}
        for packet in self._packets():
            if packet is None:
                self._damaged += 1
                continue
            number = packet.stream_index
            _fill_in(packet, last.get(number), self._container in _STRICT)
            last[number] = packet.dts, packet.duration or 0
            if self._span is not None:
                start, end = self._span
                if not start <= packet.pts * packet.time_base < end:
                    continue
                ticks = round(start / packet.time_base)
                packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            packet.stream = self._streams[number]
            yield packet.dts * packet.time_base, packet

    def damage(self) -> list[str]:
        """A line about places that could not be read, after all was yielded."""
        if not self._damaged:
            return []
        return [
            f"{self._source}: sound or subtitles are damaged in {self._damaged}"
            " places; what could be read is carried over"
        ]

    def _packets(self):
        """Packets of what travels; None for a place that cannot be read."""
        streams = [s for s in self._old.streams if s.index in self._streams]
        failures = 0
        while streams and failures < _PATIENCE:
            try:
                for packet in self._old.demux(streams):
                    if packet.size:  # the last ones are empty: they flush decoders
                        failures = 0
                        yield packet
                return
            except IndexError:
                return  # PyAV's, at the end, where a stream turned up midway
            except av.FFmpegError:
                failures += 1
                yield None

    def _add_cover(self, stream, new):
        """A picture of the whole film: a track in MP4, an attachment in Matroska."""
        with decoding.open_container(
            self._source
        ) as again:  # reading on here would skip sound
            covers = again.demux(again.streams[stream.index])
            cover = next((packet for packet in covers if packet.size), None)
        if cover is None:
            return
        if self._container == "mp4":
            twin = _twin(stream, new)
            cover.stream, cover.pts, cover.dts = twin, 0, 0
            self._covers.append(cover)
        else:
            new.add_attachment(*_COVERS[stream.codec_context.name], bytes(cover))


def _sort(old, source, container):
    """Streams that travel, and a line for each kind that does not."""
    carried, notes = [], []
    pictures = [s for s in old.streams.video if not _is_cover(s)]
    if len(pictures) > 1:
        notes.append(f"{source}: only the first of {len(pictures)} videos is carried")
    for stream in old.streams:
        if stream.type == "video" and not _is_cover(stream):
            continue
        if stream.type == "data" and stream.discard == av.stream.Discard.all:
            continue  # chapters, which travel as such
        if _holds(stream, container):
            carried.append(stream)
            continue
        name = getattr(stream, "name", None) or "of an unknown kind"
        # What Matroska or FFmpeg do not know, no other choice of ours would save.
        elsewhere = container != "matroska" and stream.codec_context is not None
        if stream.type == "audio" and elsewhere:
            raise ValueError(
                f"{source}: {container} cannot hold its sound ({name}); write .mkv"
            )
        kind = "cover" if stream.type == "video" else stream.type
        notes.append(
            f"{source}: its {kind} stream ({name}) is not carried over: {container}"
            " cannot hold it"
        )
    return carried, notes


def _is_cover(stream):
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _holds(stream, container):
    """Whether a container takes a stream; a header in memory is the surest answer."""
    if stream.type == "data":
        return False
    if stream.type == "attachment":
        return container == "matroska"
    if stream.type == "video" and container != "mp4":  # MOV drops it unasked
        return container == "matroska" and stream.codec_context.name in _COVERS
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _twin(stream, new):
    twin = new.add_stream_from_template(stream, opaque=True)
    _describe(twin, stream, new.format.name)
    return twin


def _describe(twin, stream, container):
    twin.metadata.update(_about_the_film(stream.metadata, container))
    twin.disposition = stream.disposition


def _about_the_film(metadata, container):
    """Titles, languages and the like, under the names that `container` takes."""
    kept = {
        key: value
        for key, value in metadata.items()
        if not key.lower().startswith(_ABOUT_THE_FILE)
    }
    if "name" in kept:  # as MP4 calls the title of a stream when it is read
        kept.setdefault("title", kept.pop("name"))
    if container not in _STRICT:
        kept.pop("handler_name", None)
    if container == "mov" and "language" in kept:
        kept["language"] = _IN_MOV.get(kept["language"], kept["language"])
    return kept


def _chapters(old, span):
    """Chapters, cut to the span and counted from its start."""
    chapters = []
    for chapter in old.chapters():
        begin, end = chapter["start"], chapter["end"]
        if span is not None:
            first, last = (round(t / chapter["time_base"]) for t in span)
            begin, end = max(begin, first) - first, min(end, last) - first
        if begin < end:
            chapters.append(chapter | {"start": begin, "end": end})
    return chapters


def _fill_in(packet, last, strict):
    """Makes a damaged file's times whole: as the packet before this one leads to.

    `last` is the (dts, duration) of that one, or None; times must rise from there, or
    at least not fall.
    """
    expected = 0 if last is None else last[0] + max(last[1], 1)
    if packet.dts is None:
        packet.dts = expected if packet.pts is None else packet.pts
    if packet.pts is None:
        packet.pts = packet.dts
    lift = 0 if last is None else last[0] + strict - packet.dts
    if lift > 0:
        packet.dts += lift
        packet.pts = max(packet.pts, packet.dts)
