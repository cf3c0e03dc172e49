"""Imports go down the floors only, and each wrapped library stays in its own room."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# Each module of the library: its floor, and what it may name on its own floor.
FLOORS = {
    "adavsr_jax": (0, ()),
    "adavsr_jax.code_depths": (0, ()),
    "adavsr_jax.convolution": (0, ()),
    "adavsr_jax.curvature": (0, ("inner_loop",)),
    "adavsr_jax.inner_loop": (0, ("inner_rules", "meta_gradient")),
    "adavsr_jax.inner_rules": (0, ()),
    "adavsr_jax.kernels": (0, ()),
    "adavsr_jax.meta_gradient": (0, ()),
    "adavsr_jax.metrics": (0, ("pixels",)),
    "adavsr_jax.niqe": (0, ("kernels", "pixels")),
    "adavsr_jax.held_signals": (0, ()),
    "adavsr_jax.orphans": (0, ()),
    "adavsr_jax.passes": (0, ()),
    "adavsr_jax.pixels": (0, ()),
    "adavsr_jax.manifests": (0, ()),
    "adavsr_jax.records": (0, ()),
    "adavsr_jax.rendering": (0, ()),
    "adavsr_jax.resampling": (0, ("kernels",)),
    "adavsr_jax.shots": (0, ()),
    "adavsr_jax.step_sizes": (0, ()),
    "adavsr_jax.yuv": (0, ()),
    "adavsr_jax.degradation": (1, ()),
    "adavsr_jax.networks": (1, ()),
    "adavsr_jax.networks.blocks": (1, ()),
    "adavsr_jax.networks.tsr": (1, ("networks.blocks",)),
    "adavsr_jax.networks.in_time": (1, ("networks.blocks",)),
    "adavsr_jax.networks.ssr": (1, ("networks.blocks", "networks.in_time")),
    "adavsr_jax.networks.space_time": (1, ("networks.ssr", "networks.tsr")),
    "adavsr_jax.consistency": (2, ()),
    "adavsr_jax.kernel_estimation": (2, ("tasks",)),
    "adavsr_jax.objectives": (2, ()),
    "adavsr_jax.patch_recurrence": (2, ()),
    "adavsr_jax.spectrum": (2, ()),
    "adavsr_jax.tasks": (2, ()),
    "adavsr_jax.internal_learning": (3, ()),
    "adavsr_jax.meta_step": (3, ()),
    "adavsr_jax.sharding": (3, ("meta_step",)),
    # The edges wrap a library each; from the house they import floor 0.
    "adavsr_jax.checkpoints": (4, ()),
    "adavsr_jax.digests": (0, ()),
    "adavsr_jax.data": (4, ("readers",)),
    "adavsr_jax.deep_png": (4, ()),
    "adavsr_jax.pictures": (4, ("deep_png",)),
    "adavsr_jax.readers": (4, ()),
    "adavsr_jax.resizing": (4, ()),
    "adavsr_jax.video": (
        4,
        (
            "video.formats",
            "video.joining",
            "video.kinds",
            "video.passengers",
            "video.reading",
            "video.whole",
            "video.writing",
        ),
    ),
    "adavsr_jax.video.formats": (4, ("video.kinds",)),
    "adavsr_jax.video.writing": (4, ("video.formats", "video.kinds")),
    "adavsr_jax.video.passengers": (4, ("video.decoding", "video.formats")),
    "adavsr_jax.video.joining": (
        4,
        ("video.decoding", "video.formats", "video.kinds", "video.passengers"),
    ),
    "adavsr_jax.video.kinds": (4, ()),
    "adavsr_jax.video.colour": (4, ("video.kinds",)),
    "adavsr_jax.video.decoding": (4, ("video.kinds",)),
    "adavsr_jax.video.times": (4, ()),
    "adavsr_jax.video.turning": (4, ()),
    "adavsr_jax.video.reading": (
        4,
        (
            "pictures",
            "video.colour",
            "video.decoding",
            "video.kinds",
            "video.times",
            "video.turning",
        ),
    ),
    "adavsr_jax.video.whole": (
        4,
        (
            "pictures",
            "video.colour",
            "video.decoding",
            "video.formats",
            "video.kinds",
            "video.reading",
            "video.writing",
        ),
    ),
    "adavsr_jax.restoration": (5, ()),
}
EDGES = [name for name, (floor, _) in FLOORS.items() if floor == 4]
# Libraries that so many rooms hold and nothing else in the library may open.
ROOMS = {
    "grain": ("data", "readers"),
    "array_record": ("data",),
    "orbax": ("checkpoints",),
    "av": ("video", "deep_png"),  # stills of 16 bits too: Pillow makes 8 of them
    "PIL": ("pictures", "resizing"),
    "zstandard": ("records",),
}
FOREIGN = {"absl", "ml_collections", "tensorboardX", "tqdm", "tensorflow_datasets"}
NO_JAX = {
    "code_depths",
    "held_signals",
    "orphans",
    "manifests",
    "records",
    "shots",
    "yuv",
    "pictures",
    "resizing",
    "deep_png",
    "video",
    "data",
    "readers",
}


def _room(name):
    """The room a module stands in: a file, or a folder of them."""
    return name.removeprefix("adavsr_jax.").split(".")[0]


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files(package):
    return {_name(path): path for path in sorted((ROOT / package).rglob("*.py"))}


def _imports(path, known):
    """Dotted names that a file imports; `from a import b` is `a.b` if a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in known else node.module)
    return found


LIBRARY = _files("adavsr_jax")
HOUSE = LIBRARY | _files("experiments") | _files("data_prep")


def test_every_module_has_a_floor():
    assert set(LIBRARY) == set(FLOORS)


@pytest.mark.parametrize("name", LIBRARY)
def test_imports_go_down(name):
    floor, named = FLOORS[name]
    for target in _imports(LIBRARY[name], HOUSE):
        top = target.split(".")[0]
        assert top not in {"experiments", "data_prep"} | FOREIGN, target
        room = _room(name)
        assert room in ROOMS.get(top, (room,)), f"{target} belongs to {ROOMS[top]}"
        if room in NO_JAX:
            assert top not in {"jax", "flax", "optax"}, target
        if top != "adavsr_jax" or target == "adavsr_jax":
            continue
        below = FLOORS[target][0]
        limit = 1 if name in EDGES else floor
        on_the_same = target.removeprefix("adavsr_jax.") in named
        assert below < limit or on_the_same, f"{target} is on floor {below}"


@pytest.mark.parametrize("name", _files("data_prep"))
def test_data_prep_needs_no_jax(name):
    allowed = {
        "held_signals",
        "manifests",
        "orphans",
        "records",
        "video",
        "shots",
        "pictures",
    }
    for target in _imports(HOUSE[name], HOUSE):
        assert target.split(".")[0] not in {"jax", "flax", "experiments"}, target
        if target.startswith("adavsr_jax."):
            assert target.removeprefix("adavsr_jax.") in allowed, target


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_does_not_talk_or_look_around(name):
    tree = ast.parse(LIBRARY[name].read_text())
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Name) and node.id == "print"), "it prints"
        environment = {"environ", "getenv"}
        assert not (isinstance(node, ast.Attribute) and node.attr in environment)


@pytest.mark.parametrize("name", HOUSE)
def test_files_are_short(name):
    assert len(HOUSE[name].read_text().splitlines()) <= 300
