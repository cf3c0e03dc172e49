"""Processes that read clips beside the one that trains; they end with it.

Threads would do, were it not for Python's lock: sixteen that unpack clips kept the
thread that dispatches steps to a GPU waiting, 27 ms a step in place of 10.
"""

import grain

from adavsr_jax import held_signals, orphans

_BUFFER = 2  # elements that each process holds ready


def stream(dataset, options, processes):
    """Iterates over a `grain.MapDataset`, in its order whoever reads.

    Args:
      dataset: its elements dicts of NumPy arrays.
      options: `grain.ReadOptions` of each process.
      processes: how many; 0: this one alone.

    Raises:
      ValueError: from the iterator, that a process died, or what reading raised.
    """
    elements = dataset.to_iter_dataset(options)
    if not processes:
        return iter(elements)
    workers = grain.MultiprocessingOptions(processes, per_worker_buffer_size=_BUFFER)
    return _told(iter(elements.mp_prefetch(workers, worker_init_fn=_begin)))


def _told(elements):
    try:
        with held_signals.held():  # Grain's threads start the processes at the first
            first = next(elements)
        yield first
        del first  # in shared memory
        yield from elements
    except RuntimeError as error:
        raise ValueError(
            f"a process that reads clips has died ({_first_line(error)}): give the "
            "machine more memory or look for who killed it, then give the same command "
            "to go on"
        ) from error
    finally:
        elements.close()


def _first_line(error):
    return str(error).partition("\n")[0].partition(". ")[0]


def _begin(index, count):
    del index, count
    # Both reach whole groups of processes, and are the trainer's to answer.
    held_signals.ignore(*held_signals.SIGNALS)
    orphans.end_with_parent()
