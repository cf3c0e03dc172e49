"""Pieces of a result become one file, with all that travelled beside the pictures."""

import fractions
import heapq
import itertools
import os
import pathlib
from collections.abc import Sequence

import av

from adavsr_jax.video import formats, passengers


def join(
    path: str | os.PathLike,
    form: formats.Format,
    segments: Sequence[pathlib.Path],
    times: Sequence[fractions.Fraction],
    last_duration: fractions.Fraction,
    *,
    source: str | os.PathLike | None = None,
    span: tuple[fractions.Fraction, fractions.Fraction] | None = None,
) -> list[str]:
    """Writes a file of the segments' pictures, not encoded again, at their times.

    Args:
      path: where to.
      form: of the segments.
      segments: files of `writing.Encoder`, in order.
      times: of all frames, seconds, rising strictly; multiples of `form.time_base`.
      last_duration: how long the last frame stands, seconds.
      source: a video file whose sound, subtitles, chapters and titles come along, byte
        for byte at their own times; None: nothing does.
      span: `(start, end)` in seconds, of the source: nothing else comes along, and the
        result begins at zero.

    Returns:
      Lines on what was left behind.

    Raises:
      ValueError: the container cannot hold the source's sound; times that do not fit.
      OSError: it cannot be written.
    """
    start = span[0] if span else fractions.Fraction(0)
    ticks = [_ticks(moment - start, form) for moment in times]
    if any(later <= sooner for sooner, later in itertools.pairwise(ticks)):
        raise ValueError(f"{path}: the times of its frames do not rise")
    ticks.append(ticks[-1] + max(1, _ticks(last_duration, form)))
    notes = []
    try:
        with av.open(str(path), "w", format=form.container) as container:
            video = _add_video(container, segments[0], form)
            with passengers.Passengers(source, container, span) as others:
                container.start_encoding()
                pictures = _pictures(segments, ticks, form, video)
                for _, packet in heapq.merge(
                    pictures, others, key=lambda timed: timed[0]
                ):
                    container.mux(packet)
                notes += others.notes
    except av.FFmpegError as error:
        raise OSError(f"{path}: could not be written ({error.strerror})") from error
    return notes


def _ticks(seconds, form):
    """Seconds as a whole number of the format's time base, the nearest."""
    return round(seconds / form.time_base)


def _add_video(container, segment, form):
    with av.open(str(segment)) as piece:
        template = piece.streams.video[0]
        # A decoder's name may be that of no encoder: taken as it is.
        stream = container.add_stream_from_template(template, opaque=True)
    context, tags = stream.codec_context, form.colour
    context.sample_aspect_ratio = form.aspect
    context.colorspace, context.color_primaries = tags.matrix, tags.primaries
    context.color_trc = tags.transfer
    context.color_range = 2 if tags.full_range else 1
    stream.time_base = form.time_base
    return stream


def _pictures(segments, ticks, form, stream):
    """Yields `(seconds, packet)` of all segments, in coding order."""
    delay = max(map(_delay, segments))
    done = coded = 0
    for segment in segments:
        packets = _packets(segment)
        places = {pts: n for n, pts in enumerate(sorted(p.pts for p in packets))}
        for packet in packets:
            place = done + places[packet.pts]
            packet.stream, packet.time_base = stream, form.time_base
            packet.pts = ticks[place]
            packet.duration = ticks[place + 1] - ticks[place]
            # Decoded as early as the order of all asks for, and never two at a time.
            behind = coded - delay
            packet.dts = ticks[behind] if behind >= 0 else ticks[0] + behind
            yield packet.dts * form.time_base, packet
            coded += 1
        done += len(packets)


def _delay(segment):
    """By how many places a frame is coded after its turn, at most."""
    order = [packet.pts for packet in _packets(segment)]
    places = {pts: place for place, pts in enumerate(sorted(order))}
    return max(coded - places[pts] for coded, pts in enumerate(order))


def _packets(segment):
    with av.open(str(segment)) as piece:
        return [packet for packet in piece.demux(video=0) if packet.size]
