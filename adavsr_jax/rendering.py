"""Clips that are drawn from a key: a miniature world for demonstrations and tests.

A world is a few printed sheets, one before the other, each with its own print and,
but for the hindmost, its own outline. A sheet is drawn once, at `_TEXELS` texels a
pixel and with edges a texel soft; then a camera slides, turns and zooms over each
along a path of its own. A pixel is the mean of its own square of the sheet, so motion
is true to a fraction of a pixel and nothing flickers, yet detail reaches to near the
Nyquist limit: there is something for super-resolution to find.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

_TEXELS = 2
_FOREGROUNDS = 3  # of which one to three are present

# 5 x 7 letters: five columns each, the lowest bit on top. A-Z, 0-9.
_LETTERS = """
7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a
7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f
3e4141413e 7f09090906 3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f
1f2040201f 3f4038403f 6314081463 0708700807 6151494543 3e5149453e 00427f4000
4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503 3649494936
064949291e
"""


def _font():
    """`float32 [37, 9, 6]`: letters with their gaps; the last is the blank."""
    columns = np.array([list(bytes.fromhex(word)) for word in _LETTERS.split()])
    letters = (columns[:, None, :] >> np.arange(7)[None, :, None]) & 1
    return np.pad(letters, [(0, 1), (1, 1), (0, 1)]).astype(np.float32)


@functools.partial(jax.jit, static_argnames=("frames", "height", "width"))
def clip(
    key: jax.Array, *, frames: int = 7, height: int = 160, width: int = 160
) -> jax.Array:
    """Draws one clip: the same key, the same clip.

    Neighbouring frames always differ and no frame is flat, up to some 40 frames:
    speeds are those of 7-frame clips, up to some six pixels a frame, and in a longer
    clip a camera leaves its sheet, where it sees the sheet's last texels and no more.

    Args:
      key: one typed key (`jax.random.key`).
      frames: T.
      height: H, pixels.
      width: W, pixels.

    Returns:
      `uint8 [T, H, W, 3]`, RGB.
    """
    view = max(height, width)
    side = math.ceil(1.5 * view)  # as far as a camera is apt to wander

    def lay(picture, sheet):
        """Films one more sheet before the picture so far, `[T, H, W, 3]`."""
        depth, own = sheet
        print_key, outline_key, path_key = jax.random.split(own, 3)
        alpha = _outline(outline_key, side, view, depth)[..., None]
        printed = jnp.concatenate([alpha * _print(print_key, side), alpha], axis=-1)
        layer = _film(printed, _path(path_key, frames, height, width, depth))
        return layer[..., :3] + (1 - layer[..., 3:]) * picture, None

    sheets = jnp.arange(1 + _FOREGROUNDS), jax.random.split(key, 1 + _FOREGROUNDS)
    picture, _ = jax.lax.scan(lay, jnp.zeros((frames, height, width, 3)), sheets)
    return jnp.round(255 * jnp.clip(picture, 0, 1)).astype(jnp.uint8)


def _path(key, frames, height, width, depth):
    """Where each pixel of each frame falls on the sheet, in pixels.

    `float32 [T, H, W, 2]`, (y, x) from the sheet's centre.
    """
    keys = jax.random.split(key, 4)
    t = jnp.arange(frames) - (frames - 1) / 2
    bound = 1.2 + 1.1 * depth  # what is near moves fast, pixels a frame
    speed = jax.random.uniform(keys[0], minval=0.6, maxval=bound)
    heading = jax.random.uniform(keys[1], maxval=2 * math.pi)
    bend = 0.12 * jax.random.normal(keys[2], (1, 2))  # pixels a frame, each frame
    course = speed * jnp.stack([jnp.sin(heading), jnp.cos(heading)])
    shift = t[:, None] * course[None] + 0.5 * bend * t[:, None] ** 2  # [T, 2]
    start, turn, near, zoom = jax.random.uniform(keys[3], (4,), minval=-1.0)
    angle = 0.5 * start + 0.012 * turn * t
    scale = jnp.exp(0.2 * near + 0.008 * zoom * t)
    y = jnp.arange(height) - (height - 1) / 2
    x = jnp.arange(width) - (width - 1) / 2
    # The camera turns and zooms about its own middle.
    sin, cos = (
        f(angle)[:, None, None] * scale[:, None, None] for f in (jnp.sin, jnp.cos)
    )
    y, x = y[None, :, None], x[None, None, :]
    turned = jnp.stack([cos * y + sin * x, cos * x - sin * y], axis=-1)
    return turned + shift[:, None, None, :]


def _film(sheet, points):
    """The mean of `sheet [S, S, 4]` over a pixel at `points`: `[T, H, W, 4]`."""
    window = (_TEXELS, _TEXELS, 1)
    sheet = jax.lax.reduce_window(sheet, 0.0, jax.lax.add, window, (1, 1, 1), "valid")
    sheet = sheet / _TEXELS**2
    side = sheet.shape[0]
    texel = points * _TEXELS + (side - 1) / 2
    texel = jnp.clip(texel, 0, side - 1.001)
    low = jnp.floor(texel)
    down, right = jnp.moveaxis(texel - low, -1, 0)[..., None]  # [T, H, W, 1] each
    y, x = jnp.moveaxis(low.astype(jnp.int32), -1, 0)
    flat = sheet.reshape(side * side, 4)
    at = y * side + x
    upper = (1 - right) * flat[at] + right * flat[at + 1]
    lower = (1 - right) * flat[at + side] + right * flat[at + side + 1]
    return (1 - down) * upper + down * lower


def _grid(side):
    """(y, x) of the texels, pixels from the sheet's centre: each `[S, S]`."""
    at = (jnp.arange(side * _TEXELS) + 0.5) / _TEXELS - side / 2
    return jnp.meshgrid(at, at, indexing="ij")


