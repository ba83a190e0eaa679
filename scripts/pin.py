"""Pin every package that the project can install: rewrites the block at the end of pyproject.toml.

`make pins` runs it with the package index reachable. It resolves for all supported Pythons anew, from the
bounds that stand above the block, and writes down the exact versions that came out. uv reads the block as
constraints; other tools ignore it.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
BEGIN = "# --- exact versions, made by `make pins`; do not edit ---"
END = "# --- end of exact versions ---"


def uv(*words: str, folder: Path) -> str:
    return subprocess.run(["uv", *words], cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout


def pins(text: str) -> str:
    """The block for a pyproject.toml whose text, without a block, is `text`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(f"{text}\n\n[tool.uv]\npackage = false\n")
        uv("lock", "--quiet", folder=folder)
        export = ("export", "--quiet", "--all-extras", "--all-groups", "--no-hashes", "--no-emit-project")
        run = uv(*export, "--no-annotate", "--no-header", folder=folder)
        backend = re.findall(r'requires = \["(.+?)"\]', text)[0]
        (folder / "build.in").write_text(f"{backend}\n")
        compile_words = ("pip", "compile", "--quiet", "--universal", "--python-version", "3.11")
        build = uv(*compile_words, "--no-annotate", "--no-header", "build.in", folder=folder)
    return "\n".join(
        [
            BEGIN,
            "[tool.uv]",
            f"constraint-dependencies = {toml_list(run)}",
            f"build-constraint-dependencies = {toml_list(build)}",
            END,
            "",
        ]
    )


def toml_list(requirements: str) -> str:
    lines = [line.strip() for line in requirements.splitlines() if line.strip() and not line.startswith("#")]
    return "[\n" + "".join(f"    {json.dumps(line)},\n" for line in lines) + "]"


def main() -> None:
    pyproject = PROJECT / "pyproject.toml"
    own = pyproject.read_text().split(BEGIN)[0].rstrip()
    aside = pyproject.with_suffix(".toml.new")
    aside.write_text(f"{own}\n\n{pins(own)}")
    aside.replace(pyproject)


if __name__ == "__main__":
    main()
