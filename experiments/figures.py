"""Pictures for people: crops side by side, labelled, enlarged. Pillow and NumPy."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP = 8
_LINE = 22
_PAPER = (250, 250, 248)
_INK = (30, 30, 30)


def compare(path, rows, *, zoom=4):
    """Draws rows of crops to a PNG file.

    Args:
      path: the file.
      rows: `[(title, [(label, crop), ...]), ...]`; crops `uint8 [H, W, 3]`, all of one
        size, as many in each row. A label may have several lines.
      zoom: how many times each pixel is repeated; nothing is smoothed.
    """
    height, width = (zoom * size for size in rows[0][1][0][1].shape[:2])
    lines = 1 + max(label.count("\n") for _, row in rows for label, _ in row)
    row_height = _LINE * (1 + lines) + height + 2 * _GAP
    columns = len(rows[0][1])
    size = (columns * (width + _GAP) + _GAP, len(rows) * row_height + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    title_font, font = ImageFont.load_default(16), ImageFont.load_default(14)
    for r, (title, row) in enumerate(rows):
        top = r * row_height + _GAP
        draw.text((_GAP, top), title, _INK, title_font)
        for c, (label, crop) in enumerate(row):
            left = c * (width + _GAP) + _GAP
            draw.multiline_text((left, top + _LINE), label, _INK, font)
            large = crop.repeat(zoom, axis=0).repeat(zoom, axis=1)
            at = (left, top + _LINE * (1 + lines))
            sheet.paste(Image.fromarray(large), at)
    sheet.save(path)


def detailed_window(frame, size):
    """Where a square of `size` pixels holds the most detail: a pair of slices.

    `frame` is `uint8 [H, W, 3]`. Detail is the mean size of the steps between
    neighbouring pixels.
    """
    grey = frame.astype(np.float32).mean(axis=-1)
    steps = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    sums = np.pad(steps.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    n = size - 1
    boxes = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    y, x = np.unravel_index(boxes.argmax(), boxes.shape)
    return slice(int(y), int(y) + size), slice(int(x), int(x) + size)
