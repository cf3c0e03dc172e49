"""Segments into one file, each frame at its own time, with all that travels along.

Nothing is encoded again. In coding order let packet i be the r_i-th frame shown, at
time t[r_i]. It is decoded at t[i - D], D = max(i - r_i) being the longest that a frame
waits for ones shown after it; so times of decoding rise and none is after its showing.
Before the start they go on backwards by the first step.
"""

import contextlib
import fractions
import heapq
import os
import pathlib
from collections.abc import Iterator, Sequence

import av

from adavsr_jax.video import decoding, formats, kinds, passengers

_MILLISECOND = fractions.Fraction(1, 1000)


def join(
    path: str | os.PathLike,
    form: formats.Format,
    segments: Sequence[str | os.PathLike],
    times: Sequence[fractions.Fraction],
    last_duration: fractions.Fraction,
    *,
    source: str | os.PathLike | None = None,
    span: tuple[fractions.Fraction, fractions.Fraction] | None = None,
) -> list[str]:
    """Writes segments that `writing.Encoder` made, one after another, to `path`.

    Sound, subtitles, titles, chapters and covers of `source` come along, packets byte
    for byte at their own times.

    Args:
      path: where to, exactly; what stands there is replaced.
      form: what all segments were written in. Times are exact in MP4 and MOV as far
        as they are multiples of its time base; Matroska and WebM count milliseconds.
      segments: files, in the order of their showing.
      times: of each frame, in seconds of the source's clock; they rise.
      last_duration: of the last frame, seconds.
      source: the original video; of None and of a folder nothing travels.
      span: seconds of the source from where to where: other packets stay behind, and
        every time counts from its start.

    Returns:
      Lines that a person should see, those of `check_passengers` among them.

    Raises:
      ValueError: segments and times that are not one for one, segments of another
        format, or sound that the container cannot hold.
      OSError: the result cannot be written, or a segment cannot be read.
    """
    if span is not None:
        times = [time - span[0] for time in times]
    numbers = _numbers(segments)
    if len(numbers) != len(times):
        raise ValueError(
            f"{path}: {len(segments)} segments hold {len(numbers)} frames, expected"
            f" {len(times)}; make them anew"
        )
    exact = form.container in ("mp4", "mov")
    clock = form.time_base if exact else _MILLISECOND
    ticks, notes = _ticks(path, times, clock)
    try:
        with contextlib.ExitStack() as stack:
            new = stack.enter_context(_result(path, form, exact))
            first = stack.enter_context(_segment(segments[0]))
            stream = _video_stream(new, first.streams.video[0], form, clock)
            pictures = _pictures(segments, stream, clock, numbers, ticks, last_duration)
            if source is None or pathlib.Path(source).is_dir():
                new.mux(pictures)
                return notes
            old = stack.enter_context(decoding.open_container(source))
            along = passengers.Passengers(source, old, new, stream, span=span)
            refused = _mux(new, stream, pictures, along)
            notes += along.notes + along.damage()
            if refused:
                notes.append(f"{source}: {refused} damaged packets were left out")
    except av.FFmpegError as error:
        raise OSError(
            f"{path}: could not be written ({error.strerror or error})"
        ) from error
    return notes


def _numbers(segments):
    """Of all packets in coding order, the number of the frame in order of showing."""
    numbers = []
    for path in segments:
        with _segment(path) as segment:
            shown = [p.pts for p in segment.demux(video=0) if p.size]
        rank = {pts: number for number, pts in enumerate(sorted(shown))}
        before = len(numbers)
        numbers += [before + rank[pts] for pts in shown]
    return numbers


def _ticks(path, times, clock):
    """Times as whole numbers of `clock`, rising strictly whatever rounding does."""
    ticks, moved = [], 0
    for time in times:
        tick = round(time / clock)
        if ticks and tick <= ticks[-1]:
            tick, moved = ticks[-1] + 1, moved + 1
        ticks.append(tick)
    if not moved:
        return ticks, []
    return ticks, [
        f"{path}: {moved} frames follow one another faster than its clock of"
        f" {clock} s ticks, and are shown that much later"
    ]


def _result(path, form, exact):
    options = {}
    if not exact:
        # AAC out of MP4 begins before zero: so it does here, rather than all else
        # after its time.
        options["avoid_negative_ts"] = "disabled"
    return av.open(
        kinds.url(path),
        "w",
        format=form.container,
        container_options=options,
        metadata_errors="replace",  # whatever is wrong with a title, the film goes on
    )


def _segment(path):
    try:
        return av.open(kinds.url(path))
    except av.FFmpegError as error:
        raise OSError(
            f"{path}: is not a readable segment ({error.strerror}); remove it and"
            " make it anew"
        ) from error


def _video_stream(new, template, form, clock):
    stream = new.add_stream_from_template(template, opaque=True)
    stream.time_base = clock
    formats.tag(stream.codec_context, form)
    if form.codec == "libx265" and form.container in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # without it Apple's players refuse
    return stream


def _pictures(
    segments, stream, clock, numbers, ticks, last_duration
) -> Iterator[av.Packet]:
    """All packets in coding order, with the times of the result."""
    wait = max(i - number for i, number in enumerate(numbers))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    ends = [*ticks[1:], ticks[-1] + max(1, round(last_duration / clock))]
    header, i = None, 0
    for path in segments:
        with _segment(path) as segment:
            video = segment.streams.video[0]
            header = header or video.codec_context.extradata
            if video.codec_context.extradata != header:
                raise ValueError(
                    f"{path}: was encoded with other settings than {segments[0]};"
                    " make both anew"
                )
            for packet in segment.demux(video):
                if not packet.size:
                    continue
                shown = numbers[i]
                packet.time_base, packet.pts = clock, ticks[shown]
                packet.duration = ends[shown] - ticks[shown]
                early = wait - i
                packet.dts = ticks[0] - early * step if early > 0 else ticks[-early]
                packet.stream = stream
                i += 1
                yield packet


def _mux(new, stream, pictures, along):
    """Writes both kinds of packets as their times come; returns how many were bad."""
    in_order = heapq.merge(
        ((packet.dts * packet.time_base, packet) for packet in pictures),
        along,
        key=lambda item: item[0],
    )
    refused = 0
    for _, packet in in_order:
        try:
            new.mux_one(packet)
        except (av.InvalidDataError, av.ArgumentError):
            if packet.stream is stream:
                raise
            refused += 1  # a damaged packet of sound: the rest is still good
    return refused