def _edge(distance):
    """Signed distance in pixels -> coverage in [0, 1], an edge one texel soft."""
    return jnp.clip(distance * _TEXELS + 0.5, 0, 1)


def _noise(key, side, cell):
    """Smooth noise, about unit variance, with features of `cell` pixels: `[S, S]`."""
    texels = side * _TEXELS
    values = jax.random.normal(key, (math.ceil(side / cell),) * 2)
    return jax.image.resize(values, (texels, texels), "cubic")


def _print(key, side):
    """What is printed on a sheet: `float32 [S, S, 3]` in [0, 1]."""
    keys = jax.random.split(key, 8)
    broad, middle, fine, grain = (
        _noise(k, side, cell)
        for k, cell in zip(keys[:4], (40, 12, 4, 1.5), strict=True)
    )
    draw = [
        lambda key: _stripes(key, side, bend=2.0 * broad),
        lambda key: _bricks(key, side),
        lambda key: _text(key, side),
        lambda key: _shapes(key, side),
        lambda _: _edge(0.5 * (broad + 0.7 * middle + 0.4 * fine)),  # like foliage
    ]
    kind = jax.random.randint(keys[5], (), 0, len(draw))
    drawing = jax.lax.switch(kind, draw, keys[4])[..., None]
    dark_or_light = jax.random.bernoulli(keys[6])
    paper_key, other_key, ink_key = jax.random.split(keys[7], 3)
    paper = jnp.where(dark_or_light, 0.25, 0.75)
    mixed = jnp.clip(0.5 + 0.5 * broad + 0.2 * middle, 0, 1)[..., None]
    ground = mixed * _colour(paper_key, paper) + (1 - mixed) * _colour(
        other_key, 0.8 * paper + 0.1
    )
    inked = ground + drawing * (_colour(ink_key, 1 - paper) - ground)
    light = 1 + 0.10 * broad + 0.06 * middle + 0.05 * fine + 0.04 * grain
    return jnp.clip(light[..., None] * inked, 0, 1)


def _colour(key, level):
    """A colour about as bright as `level`: `[1, 1, 3]`."""
    hue, strength = jax.random.uniform(key, (2,))
    wheel = jnp.cos(2 * math.pi * (hue + jnp.arange(3) / 3))
    return jnp.clip(level + 0.3 * strength * wheel, 0, 1)[None, None]


