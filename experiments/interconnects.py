"""What devices and the links between them promise; a step's time predicted from it.

A prediction, from published peaks and two assumptions, and no measurement:

    compute = operations / (peak * sustained)
    communication = 2 (N - 1) / N * bytes / bandwidth + 2 (N - 1) * latency
    efficiency = compute / (compute + communication)

A ring all-reduce sends each device's share round twice, in 2 (N - 1) hops. Nothing is
taken to overlap. Libraries leave the ring for a tree where there are many devices and
few bytes; there the latency told here is too much.
"""

from typing import NamedTuple


class Interconnect(NamedTuple):
    """Devices and a link.

    Attributes:
      name: of both.
      peak: operations a second of one device in the precision JAX takes for float32.
      sustained: the share of the peak that convolutions reach.
      bandwidth: bytes a second that one device sends to the next one of the ring.
      latency: seconds a hop.
    """

    name: str
    peak: float
    sustained: float
    bandwidth: float
    latency: float


# NVIDIA's "H100 Tensor Core GPU Architecture": SXM5, TensorFloat-32, dense.
_H100 = 494.7e12
# Measured: `experiments/results/restore_gpu.json`, adaptation of 64 to 128 channels,
# 128e12 operations a second on an H100. A smaller network reaches less: then computing
# takes longer, and the efficiency is better than told. Of the TPU it is assumed.
_SUSTAINED = 0.25

KNOWN = (
    # The same paper: 900 GB/s a GPU both ways together. 8 GPUs share a server's NVLink,
    # up to 256 an NVLink Switch System. Latency assumed.
    Interconnect("H100, NVLink", _H100, _SUSTAINED, 450e9, 2e-6),
    # NVIDIA's DGX H100 data sheet: one 400 Gb/s port (NDR) a GPU. Latency assumed.
    Interconnect("H100, InfiniBand", _H100, _SUSTAINED, 50e9, 5e-6),
    # Google's "TPU v5e": 197e12 in bfloat16, in which a TPU multiplies float32 too by
    # default; 400 GB/s both ways over 4 ports, of which a ring sends on one: assumed to
    # be all that is used of the torus. Latency assumed.
    Interconnect("TPU v5e, ICI", 197e12, _SUSTAINED, 50e9, 1e-6),
)


def predict(link: Interconnect, *, flops: float, size: float, devices: int) -> dict:
    """A step of `flops` a device that joins `size` bytes, on so many `devices`.

    Returns:
      A dict: `interconnect`, `compute_seconds`, `communication_seconds`,
      `step_seconds`, their sum, and `efficiency`, in [0, 1] of linear scaling.
    """
    compute = flops / (link.peak * link.sustained)
    hops = 2 * (devices - 1)
    communication = hops / devices * size / link.bandwidth + hops * link.latency
    return {
        "interconnect": link.name,
        "compute_seconds": compute,
        "communication_seconds": communication,
        "step_seconds": compute + communication,
        "efficiency": compute / (compute + communication),
    }
