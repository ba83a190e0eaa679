"""Ten real questions to `catdog answer` on the 3,000 photographs, as a table for docs/.

    uv run python benchmarks/answer_real.py DIR OUTPUTS [--minutes 30]

DIR has the folders train/ and validation/. What is trained is kept in OUTPUTS: the same command again goes on, and
questions that share a setting share its runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
SETTINGS = {"data.resize": "32", "train.epochs": "10"}  # of all, but where a question is about them
QUESTIONS = [
    ["model.layers=2,3"],
    ["model.layers=3,4"],
    ["model.width=16,32"],
    ["model=cnn,resnet,fastnet"],
    ["augment=none,basic,strong"],
    ["data.resize=24,32,48"],
    ["train.epochs=5,10,15"],
    ["train.lr=0.001,0.003,0.01"],
    ["train/optimizer=adam,sgd"],
    ["train.mirrored=false,true"],
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    chosen = parser.parse_args()
    common = ["data=filtered", f"data.root={chosen.pictures}", f"paths.outputs={chosen.outputs}"]
    print("| question | answer |\n| --- | --- |", flush=True)
    for question in QUESTIONS:
        asked = {word.partition("=")[0] for word in question}
        settings = [f"{key}={value}" for key, value in SETTINGS.items() if key not in asked]
        command = [str(CATDOG), "answer", *question, *settings, *common, f"minutes={chosen.minutes:g}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = [line for line in done.stdout.splitlines() if " seeds each, " in line or line.startswith("no answer")]
        print(f"| `{' '.join(question)}` | {said[-1] if said else done.stderr.strip()} |", flush=True)


if __name__ == "__main__":
    main()
