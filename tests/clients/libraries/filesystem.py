"""PyFilesystem2's own tests of a file system, with its FTPFS: MLSD|LIST HOST PORT USER PASSWORD
clear|explicit
passive. Each test has a folder of its own. FTPFS looks at no certificate."""

import itertools
import sys
import unittest
import warnings

from fs.ftpfs import FTPFS
from fs.test import FSTestCases

lists_by, host, port, user, password, security, *_ = sys.argv[1:]
numbers = itertools.count()


class ByList(FTPFS):
    """It does not look whether there is MLSD."""

    supports_mlst = False


class Tests(FSTestCases, unittest.TestCase):
    def make_fs(self):
        kind = FTPFS if lists_by == "MLSD" else ByList
        ftp = kind(host, user, password, port=int(port), tls=security == "explicit", timeout=20)
        return ftp.makedir(f"/{next(numbers)}")

    # FTPFS waits for the reply to an upload whose data connection it holds open, with vsftpd too.
    test_open_files = None


warnings.simplefilter("ignore")
tests = unittest.defaultTestLoader.loadTestsFromTestCase(Tests)
result = unittest.TextTestRunner().run(tests)
if result.wasSuccessful() and result.testsRun >= 75:
    print("done")
else:
    sys.exit(1)
