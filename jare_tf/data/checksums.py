"""What was found out about files of images, kept from run to run: a folder of many takes minutes to decode."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import one_line
from jare_tf.output import say

State = tuple[int, int, int]  # of a file: its size, and when its content and when anything about it changed


class Known:
    """The checksums of files that could be decoded and have not changed since, by their size and times.

    Args:
      cache: the folder in which a list of them is kept, or None for none.
      paths: the files; of those that are not on this machine nothing is known.
      how: what decoding them depends on.
    """

    def __init__(self, cache: str | None, paths: Sequence[str], how: object):
        digest = hashlib.sha256(repr((folder(paths), how)).encode("utf-8", "backslashreplace")).hexdigest()[:24]
        self._path = f"{os.path.expanduser(cache)}/images-{digest}.json" if cache else None
        self._states = {path: found for path in paths if cache and (found := state(path))}
        self.checksums = {
            path: checksum
            for path, (*known, checksum) in self._kept().items()
            if self._states.get(path) == tuple(known)
        }

    def _kept(self) -> dict[str, list[int]]:
        """What the list says, nothing where there is none or it is broken."""
        try:
            with files.opened(self._path or "") as file:
                kept = json.loads(file.read())
        except (OSError, tf.errors.OpError, ValueError, RecursionError):
            return {}
        whole = lambda entry: isinstance(entry, list) and len(entry) == 4 and all(isinstance(one, int) for one in entry)
        return {path: entry for path, entry in kept.items() if whole(entry)} if isinstance(kept, dict) else {}

    def keep(self, checksums: Mapping[str, int]) -> None:
        """Makes these the list, unless they are in it already."""
        if self._path is None or checksums == self.checksums:
            return
        entries = {path: [*self._states[path], checksums[path]] for path in checksums if path in self._states}
        try:
            tf.io.gfile.makedirs(os.path.dirname(self._path))
            files.replace(self._path, json.dumps(entries))
        except (tf.errors.OpError, OSError) as error:
            say(f"the checksums of images are not kept in {self._path}: {one_line(error)}")


def folder(paths: Sequence[str]) -> str:
    """The absolute path of the folder that holds all of these."""
    return os.path.abspath(os.path.dirname(os.path.commonprefix(paths)))


def state(path: str) -> State | None:
    """The state of a file of this machine."""
    try:
        found = os.stat(path) if files.local(path) else None
    except OSError:
        return None
    return found and (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
