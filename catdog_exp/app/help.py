"""What `catdog --help` says.

Hydra's own help would look up each group anew in a copy of all its configs, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import OmegaConf

from catdog_exp.app.compose import compose, composing
from catdog_exp.app.conf_folders import groups
from catdog_exp.app.flags import command_line

TEXT = """\
catdog runs experiments on pictures, described in YAML: pack, preview, train, evaluate, predict.

== A run ==
catdog                                   the default experiment, on drawn pictures, in about a minute
catdog data=folder data.root=DIR         the same on your pictures
catdog experiment=NAME                   a named recipe
catdog KEY=VALUE GROUP=CHOICE ...        anything in the configuration below, changed
catdog -m model.layers=2,3 data.resize=24,32
                                         a sweep: every combination

== Other commands (catdog COMMAND --help) ==
predict PICTURES... | --watch DIR [--model RUN] [--out FILE] [--submission FILE.csv] [--show FILE.png]
                                         labels and probabilities of files, folders and archives
ui                                       the MLflow UI on the configured store
runs [--filter COND] [--sort KEY] [--columns KEY,…] [--sweep RUN] [--json | --csv] [--stale]
                                         the runs, newest first; those that died without a word: list and close them
answer KEY=A,B [confidence=0.95] [margin=0.005] [minutes=30]
                                         which of a key's values is the best, by as many seeds as that takes
show RUN                                 one run: settings, figures, origin, files
diff RUN RUN... [--plot FILE.png]        what differs between runs, and whether that may be luck
evaluate RUN data=… [data.root=DIR]      a run's network judged on other pictures
rerun RUN [--verify]                     a run once more, from its record at MLflow
export RUN DIR --format onnx|mxnet|pyfunc
                                         a run's network for other programs
register RUN [--name NAME] [--alias ALIAS]
                                         a run's network in the model registry
serve RUN [--port N] [--workers N]       a run's network behind HTTP
demo [--model RUN] [--host NAME] [--port N]
                                         a page to drop pictures on
sweeps [--json]                          the sweeps, with their jobs done, failed and running
sweep pause|resume|cancel SWEEP          steer a sweep that is under way, from any terminal
packs [verify [ID...] | prune [--unused] [--older AGE] [--yes]]
                                         the packs that are there: list, check or remove them
machine [init]                           this machine's settings, and why; init: measure and write them
doctor                                   what this machine has, and what is missing

== Configuration groups (GROUP=CHOICE) ==
{groups}

== Configuration (KEY=VALUE) ==
{config}
== Flags ==
-m, --multirun        a sweep over the values separated by commas
--cfg job|hydra|all   print the config that a run would have, without running it (--resolve: with all references)
--info searchpath     print where configs are searched (also: defaults, defaults-tree, config, plugins)
--config-dir DIR      search configs in one more folder
--version             print the version
--hydra-help          Hydra's own flags and keys"""


def help_text(words: Sequence[str]) -> str:
    """The help, with the configuration that the overrides among `words` make, a sweep's left out.

    Raises UserError for wrong words.
    """
    line = command_line(words)
    overrides = [] if line.flags.multirun else line.overrides
    with composing(overrides):
        composed = compose(overrides)
    config = OmegaConf.to_yaml(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))
    return TEXT.format(
        groups="\n".join(f"{group}: {', '.join(names)}" for group, names in groups().items()), config=config
    )
