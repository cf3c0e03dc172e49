"""A ledger gives back what it was given, whatever was cut off its end."""

import json
import re

import pytest

from experiments import cli, ledger

SETTINGS = {"steps": [0, "auto"], "estimator": None}
UNITS = [
    (["city", "iso1.6", "ours", ""], {"psnr": 1 / 3, "frames": [0.1 + 0.2, None]}),
    (["city", "iso1.6", "trilinear", ""], {"taps": [[1e-30, -2.5e300]]}),
    (["stra\u00dfe \u2028", "iso1.6", "ours", "a\nb"], {"told": "1.9 \u00d7 1.9\n"}),
]


def _write(path, units=UNITS):
    done = ledger.Ledger(path, SETTINGS)
    for key, found in units:
        if done.found(key) is None:
            done.add(key, found)
    done.close()
    return path.read_bytes()


def _found(path, units=UNITS):
    done = ledger.Ledger(path, SETTINGS)
    done.close()
    return [done.found(key) for key, _ in units]


def test_what_was_added_is_found_again_bit_for_bit(tmp_path):
    whole = _write(tmp_path / "rows.jsonl")
    assert _found(tmp_path / "rows.jsonl") == [found for _, found in UNITS]
    assert (tmp_path / "rows.jsonl").read_bytes() == whole
    assert len(whole.splitlines()) == 1 + len(UNITS)


def test_a_unit_is_on_the_disk_before_anything_is_closed(tmp_path):
    done = ledger.Ledger(tmp_path / "rows.jsonl", SETTINGS)
    for count, (key, found) in enumerate(UNITS, start=1):
        done.add(key, found)
        assert done.found(key) == found
        assert _found(tmp_path / "rows.jsonl", UNITS[:count])[-1] == found
    done.close()


def test_wherever_the_file_is_cut_whole_lines_count_and_the_rest_is_done_again(
    tmp_path,
):
    path = tmp_path / "rows.jsonl"
    whole = _write(path)
    ends = [number for number, byte in enumerate(whole) if byte == ord("\n")]
    for cut in {*range(0, len(whole), 29), *ends, *(end + 1 for end in ends)}:
        path.write_bytes(whole[:cut])
        there = max(whole[:cut].count(b"\n") - 1, 0)
        assert [found is not None for found in _found(path)] == [
            number < there for number in range(len(UNITS))
        ]
        assert _write(path) == whole


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("damage", [b"{\n", b"\xff\n", b"\n"])
def test_a_damaged_line_is_told_by_its_number(tmp_path, number, damage):
    path = tmp_path / "rows.jsonl"
    lines = _write(path).splitlines(keepends=True)
    lines[number - 1] = damage
    _check_refused(path, b"".join(lines), f"line {number} is damaged")


@pytest.mark.parametrize("line", ["5", "[]", '{"key": []}', '{"found": {}}'])
def test_a_line_that_is_no_unit_is_told_by_its_number(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    # A unit twice is one unit: lines are counted, not units.
    whole = _write(path) + _write(path).splitlines(keepends=True)[1]
    _check_refused(path, whole + f"{line}\n".encode(), "line 6 is damaged")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": [0]}, "was begun with steps [0, 'auto'], now it is [0]"),
        ({"estimator": "x"}, "was begun with estimator None, now it is 'x'"),
        ({"modes": ["oracle"]}, "was begun with modes None, now it is ['oracle']"),
    ],
)
def test_other_settings_are_refused_by_name_and_values(tmp_path, changes, words):
    path = tmp_path / "rows.jsonl"
    _check_refused(path, _write(path), words, SETTINGS | changes)
    _check_refused(path, _write(path), "choose another --output", SETTINGS | changes)


@pytest.mark.parametrize(
    "content",
    [
        b"notes\n",
        b"notes",
        b'{"steps": [0\n',
        b"[1, 2]\n",
        b"5\n",
        b'{"name": "a"}\n',
        b"\x89PNG\r\n\x1a",
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_kept(tmp_path, content):
    _check_refused(tmp_path / "rows.jsonl", content, "choose another --output")


def test_keys_are_told_apart(tmp_path):
    keys = [["a", "b"], ["a,b"], ["ab"], ["a", ["b"]], ["a", "b", ""], ["1"], [1]]
    keys += [[1.5], [True], [None], ["null"], [], [""], ['a", "b']]
    units = [(key, number) for number, key in enumerate(keys)]
    _write(tmp_path / "rows.jsonl", units)
    assert _found(tmp_path / "rows.jsonl", units) == list(range(len(keys)))


def test_numbers_that_json_has_not_are_never_written(tmp_path):
    done = ledger.Ledger(tmp_path / "rows.jsonl", SETTINGS)
    with pytest.raises(ValueError):
        done.add(["a"], {"psnr": float("inf")})
    done.close()
    assert json.loads((tmp_path / "rows.jsonl").read_text()) == SETTINGS
    assert done.found(["a"]) is None


def _check_refused(path, content, words, settings=SETTINGS):
    path.write_bytes(content)
    with pytest.raises(cli.InputError, match=re.escape(words)) as error:
        ledger.Ledger(path, settings)
    assert str(path) in str(error.value)
    assert path.read_bytes() == content