def _outline(key, side, view, depth):
    """The alpha of a sheet, `[S, S]`: a few discs and polygons, joined.

    The hindmost sheet is whole; the next has shapes for sure, others now and then.
    """
    y, x = _grid(side)
    there_key, *keys = jax.random.split(key, 4)
    alpha = 0.0
    for key in keys:
        place_key, size_key, form_key = jax.random.split(key, 3)
        middle = jax.random.uniform(place_key, (2,), minval=-0.5, maxval=0.5) * view
        radius = jax.random.uniform(size_key, minval=0.08, maxval=0.25) * view
        form = _polygon(form_key, y - middle[0], x - middle[1], radius)
        alpha = jnp.maximum(alpha, _edge(form))
    there = (depth == 1) | jax.random.bernoulli(there_key, 0.6)
    return jnp.where(depth == 0, 1.0, there * alpha)


def _polygon(key, y, x, radius):
    """Signed distance (inside positive) to a disc or a regular polygon."""
    sides_key, turn_key = jax.random.split(key)
    sides = jax.random.randint(sides_key, (), 2, 8)
    turn = jax.random.uniform(turn_key, maxval=2 * math.pi)
    wedge = 2 * math.pi / sides
    angle = jnp.mod(jnp.arctan2(y, x) + turn, wedge) - wedge / 2
    reach = jnp.hypot(y, x)
    # Two sides make no polygon: a disc instead.
    return radius - jnp.where(sides == 2, reach, reach * jnp.cos(angle))


def _turned(key, side):
    """(y, x) of the texels on a grid at an angle of its own."""
    y, x = _grid(side)
    angle = jax.random.uniform(key, maxval=2 * math.pi)
    return (
        jnp.cos(angle) * y + jnp.sin(angle) * x,
        jnp.cos(angle) * x - jnp.sin(angle) * y,
    )


def _wave(x, period):
    """Triangle wave of slope one, zero at the edges of bars half a period wide."""
    return period / 4 - jnp.abs(jnp.mod(x, period) - period / 2)


def _stripes(key, side, bend):
    turn_key, period_key = jax.random.split(key)
    _, x = _turned(turn_key, side)
    period = jnp.exp(jax.random.uniform(period_key, minval=1.5, maxval=3.3))
    return _edge(_wave(x + bend, period))


def _bricks(key, side):
    """A chequer, or a wall of bricks with joints a pixel or two wide."""
    turn_key, size_key, kind_key = jax.random.split(key, 3)
    y, x = _turned(turn_key, side)
    size = jnp.exp(jax.random.uniform(size_key, minval=1.8, maxval=3.2))
    down, across = _wave(y, 2 * size), _wave(x, 2 * size)
    chequer = jnp.where(down * across > 0, 1, -1) * jnp.minimum(
        jnp.abs(down), jnp.abs(across)
    )
    row = jnp.floor(y / size)
    along = jnp.mod(x + size * jnp.mod(row, 2), 2 * size)
    joint = jnp.minimum(jnp.minimum(along, 2 * size - along), jnp.mod(y, size))
    wall = joint - 0.12 * size
    return _edge(jnp.where(jax.random.bernoulli(kind_key), chequer, wall))


def _text(key, side):
    """Lines of random letters, their strokes one to four pixels wide."""
    turn_key, letters_key, size_key = jax.random.split(key, 3)
    font = jnp.asarray(_font())
    y, x = _turned(turn_key, side)
    stroke = jax.random.uniform(size_key, minval=1.2, maxval=4.0)
    row, column = (jnp.floor(c / stroke).astype(jnp.int32) for c in (y, x))
    lines = 256
    letters = jax.random.randint(letters_key, (lines, lines), 0, len(font) + 6)
    letters = jnp.minimum(letters, len(font) - 1)  # a gap after some five letters
    letter = letters[(row // 9) % lines, (column // 6) % lines]
    return font[letter, row % 9, column % 6]


def _shapes(key, side):
    """Small discs and polygons, one in each cell of a jittered grid."""
    key, cell_key = jax.random.split(key)
    y, x = _grid(side)
    cell = jax.random.uniform(cell_key, minval=12, maxval=40)
    row, column = jnp.floor(y / cell), jnp.floor(x / cell)
    jitter = jax.random.uniform(key, (64, 64, 3))
    own = jitter[row.astype(jnp.int32) % 64, column.astype(jnp.int32) % 64]
    radius = cell * (0.15 + 0.2 * own[..., 0])
    room = cell - 2 * radius
    y = y - row * cell - radius - room * own[..., 1]
    x = x - column * cell - radius - room * own[..., 2]
    return _edge(_polygon(key, y, x, radius))
