"""Where training begins: with drawn weights, or with those of an earlier training."""

from adavsr_jax import meta_step, step_sizes
from experiments import build, build_estimator, cli, estimators, shipped


def state(config):
    """The state before the first step, as `config.run.start_from` says.

    Inner rates that were learned begin anew; Adam's moments do too.

    Raises:
      InputError: no such weights, or of other networks than the config's.
    """
    if not config.run.start_from:
        return build.initial_state(config)
    params = _weights(config, _network)
    weights, _ = step_sizes.split(params, None)
    return build.first_state(config, weights)


def estimator_state(config):
    """As `state`, of the network that names blurs: `shipped`, or the folder of a run.

    Raises:
      InputError: no such weights, or of another network than the config's.
    """
    if not config.run.start_from:
        return build_estimator.initial_state(config)
    weights = _weights(config, _estimator)
    return meta_step.init(weights, build.optimizer(config, config.estimator))


def _network(name):
    start = shipped.network(name)
    return start.config, start.params


def _estimator(name):
    return estimators.read(None if name == "shipped" else name)


def _weights(config, read):
    """What `read` gives for `config.run.start_from`, if it fits `config.network`.

    `read` gives `(config, params)` of a name; errors as of `state`.
    """
    name = config.run.start_from
    try:
        given, params = read(name)
    except ValueError as error:
        raise cli.InputError(f"config.run.start_from={name}: {error}") from error
    found, wanted = given.network.to_dict(), config.network.to_dict()
    if found != wanted:
        differ = {
            key for key in found.keys() | wanted if found.get(key) != wanted.get(key)
        }
        fields = " ".join(
            f"--config.network.{key}={found.get(key)}" for key in sorted(differ)
        )
        raise cli.InputError(
            f"config.run.start_from={name}: those weights are of other networks; give "
            f"{fields} for theirs"
        )
    return params
