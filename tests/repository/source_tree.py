"""The files of the repository, as the checks see them."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("gateway", "migration", "adapters", "agents")


def files(root=ROOT, suffixes=()):
    """Paths relative to root of what is committed or would be (ignored files are left out), sorted."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (pathlib.Path(name) for name in sorted(set(listing.split("\0"))) if name)
    return [path for path in paths if (not suffixes or path.suffix in suffixes) and (root / path).is_file()]


def cpp_files(root=ROOT):
    return files(root, (".cpp", ".hpp"))
