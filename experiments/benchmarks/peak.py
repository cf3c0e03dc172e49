"""Peak memory of one program, in a process that does nothing else."""

import json
import sys

import jax

from experiments import cores
from experiments.benchmarks import measuring, problem, table


def tell():
    """Prints the peak in bytes of what the first argument asks for.

    That is JSON, `[name, shape, arguments]` as of `measuring.peaks`.
    """
    name, shape, arguments = json.loads(sys.argv[1])
    shape = problem.Shape(*shape)
    cores.use(shape.tasks)
    program = table.makers()[name](shape, *arguments)
    program.run()  # libraries load and start their threads with the first
    peak = measuring.resident_growth(program.run)
    device = jax.devices()[0]
    if device.platform != "cpu":
        peak = _accelerator_peak(name, device)
    print(json.dumps(peak))


def _accelerator_peak(name, device):
    if name == "torch":
        import torch

        return torch.cuda.max_memory_allocated()
    statistics = device.memory_stats()
    return statistics and statistics["peak_bytes_in_use"]
