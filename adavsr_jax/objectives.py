"""What is minimised: the reconstruction losses of paper eq. 1, 2, 4 and 10.

`distance` is `(prediction, target) -> scalar`, `metrics.l1` (the paper's) or another;
`model` is a `networks.space_time.SpaceTime`.
"""


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
        hfr, hr = model.apply({"params": params}, pair.lfr)
        reconstruction = distance(hr, pair.hr)
        return reconstruction + distance(hfr, pair.hfr) if temporal else reconstruction

    return loss


def large_scale(model, distance):
    """Eq. 1 for SSR, on true LR-HFR frames, and eq. 2 for TSR, on LR and HR frames.

    The two share no parameter, so one step on the sum is Algorithm 1's step on either
    in turn (lines 4 to 9).

    Returns:
      `(params, pair, sharp) -> scalar`, the arguments as `tasks.pretraining` gives.
    """

    def loss(params, pair, sharp):
        ssr = lambda frames: model.ssr.apply({"params": params["ssr"]}, frames)
        tsr = lambda frames: model.tsr.apply({"params": params["tsr"]}, frames)
        spatial = distance(ssr(pair.hfr), pair.hr)
        temporal = distance(tsr(pair.lfr), pair.hfr) + distance(tsr(sharp[0]), sharp[1])
        return spatial + temporal / 2

    return loss
