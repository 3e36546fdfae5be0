"""Files that are written."""

import os
from contextlib import suppress

from ._session import Trouble
from ._text import harmless

MORE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = MORE | os.O_CREAT | os.O_EXCL


def write_all(file: int, data: bytes) -> None:
    """Write all of the bytes, also where one call takes a part of them: of a disk that is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def trouble(path: str, error: OSError) -> Trouble:
    """Return what is wrong with a file or a folder, as an error of the command."""
    return Trouble(f"{harmless(path)}: {error.strerror or error}")


class Folder:
    """Where files are written: made when the first one is. Refused, by Trouble, if it is not empty and force is not set."""

    def __init__(self, path: str, force: bool) -> None:
        self.path, self.force = path, force
        self._descriptor: int | None = None
        try:
            with os.scandir(path) as entries:
                if not force and next(entries, None) is not None:
                    raise Trouble(f"{harmless(path)} is not empty, and nothing is overwritten: name a new folder, or add --force")
        except FileNotFoundError:
            pass
        except OSError as error:
            raise trouble(path, error) from None

    @property
    def descriptor(self) -> int:
        """The folder's descriptor; the folder is made before."""
        if self._descriptor is None:
            try:
                os.makedirs(self.path, exist_ok=True)
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                raise trouble(self.path, error) from None
        return self._descriptor

    def open(self, name: str, new: bool) -> int:
        """Open a file of the folder to add to it. new: make it, and the folders that its name has; force replaces one that exists."""
        flags = NEW if new else MORE
        try:
            return os.open(name, flags, 0o666, dir_fd=self.descriptor)
        except OSError as error:
            self.mend(name, error)
        return os.open(name, flags, 0o666, dir_fd=self.descriptor)

    def mend(self, name: str, error: OSError) -> None:
        """Do what a file needs that could not be opened for this error, or raise what is wrong."""
        if isinstance(error, FileNotFoundError):
            os.makedirs(os.path.dirname(self.file(name)), exist_ok=True)
        elif not isinstance(error, FileExistsError):
            raise error
        elif self.force:
            os.unlink(name, dir_fd=self.descriptor)
        else:
            raise Trouble(f"{harmless(name)}: two streams have this name: use {{id}} and {{side}} in --template") from None

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def file(self, name: str) -> str:
        """Return the path of a file of the folder, for messages."""
        return os.path.join(self.path, name)


class Lines:
    """A new file of lines in a folder. Where the disk is full it ends with a whole line."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._path = folder.file(name)
        self._size = 0
        try:
            self._file = folder.open(name, True)
        except OSError as error:
            raise trouble(self._path, error) from None

    def write(self, block: bytes) -> None:
        """Write whole lines. Raises Trouble."""
        rest, written = memoryview(block), 0
        try:
            while written < len(block):
                written += os.write(self._file, rest[written:])
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._size + block.rfind(b"\n", 0, written) + 1)
            raise trouble(self._path, error) from None
        self._size += written

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
