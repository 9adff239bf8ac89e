"""mc by keys: URL SERVED MINE GOT. Copies the one folder of MINE to the URL, which is SERVED on
the disk, and that to GOT, and then deletes it on the server."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

url, served, mine, got = sys.argv[1:]
ENTER, DOWN, F5, F8, F10 = b"\r", b"\x0e", b"\x1b5", b"\x1b8", b"\x1b0"


def tree(folder):
    """What is beneath a folder, with the lengths of files, but for those that go at the moment."""
    found = set()
    for path, folders, files in os.walk(folder):
        inside = os.path.relpath(path, folder)
        found.update((inside, name, None) for name in folders)
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                found.add((inside, name, os.path.getsize(os.path.join(path, name))))
    return found


class Commander:
    """A running mc, with one panel on each place."""

    def __init__(self, left, right):
        self.shown = b""
        self.child, self.screen = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.environ["TERM"] = "xterm"
            os.execlp("mc", "mc", "--nosubshell", "--nomouse", "--nocolor", left, right)
        self.expect("Quit")

    def wait(self, what, condition):
        """Takes what mc draws until the condition holds."""
        until = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < until, f"no {what} in {self.shown[-4000:]}"
            if select.select([self.screen], [], [], 0.05)[0]:
                drawn = os.read(self.screen, 65536)
                self.shown += re.sub(rb"\x1b[\[(][0-9;?]*[a-zA-Z]", b"", drawn)

    def expect(self, text):
        """Waits until this is drawn."""
        self.wait(text, lambda: text.encode() in self.shown)
        self.shown = b""

    def operate(self, key, questions, condition):
        os.write(self.screen, DOWN + key)
        for question in questions:
            self.expect(question)
            os.write(self.screen, ENTER)
        self.wait("end", condition)

    def quit(self):
        """Presses F10 until it is heard: behind a copy there are times to be set."""
        os.set_blocking(self.screen, False)
        until = time.monotonic() + 20
        while os.waitpid(self.child, os.WNOHANG)[0] == 0:
            assert time.monotonic() < until, f"no end: {self.shown[-4000:]}"
            try:
                os.write(self.screen, F10)
                select.select([self.screen], [], [], 0.2)
                self.shown += os.read(self.screen, 65536)
            except OSError:  # Nothing to read, or it has ended.
                pass


for left, right, source, target in (mine, url, mine, served), (url, got, served, got):
    commander = Commander(left, right)
    commander.operate(F5, ["source mask"], lambda: tree(source) == tree(target))
    commander.quit()

commander = Commander(url, got)
commander.operate(F8, ["Delete", "recursively"], lambda: not os.listdir(served))
commander.quit()
print("all asserted")
