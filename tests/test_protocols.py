import pytest

from experiments import cli, protocols

VID4 = (41, 34, 49, 47)


@pytest.mark.parametrize(
    ("protocol", "counts"), [("all", (41, 33, 49, 47)), ("zsm", (37, 31, 49, 43))]
)
def test_vid4_has_170_and_160_scored_frames(protocol, counts):
    found = tuple(protocols.num_scored(protocol, count) for count in VID4)
    assert found == counts
    assert sum(found) == {"all": 170, "zsm": 160}[protocol]


@pytest.mark.parametrize("protocol", protocols.NAMES)
@pytest.mark.parametrize("count", [7, 8, 13, 34, 41])
def test_scored_frames_are_the_first_ones_in_order_and_once(protocol, count):
    # A restorer that tells which frame of the clip it restores, and in which window.
    def restorer(first, given):
        return [(2 * first + index, first) for index in range(2 * given - 1)]

    restored = list(protocols.restore(protocol, count, restorer))
    frames, windows = zip(*restored, strict=True)
    assert list(frames) == list(range(protocols.num_scored(protocol, count)))
    if protocol == "zsm":
        # Frame 6 k ends window k: it is scored there, not where window k + 1 starts.
        assert [first for frame, first in restored if frame % 6 == 0][1:] == [
            3 * k for k in range(len(set(windows)))
        ]


def test_short_clips_are_refused_by_name():
    protocols.check("zsm", "a.mkv", 7)
    protocols.check("all", "a.mkv", 3)
    for protocol, count in (("zsm", 6), ("all", 2)):
        with pytest.raises(cli.InputError, match=f"a.mkv: {count} frames"):
            protocols.check(protocol, "a.mkv", count)
