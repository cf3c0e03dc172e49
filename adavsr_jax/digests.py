"""sha256 of trees of arrays: what they hold, and their form alone."""

import hashlib

import jax
import numpy as np


def of_values(tree) -> str:
    """Of names and little-endian bytes of a tree of arrays, in its order; in hex."""
    sha = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        sha.update(jax.tree_util.keystr(path).encode())
        sha.update(np.ascontiguousarray(np.asarray(leaf)).tobytes())
    return sha.hexdigest()


def of_form(tree) -> str:
    """Of names, shapes and dtypes of a tree, of arrays or `jax.ShapeDtypeStruct`s."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    form = [
        (jax.tree_util.keystr(p), leaf.shape, str(leaf.dtype)) for p, leaf in leaves
    ]
    return hashlib.sha256(repr(form).encode()).hexdigest()
