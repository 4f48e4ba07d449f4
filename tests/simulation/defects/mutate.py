#!/usr/bin/python3
"""Makes copies of adapters/sync sources in which each planted defect can be switched on by name.

usage: mutate.py SOURCE_FOLDER TARGET_FOLDER      fails if an original is not found exactly once
       mutate.py --list                           the names, one a line
       mutate.py --files                          the files that have defects, one a line
"""

import pathlib
import sys

from table import DEFECTS


def place(text, defect):
    """Where the original begins; fails unless there is exactly one place."""
    begin, end = 0, len(text)
    if defect.inside:
        opening, closing = defect.inside
        spots = [at for at in occurrences(text, opening) if defect.original in text[at:text.find(closing, at)]]
        if len(spots) != 1:
            sys.exit(f"planted defect {defect.name}: {len(spots)} places in {defect.file} between {defect.inside}")
        begin = spots[0]
        end = text.find(closing, begin)
    found = [at for at in occurrences(text, defect.original) if begin <= at and at + len(defect.original) <= end]
    if len(found) != 1:
        sys.exit(f"planted defect {defect.name}: {len(found)} times in {defect.file}: {defect.original}")
    return found[0]


def occurrences(text, part):
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def mutated(defect):
    switch = f'::banyan::defects::on("{defect.name}")'
    if defect.instead is None:
        return f"if (!{switch}) {{ {defect.original} }}"
    return f"({switch} ? ({defect.instead}) : ({defect.original}))"


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(defect.name for defect in DEFECTS))
        return
    if sys.argv[1:] == ["--files"]:
        print("\n".join(sorted({defect.file for defect in DEFECTS})))
        return
    source, target = map(pathlib.Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted({defect.file for defect in DEFECTS}):
        text = (source / file).read_text()
        planted = [(place(text, defect), defect) for defect in DEFECTS if defect.file == file]
        for at, defect in sorted(planted, key=lambda entry: entry[0], reverse=True):
            text = text[:at] + mutated(defect) + text[at + len(defect.original) :]
        copy = target / file
        text = '#include "tests/simulation/defects/defects.hpp"\n' + text
        if not copy.exists() or copy.read_text() != text:
            copy.write_text(text)


if __name__ == "__main__":
    main()
