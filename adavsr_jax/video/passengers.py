"""What travels beside the pictures: sound, subtitles, chapters, titles, fonts."""

import fractions
import io
import os

import av

from adavsr_jax.video import decoding, formats

# What a container says of itself, not of the video.
_OWN = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_OWN_STREAM = _OWN | {"rotate", "vendor_id", "handler_name"}


def check(source: str | os.PathLike, form: formats.Format) -> list[str]:
    """Lines on what of a source the container of a format cannot hold.

    Raises:
      ValueError: its sound.
    """
    with decoding.open_container(source) as given:
        return _choose(source, given, form.container)[1]


class Passengers:
    """The packets of a source that come along; iterable once, as `(seconds, packet)`.

    Attributes:
      notes: lines on what is left behind; complete when all packets were given.
    """

    def __init__(self, source, container, span):
        """Adds streams, chapters, titles and fonts to an open container.

        Args:
          source: a path, or None for nothing.
          container: the output, its header not yet written.
          span: as of `joining.join`.
        """
        self.notes, self._given, self._streams, self._span = [], None, {}, span
        self._source, self._left_out = source, 0
        if source is None:
            return
        self._given = decoding.open_container(source)
        chosen, self.notes = _choose(source, self._given, container.format.name)
        for stream in chosen:
            self._streams[stream.index] = _added(container, stream)
        _describe(container, self._given, span)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._given is not None:
            self._given.close()

    def __iter__(self):
        if not self._streams:
            return
        start = self._span[0] if self._span else fractions.Fraction(0)
        before = {}
        packets = self._given.demux(
            [self._given.streams[index] for index in self._streams]
        )
        while (packet := self._next(packets)) is not None:
            if not packet.size:
                continue
            begins = packet.pts if packet.pts is not None else packet.dts
            if begins is None:
                self._left_out += 1
                continue
            seconds = begins * packet.time_base
            if self._span and not start <= seconds < self._span[1]:
                continue
            shift = round(start / packet.time_base)
            packet.pts = begins - shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            index = packet.stream.index
            if packet.dts <= before.get(index, packet.dts - 1):
                self._left_out += 1  # muxers take no time twice
                continue
            before[index] = packet.dts
            packet.stream = self._streams[index]
            yield packet.dts * packet.time_base, packet
        if self._left_out:
            self.notes.append(
                f"{self._source}: {self._left_out} damaged packets of its sound or"
                " subtitles are left out"
            )

    def _next(self, packets):
        """The next packet, or None: at the end, and where the file breaks off."""
        try:
            return next(packets, None)
        except (av.FFmpegError, ValueError):
            self._left_out += 1
            return None


def _choose(source, given, container):
    """`(streams that come along, lines on those that do not)`."""
    chosen, notes = [], []
    for stream in given.streams:
        if stream.type == "video":
            if stream.disposition & av.stream.Disposition.attached_pic:
                notes.append(f"{source}: its cover picture is not carried over")
        elif stream.type in ("audio", "subtitle"):
            name = stream.codec_context.name if stream.codec_context else "unknown"
            if stream.codec_context and _holds(container, stream):
                chosen.append(stream)
            elif stream.type == "audio":
                raise ValueError(
                    f"{source}: its sound ({name}) cannot be put into a {container}"
                    " file as it is; write a .mkv, which holds it"
                )
            else:
                notes.append(
                    f"{source}: its subtitles ({name}) cannot be put into a {container}"
                    " file and are left out"
                )
        elif stream.type == "attachment":
            if container != "matroska":
                notes.append(f"{source}: its attachment is left out; .mkv holds it")
        elif not given.chapters():  # which MP4 keeps in such a stream
            notes.append(f"{source}: its data stream {stream.index} is left out")
    return chosen, notes


def _holds(container, stream):
    """Whether a container takes a stream: tried, as lists of codecs are not whole."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as probe:
            probe.add_stream_from_template(stream, opaque=True)
            probe.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _added(container, stream):
    added = container.add_stream_from_template(stream, opaque=True)
    added.time_base = stream.time_base
    added.metadata.update(_without(stream.metadata, _OWN_STREAM))
    added.disposition = stream.disposition
    return added


def _describe(container, given, span):
    """Titles, chapters and, where they can be, fonts."""
    container.metadata.update(_without(given.metadata, _OWN))
    chapters = [_within(chapter, span) for chapter in given.chapters()]
    container.set_chapters([chapter for chapter in chapters if chapter])
    if container.format.name == "matroska":
        for stream in given.streams.attachments:
            name = stream.metadata.get("filename", f"attachment{stream.index}")
            kind = stream.mimetype or "application/octet-stream"
            container.add_attachment(name, kind, stream.data)


def _within(chapter, span):
    """A chapter as it lies in the span, or None."""
    if span is None:
        return chapter
    unit = chapter["time_base"]
    start, end = (round(moment / unit) for moment in span)
    first, last = max(chapter["start"], start), min(chapter["end"], end)
    if first >= last:
        return None
    return {**chapter, "start": first - start, "end": last - start}


def _without(metadata, names):
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in names and not key.startswith(("_STATISTICS", "DURATION"))
    }
