"""`catdog sweep`: pauses, resumes or cancels a sweep that is under way, in this terminal or elsewhere."""

import shlex
from collections.abc import Sequence

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.errors import UserError

# What each of the words says back, with the sweep's id.
SAID = {
    "pause": "paused: no new job begins, those that run end; `catdog sweep resume {id}` goes on",
    "resume": "goes on",
    "cancel": "cancelled: its jobs are told to end, what they have done is kept; the same command goes on",
}


def main(words: Sequence[str]) -> int:
    """Steer the sweep that `words` name."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    selected = Selected("sweep", overrides)
    from catdog_exp.tracking.heartbeat import is_alive
    from catdog_exp.tracking.run_list import sweep_named
    from catdog_exp.tracking.run_log import SWEEP
    from catdog_exp.tracking.steering import steer
    from catdog_exp.training.objective import is_minimized

    objective = selected.config.objective
    sweep = sweep_named(selected.store, chosen.sweep, objective, is_minimized(objective))
    run_id = sweep.info.run_id[:8]
    if not is_alive(sweep.info.status, sweep.data.tags):
        again = shlex.join(["catdog", "-m", *sweep.data.tags[SWEEP].split(" ")])
        raise UserError(f"sweep {run_id} ({sweep.info.run_name}) is not under way; `{again}` goes on with it")
    steer(selected.store, sweep, "go" if chosen.what == "resume" else chosen.what)
    print(f"sweep {run_id} ({sweep.info.run_name}) {SAID[chosen.what].format(id=run_id)}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog sweep",
        description="Steer a sweep that is under way, from any terminal that reaches its MLflow store. KEY=VALUE "
        "changes the config, such as tracking.uri=URI.",
    )
    parser.add_argument("what", choices=list(SAID), help="begin no new job, go on, or end as after Ctrl-C")
    parser.add_argument("sweep", metavar="SWEEP", help="the start of its id, its name, or last; see `catdog sweeps`")
    return parser
