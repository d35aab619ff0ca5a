"""What a power cut leaves of the files a program wrote: all that was fsynced, and anything at all of the rest.

A kill is not a power cut, for the page cache survives it. So every write, fsync and rename of the program is
noted (nth-call -l), and after the kill what was written behind the last fsync of its file is spoiled."""
import os

# All that changes a file or makes it durable.
CALLS = "write,pwrite64,writev,ftruncate,fallocate,fsync,fdatasync,rename,unlink"


class Disk:
    """Reads a log of nth-call: which bytes of which file would not survive."""

    def __init__(self, calls):
        self.dirty = {}     # path: [(first, end)] written since its last fsync
        self.durable = {}   # path: its size at the last fsync
        self.renamed = []   # (old, new, what new was before) whose folder was not fsynced since
        for _, name, path, offset, length, second in calls:
            getattr(self, "on_" + name, self.on_write)(path, offset, length, second)

    def on_write(self, path, offset, length, _):
        if path.startswith("/") and offset >= 0 and not path.startswith(("/dev/", "/proc/")):
            self.dirty.setdefault(path, []).append((offset, offset + length))

    def on_ftruncate(self, path, offset, _length, _):
        self.dirty[path] = [(first, min(end, offset)) for first, end in self.dirty.get(path, []) if first < offset]

    def on_fsync(self, path, _offset, length, _):
        if os.path.isdir(path):
            self.renamed = [pair for pair in self.renamed if os.path.dirname(pair[1]) != path]
        else:
            self.dirty[path], self.durable[path] = [], length

    on_fdatasync = on_fsync

    def on_rename(self, path, _offset, _length, second):
        self.renamed.append((path, second))
        self.dirty[second] = self.dirty.pop(path, [])
        self.durable[second] = self.durable.pop(path, 0)

    def on_unlink(self, path, *_):
        self.dirty.pop(path, None)
        self.durable.pop(path, None)

    def spoil(self, how, rng):
        """how: "cut" shortens to what is durable and zeroes the rest, "zeros", "noise", "mixed" a sector at a time.
        Renames whose folder was not fsynced are taken back, or not. How many bytes were spoiled."""
        spoiled = 0
        for path, ranges in self.dirty.items():
            if not ranges or not os.path.exists(path) or path.endswith("-shm"):
                continue  # -shm is memory: the next one to open the file makes it anew
            with open(path, "r+b") as file:
                for first, end in ranges:
                    spoiled += self.overwrite(file, first, end, how, rng)
                if how == "cut" or (how == "mixed" and rng.random() < 0.5):
                    size = os.fstat(file.fileno()).st_size
                    file.truncate(min(size, max(self.durable.get(path, 0), rng.choice([0, size // 2]))))
        for old, new in reversed(self.renamed):
            if os.path.exists(new) and rng.random() < 0.5:
                os.rename(new, old)
        return spoiled

    @staticmethod
    def overwrite(file, first, end, how, rng):
        spoiled = 0
        for at in range(first, end, 512):
            size = min(512, end - at)
            kind = how if how != "mixed" else rng.choice(["zeros", "noise", "kept"])
            if kind != "kept":
                file.seek(at)
                file.write(rng.randbytes(size) if kind == "noise" else bytes(size))
                spoiled += size
        return spoiled
