"""Hold the package's Depends against what its files ask of the dynamic linker: nothing lacks, nothing is in vain."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BY_NAME = {"libc6"}
"""Depends that are there with another reason than a library's name: libc6 carries the oldest version that will do."""


def output(*command: str) -> str:
    """What the command printed, however it ended: dpkg-query fails when one of several names is unknown to it."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - no words from outside


def asked(folder: Path) -> dict[str, set[str]]:
    """Names of libraries that files of the folder need and the folder does not have, each with the files."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.open("rb").read(4) == b"\x7fELF"]
    brought = {path.name for path in folder.rglob("*.so*")}
    needs: dict[str, set[str]] = {}
    for path in files:
        said = output("objdump", "-p", str(path))
        for name in re.findall(r"NEEDED\s+(\S+)", said):
            if name not in brought:
                needs.setdefault(name, set()).add(path.name)
    return needs


def owner(library: str) -> str:
    """The package of this machine that has the library; empty if none."""
    known = output("/sbin/ldconfig", "-p")
    for path in re.findall(rf"^\s{re.escape(library)} .* => (\S+)$", known, re.MULTILINE):
        names = {path, str(Path(path).resolve()), path.removeprefix("/usr"), f"/usr{path}"}
        said = output("dpkg-query", "-S", *names)
        if said:
            return said.split(":")[0]
    return ""


def main(control: Path, folder: Path) -> int:
    """0 when both agree; else 1, each difference on a line."""
    depends = re.search(r"^Depends: (.*)$", control.read_text(encoding="utf-8"), re.MULTILINE)
    if depends is None:
        sys.exit(f"check_depends: {control} has no Depends")
    # One set for each dependency: the names that satisfy it, without their versions.
    choices = [
        frozenset(name.split()[0] for name in choice.split("|")) for choice in depends[1].split(",") if choice.strip()
    ]
    wrong, used = [], set()
    for library, files in sorted(asked(folder).items()):
        package = owner(library)
        found = [choice for choice in choices if package in choice]
        used.update(found)
        if not found:
            wrong.append(f"{library} ({package or 'in no package here'}) is not in Depends; {min(files)} needs it")
    idle = [choice for choice in choices if not choice & BY_NAME and choice not in used]
    wrong += [f"{' | '.join(sorted(choice))}: nothing needs it" for choice in idle]
    for line in wrong:
        print(f"check_depends: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
