#!/usr/bin/env python3
"""Rehearses the Dockerfile's build stage without a container engine, from the files that the builder would be sent.

Every COPY of that stage is done into an empty directory, every RUN is carried out there, in the order of the file; so a
source that .dockerignore holds back, or a path that is wrong, fails here as it would there. `cargo build` compiles for
minutes: unless --build is given it becomes `cargo fetch`, which refuses a wrong manifest, lock file or target but
compiles nothing, and instead every file that a source includes is looked for. What the later stage copies from outside
must exist as well.
"""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def instructions(dockerfile):
    """The instructions as (name, arguments), continued lines joined, comments left out."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [line.split(None, 1) for line in joined.splitlines()]


def is_sent(path, rules):
    """Whether the builder is sent a path: the last rule of .dockerignore that matches it or a parent decides."""
    names = [str(path), *(str(parent) for parent in path.parents if parent != pathlib.Path("."))]
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        # A star stands for one component, except that `**/` also stands for none or several.
        at_any_depth = "**/" in rule
        for name in names:
            candidate = pathlib.PurePath(name).name if at_any_depth else name
            if fnmatch.fnmatch(candidate, pattern) and candidate.count("/") == pattern.count("/"):
                sent = rule.startswith("!")
                break
    return sent


def copy(sources, target, rules):
    """COPY: the files of each source that are sent; it is an error if there is none, as it is for a builder."""
    for source in sources:
        found = [ROOT / source] if (ROOT / source).is_file() else sorted((ROOT / source).rglob("*"))
        files = [file for file in found if file.is_file() and is_sent(file.relative_to(ROOT), rules)]
        if not files:
            sys.exit(f"Dockerfile: COPY {source}: there is no such file, or .dockerignore holds it back")
        for file in files:
            inside = file.relative_to(ROOT / source) if file != ROOT / source else pathlib.Path(file.name)
            to_directory = target.is_dir() or len(sources) > 1 or file != ROOT / source
            place = target / inside if to_directory else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def check_includes(work):
    """Every file that a source compiles in must have come along."""
    for source in work.rglob("*.rs"):
        for included in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text()):
            if not (source.parent / included).is_file():
                sys.exit(f"Dockerfile: {source.relative_to(work)} includes {included}, which no COPY brings along")


def main():
    compile_it = sys.argv[1:] == ["--build"]
    rules = [rule for rule in (ROOT / ".dockerignore").read_text().splitlines() if rule and not rule.startswith("#")]
    stage = 0
    with tempfile.TemporaryDirectory(prefix="lindley-image-") as scratch:
        work = pathlib.Path(scratch)
        for name, arguments in instructions((ROOT / "Dockerfile").read_text()):
            if name == "FROM":
                stage += 1
            elif name == "COPY" and "--from=" not in arguments:
                *sources, target = arguments.split()
                where = work if stage == 1 else work / "image"
                target = where / target.lstrip("/")
                if arguments.endswith("/"):
                    target.mkdir(parents=True, exist_ok=True)
                copy(sources, target, rules)
            elif name == "RUN" and stage == 1:
                if not compile_it:
                    fetch = "cargo fetch --locked --target $(rustc --print host-tuple) "
                    arguments = re.sub(r"cargo build [^&]*", fetch, arguments)
                    arguments = re.sub(r"cargo clean [^&]*", "true ", arguments)
                print(f"RUN {arguments}", file=sys.stderr)
                environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
                if subprocess.run(arguments, shell=True, cwd=work, env=environment).returncode != 0:
                    sys.exit("Dockerfile: this RUN fails")
        check_includes(work)


if __name__ == "__main__":
    main()
