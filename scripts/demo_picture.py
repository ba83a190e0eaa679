"""The demo as a user sees it, in a headless Chromium: a picture of it for the docs, and the tests' steps.

`python -m scripts.demo_picture` draws docs/demo.png: two drawn pictures, and the network of the default run.
"""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from scripts.screenshots import DOCS, chromium_page

FILES = """files => {
    const transfer = new DataTransfer();
    for (const [name, type, data] of files) {
        const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, {type}));
    }
    return transfer;
}"""


@contextmanager
def demo(folder: Path, catdog: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of `catdog demo` for the store in `folder`, and the address that it prints."""
    command = [catdog, "demo", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, next(word for word in process.stdout.readline().split() if word.startswith("http"))
        finally:
            process.terminate()


def carried(page: Any, files: dict[str, bytes]) -> Any:
    """Files as a drop or a paste brings them."""
    coded = [[name, "image/jpeg", base64.b64encode(data).decode()] for name, data in files.items()]
    return page.evaluate_handle(FILES, coded)


def drop(page: Any, files: dict[str, bytes]) -> None:
    """Drop files onto the page, and wait for their answers."""
    page.dispatch_event("#drop", "drop", {"dataTransfer": carried(page, files)})
    page.locator(".asking").first.wait_for(state="detached")
    page.locator(".card .label").nth(len(files) - 1).wait_for()


def draw(folder: Path, catdog: Path) -> None:
    """Draw docs/demo.png from the store and the drawn pictures in `folder`."""
    every = sorted((folder / "outputs" / "pictures").rglob("*.jpg"))
    chosen = [next(file for file in every if file.name.startswith(kind)) for kind in ("dog", "cat")]
    with demo(folder, catdog, "--port", "5056") as (_, address), chromium_page() as page:
        page.set_viewport_size({"width": 1000, "height": 900})
        page.goto(address)
        page.locator("#figures dt").first.wait_for()
        drop(page, {file.name: file.read_bytes() for file in chosen})
        page.wait_for_timeout(1_000)  # until the bars have grown
        shown = Image.open(io.BytesIO(page.screenshot()))
    shown.convert("RGB").quantize(256).save(DOCS / "demo.png", optimize=True)


def main() -> None:
    catdog = Path(sys.executable).with_name("catdog")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([catdog], cwd=folder, check=True, capture_output=True)
        draw(Path(folder), catdog)


if __name__ == "__main__":
    main()
