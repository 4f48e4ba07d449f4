"""Compares #include lines with the dependency table of cmake/dependencies.cmake.

The table is read from that file, so there is one table for configuring and for this check. Distribution headers share
one include path and link edges hide nothing, so only a look at the text finds a module that reaches too far.
"""

import dataclasses
import re

from source_tree import PRODUCT

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD_HEADER = re.compile(r"^[a-z_0-9]+$")
POSIX_HEADER = re.compile(r"^(?:(?:sys|netinet|arpa|net|linux)/.*|(?:dirent|fcntl|netdb|poll|pthread|sched|unistd)\.h)$")


@dataclasses.dataclass
class Table:
    modules: dict  # module path -> set of module paths it may know; {"*"}: all
    externals: dict  # include prefix -> set of module paths that may use it; {"*"}: all

    def module_of(self, path):
        """The module that a file belongs to: the longest module path that is a folder above it."""
        owners = [module for module in self.modules if path.startswith(module + "/")]
        return max(owners, key=len, default=None)

    def external_users(self, header):
        if POSIX_HEADER.match(header):
            return self.externals.get("posix")
        prefixes = [prefix for prefix in self.externals if covers(prefix, header)]
        return self.externals[max(prefixes, key=len)] if prefixes else None


def covers(prefix, header):
    return header.startswith(prefix) and header[len(prefix) : len(prefix) + 1] in ("", "/", ".")


def parse_table(text):
    def lines_of(variable):
        block = re.search(rf"set\({variable}\n(.*?)^\)", text, re.S | re.M)
        if block is None:
            raise ValueError(f"{variable} is not set")
        entries = re.findall(r'^\s*"([^":]+):([^"]*)"', block.group(1), re.M)
        return {name.strip(): set(values.split()) for name, values in entries}

    return Table(lines_of("BANYAN_DEPENDENCY_TABLE"), lines_of("BANYAN_EXTERNAL_TABLE"))


def faults_of_include(table, module, quote, header):
    if header.split("/")[0] in PRODUCT:
        target = table.module_of(header)
        if target is None:
            return f"'{header}' is in no module of the table"
        allowed = table.modules[module]
        if target != module and target not in allowed and "*" not in allowed:
            return f"'{module}' may not know '{target}' ({header})"
    elif quote == '"':
        return f"'{header}' is not named from the repository root"
    elif not STANDARD_HEADER.match(header):
        users = table.external_users(header)
        if users is None:
            return f"<{header}> is of no library that the table lists"
        if module not in users and "*" not in users:
            return f"'{module}' may not use <{header}>; those that may: {', '.join(sorted(users))}"
    return None


def faults(table, root, paths):
    """One line per forbidden or unknown include in the product's files."""
    found = []
    for path in paths:
        if path.parts[0] not in PRODUCT:
            continue
        module = table.module_of(str(path))
        if module is None:
            found.append(f"{path}: belongs to no module of the table")
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            fault = match and faults_of_include(table, module, *match.groups())
            if fault:
                found.append(f"{path}:{number}: {fault}")
    return found
