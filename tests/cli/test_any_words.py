"""Whatever words a command line is made of: one line or a result, and nothing left outside the outputs."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catdog_exp.app.compose import compose
from catdog_exp.app.conf_folders import groups
from catdog_exp.cli import VERBS
from catdog_exp.settings import flat
from catdog_exp.sweeps.composed import plain
from tests.cli.forked import forked


def apart(text, sign=" "):
    return text.strip("\n").replace("\n", sign).split(sign)


GROUPS = {group: [*choices, "nope"] for group, choices in groups().items()}
KEYS = sorted(flat(plain(compose([]))))
SECTIONS = sorted({key.rpartition(".")[0] for key in KEYS if "." in key})
HYDRA_S = apart("""
hydra.run.dir hydra.sweep.dir hydra.sweep.subdir hydra.output_subdir hydra.job.chdir hydra.job.name hydra.mode
hydra.verbose hydra.sweeper.params hydra.searchpath hydra.callbacks hydra.job_logging hydra.sweeper hydra.launcher
hydra/launcher hydra/sweeper hydra/job_logging hydra hydra.env hydra.job.env_set hydra.job.config hydra.help
""")
VALUES = apart(
    """
 | '' | null | true | 0 | 1 | -1 | 2 | 1e3 | 0.5 | nan | inf | 1_000 | 99999999999999999999 | ??? | x | a b | ~ | ~/x
$HOME/x | $NOPE | ${nope} | ${train.seed} | ${oc.env:NOPE} | ${hydra: | ' | [ | { | [] | [1,2] | [1, 2] | [[1],[2]]
{} | {a:1} | {a:{b:[]}} | 1,2 | a,b, | , | range(0,3) | range(3,3) | choice(1,2) | choice() | glob(*) | glob(z*)
1e400 | -1e400 | 1e-400 | -0 | 0x10 | 007 | -inf | .5 | None | True | "" | "a'b" | 'a"b' | {a:null}
${oc.env:HOME} | ${oc.env:NOPE,1} | ${oc.env:NOPE,null} | ${oc.decode:x} | ${oc.select:nope} | ${oc.create:[1]}
[null] | [nan] | [[]] | ${train} | ${data.root} | ${paths.outputs}/x | ${absolute:x} | ${absolute:} | ${absolute:null}
${run_hash:} | ${machine_name:} | ${hydra.run.dir} | ${hydra:runtime.cwd}
${now:%Y} | ${nope.nope} | ${.nope} | ${..seed} | ${train.lr | $ | $$ | ${}
\\${x} | pics/* | ~nobody/x | ~/* | 👍 | -x | --x | +1 | =  | == | @x | last | a,a | [a,a] | {1:2} | {a:1,b:2} | ,1 | 1,
interval(0,1) | tag(x,choice(1,2)) | shuffle(1,2) | sort(3,1) | f(x) | int(1) | int(x) | Ünï 字 | \\ | \\n | a=b | a:b
a/b | ../x | . | / | /dev/null | /dev/null/x | * | @ | val/loss | cpu | gpu | float16 | dist_sync | ray | resnet | sgd
catdog_exp.cli.main | http://127.0.0.1:9/x | sqlite:///x.db | postgresql://u:p@127.0.0.1:9/x | [pack,predict]
""",
    " | ",
)
FLAGS = apart("""
-m --multirun --cfg --cfg=job --cfg=all --cfg=hydra --cfg=nope --cfg= -c job --resolve -r --run --info --info=searchpath
--info=all --info=config --info=defaults --info=defaults-tree --info=plugins --info=nope -i -p --package=data --package=
--package=nope --config-dir --config-dir=. --config-dir=nope --config-name --config-name=x --config-name=
--config-path=. --config-path= -cd -cp -cn -sc --shell-completion --help -h --hydra-help --version -- --nope -x
--experimental-rerun=x job = - + ~ @ predict trian
""")
COMMANDS = list(VERBS)
WORDS = apart(
    """
--run | --model | --limit | --limit=2 | --stale | --older | --older=3d | --older=x | --yes | --unused | verify | prune
--out | --out=x.csv | --out=x/y.csv | --show | --show=x.png | --plot | --plot=x.png | --host | --port | --port=x
--help | --nope | -- | - | -1 | 0 | 2 | 99999999999999999999 | last | best | x:best | :best | best:best | a@b | @
models:/a@b | 0a1b | '" | ' | % | * | pics/* | . | .. | / | /dev/null | ~ | ~/x | $HOME | $NOPE/x | a b | Ünï | 👍
""",
    " | ",
)

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ODD = ["", "x" * 300, "a\tb", "a\nb"]
values = st.one_of(st.sampled_from(VALUES), st.sampled_from([*VALUES, *ODD]), st.text(letters, max_size=12))
names = st.from_regex(r"[a-z]{1,8}([./@][a-z]{1,8})?", fullmatch=True)
keys = st.one_of(*map(st.sampled_from, (KEYS, KEYS, SECTIONS, HYDRA_S)), names)
overrides = st.builds("{}{}={}".format, st.sampled_from(["", "", "", "", "+", "++", "~"]), keys, values)
some_choices = st.sampled_from(sorted(GROUPS)).flatmap(
    lambda group: st.lists(st.sampled_from(GROUPS[group]), min_size=1, max_size=2).map(
        lambda chosen: f"{group}={','.join(chosen)}"
    )
)
lines = st.lists(overrides | overrides | some_choices | st.sampled_from(["-m", *FLAGS]), min_size=1, max_size=3)
# What `doctor` says takes seconds: it is given a word too many.
commands = st.builds(
    lambda command, settings, words, behind: [*settings, command, *words, *behind, *["x"] * (command == "doctor")],
    st.sampled_from(COMMANDS),
    st.lists(overrides, max_size=1),
    st.lists(st.sampled_from([*WORDS, *ODD]) | st.text(letters, max_size=8), max_size=3),
    st.lists(overrides | some_choices, max_size=1),
)
# What ends each of them before it trains, and may not be taken away by what stands before.
ENDS = ["plan=true", "paths.outputs=o", "tracking.enabled=false"]
# A command has nothing to work on, and its own line about words.
OF_COMMANDS = ["paths.outputs=o"]


def check(words, folder):
    """Run them in an empty folder. Returns the exit code."""
    of_command = not set(COMMANDS).isdisjoint(words)
    done = forked([*words, *(OF_COMMANDS if of_command else ENDS)], folder, HOME=str(folder / "home"))
    shown = f"{words}: {done.returncode}\n{done.stderr[-3000:]}"
    assert done.returncode in (0, 2), shown
    assert "Traceback" not in done.stderr, shown
    assert "error of ours" not in done.stderr, shown
    if done.returncode == 2:
        assert done.stderr.startswith("catdog: "), shown
        assert done.stderr.count("\n") == 1, shown
    assert {path.name for path in folder.iterdir()} <= {"o"}, shown
    return done.returncode


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(words=lines | commands)
@example(words=["--cfg=job", "--package=nope"])
@example(words=["answer"])
def test_no_words_bring_a_traceback_or_a_file(words, tmp_path_factory):
    check(words, tmp_path_factory.mktemp("words"))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=lines | commands)
@example(words=["--cfg=job", "--package=nope"])
def test_nor_do_more_of_them(words, tmp_path_factory):
    check(words, tmp_path_factory.mktemp("words"))
