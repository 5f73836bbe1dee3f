"""Executes the notebooks from clean, and fails if a cell does.

    python notebooks/execute.py              into target/notebooks, as notebooks and as HTML
    python notebooks/execute.py --update     and keeps the outputs in the committed files

Without --update the outputs must be those that are committed: what a reader sees is then what the code of today says.
`make notebooks` calls it with all that it needs.
"""

import argparse
import difflib
import os
import queue
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

# The first cell that needs the crates compiles them and all they depend on.
CELL_TIMEOUT_S = 900
KERNEL_TIMEOUT_S = 300
# The kernel passes on what a cell prints without waiting for it, and may say before that the cell is done.
STRAGGLERS_S = 0.5

# Of a notebook's metadata this is kept: what a kernel says of itself changes with its version.
METADATA = {
    "kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"},
    "language_info": {"file_extension": ".rs", "mimetype": "text/rust", "name": "rust", "pygments_lexer": "rust"},
}

# What cargo says while it compiles comes with what the cells say.
CARGO = re.compile(r" *(Adding|Blocking|Compiling|Downloaded|Downloading|Locking|Removing|Updating) .*\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="all in notebooks/, if none are named")
    parser.add_argument("--target", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"))
    parser.add_argument("--update", action="store_true", help="keep the outputs in the committed files")
    arguments = parser.parse_args()
    out = arguments.target.resolve() / "notebooks"
    compile_in = out / "evcxr"
    compile_in.mkdir(parents=True, exist_ok=True)
    os.environ["JUPYTER_PATH"] = str(arguments.target.resolve() / "tools/evcxr/share/jupyter")
    # Nothing of what the user may have set for himself; `evcxr.toml` in the folder of the notebooks counts.
    os.environ["EVCXR_CONFIG_DIR"] = str(compile_in)
    os.environ["EVCXR_TMPDIR"] = str(compile_in)
    failed = 0
    for path in arguments.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        started = time.monotonic()
        problem = carry_out(path.resolve(), out, compile_in, arguments.update)
        failed += problem is not None
        print(f"{path.name}: {problem or f'executed in {time.monotonic() - started:.0f} s'}", flush=True)
    return 1 if failed else 0


def carry_out(path, out, compile_in, update):
    """Executes one notebook and writes the result below `out`; returns what is wrong, or None."""
    committed = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    problem = execute(notebook, path.parent, compile_in)
    settle(notebook)
    result = out / path.name
    nbformat.write(notebook, result)
    result.with_suffix(".html").write_text(as_html(notebook, path.stem), encoding="utf-8")
    if problem:
        return problem
    if update:
        shutil.copyfile(result, path)
    elif differences := changes(committed, notebook):
        return f"the outputs are not those that are committed\n{differences}\n  remedy: make notebooks UPDATE=1"
    return None


def execute(notebook, folder, compile_in):
    """Executes the cells in order; returns which one failed and how, or None."""
    client = NotebookClient(
        notebook,
        kernel_name="rust",
        timeout=CELL_TIMEOUT_S,
        startup_timeout=KERNEL_TIMEOUT_S,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel():
        # The kernel has compiled its own first line by now. What it compiles from here on has the versions that the
        # crates are tested with.
        shutil.copyfile(ROOT / "Cargo.lock", compile_in / "Cargo.lock")
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            try:
                client.execute_cell(cell, index)
            except (CellTimeoutError, DeadKernelError) as error:
                return complaint(cell, str(error))
            except CellExecutionError:
                errors = [output for output in cell.outputs if output.output_type == "error"]
                return complaint(cell, "\n".join(line for error in errors for line in [error.evalue, *error.traceback]))
            cell.outputs += stragglers(client)
            # Jupyter takes it for no error if `?` or a panic ends a cell; the kernel says so here.
            if words := printed(cell, "stderr"):
                return complaint(cell, words)
    return None


def stragglers(client):
    """What was printed by a cell and comes after the word that it is done."""
    outputs = []
    while True:
        try:
            message = run_sync(client.kc.get_iopub_msg)(timeout=STRAGGLERS_S)
        except queue.Empty:
            return outputs
        if message["msg_type"] == "stream":
            outputs.append(nbformat.v4.output_from_msg(message))


def printed(cell, stream):
    return CARGO.sub("", "".join(output.text for output in cell.outputs if output.get("name") == stream))


def complaint(cell, words):
    return f"cell `{cell.id}` failed\n{strip_ansi(words).strip()}"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def settle(notebook):
    """Leaves out what differs from one execution to the next without meaning anything."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(code_cells(notebook), 1):
        cell.metadata.pop("execution", None)
        cell.execution_count = number
        # The kernel sends printed lines by another way than results, and either may be first.
        lines = [(stream, printed(cell, stream)) for stream in ("stdout", "stderr")]
        streams = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in lines if text]
        cell.outputs = streams + [output for output in cell.outputs if output.output_type != "stream"]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number


def as_html(notebook, title):
    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return html


def changes(committed, executed):
    """The first lines that differ between two notebooks' outputs, or nothing."""
    lines = [[], []]
    for notebook, found in zip((committed, executed), lines):
        for cell in code_cells(notebook):
            found += [f"cell {cell.id}", *nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).splitlines()]
    differences = difflib.unified_diff(*lines, "committed", "executed", lineterm="", n=1)
    return "\n".join(line[:160] for line in list(differences)[:40])


if __name__ == "__main__":
    sys.exit(main())
