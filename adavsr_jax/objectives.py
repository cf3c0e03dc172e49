"""What is minimised: the reconstruction losses of paper eq. 1, 2, 4 and 10.

`distance` is `(prediction, target) -> scalar`, `metrics.l1` (the paper's) or another;
`model` is a `networks.space_time.SpaceTime`.
"""

import functools


def space_time(model, distance, *, temporal=True):
    """`L(V~_s, V_s) + L(V~_LR, V_LR)` (eq. 4), for support and query alike.

    Args:
      model: see above.
      distance: see above.
      temporal: with False the second term alone, eq. 10. Departure: eq. 10 leaves
        out the term of TSR at test time though its target is at hand; both by default.

    Returns:
      `(params, pair) -> scalar`, pair a `tasks.Pair`.
    """

    def loss(params, pair):
        hfr, hr = model.apply({"params": params}, pair.lfr, pair.kernel)
        reconstruction = distance(hr, pair.hr)
        return reconstruction + distance(hfr, pair.hfr) if temporal else reconstruction

    return loss


def large_scale(model, distance, modules=("tsr", "ssr")):
    """Eq. 1 for SSR, on true LR-HFR frames, and eq. 2 for TSR, on LR and HR frames.

    The two share no parameter, so one step on the sum is Algorithm 1's step on either
    in turn (lines 4 to 9). Only the terms of `modules` are there (Table 4).

    Returns:
      `(params, pair, sharp) -> scalar`, the arguments as `tasks.pretraining` gives.
    """

    def loss(params, pair, sharp):
        ssr = functools.partial(model.ssr.apply, {"params": params["ssr"]})
        tsr = functools.partial(model.tsr.apply, {"params": params["tsr"]})
        value = 0.0
        if "ssr" in modules:
            value += distance(ssr(pair.hfr, pair.kernel), pair.hr)
        if "tsr" in modules:
            near, far = (pair.lfr, pair.hfr), sharp
            value += sum(distance(tsr(lfr), hfr) for lfr, hfr in (near, far)) / 2
        return value

    return loss
