//! Power cut: what a disk holds that is looked at without its file system having been asked to write
//! anything down. The disk is a file, which holds what the kernel has written to it and no more.

use super::*;
use std::process::Command;

struct DiskInFile {
    directory: tempfile::TempDir,
    root: Root,
}

fn run(command: &str, words: &[&str], path: &Path, other: Option<&Path>) {
    let status = Command::new(command).args(words).arg(path).args(other).status();
    assert!(status.unwrap().success(), "{command} {words:?}");
}

impl DiskInFile {
    fn new() -> DiskInFile {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::File::create(at("disk")).unwrap().set_len(64 << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F"], &at("disk"), None);
        for folder in ["mounted", "after"] {
            fs::create_dir(at(folder)).unwrap();
        }
        run("mount", &["-o", "loop"], &at("disk"), Some(&at("mounted")));
        let root = RootPath::Server(at("mounted")).open().unwrap();
        DiskInFile { directory, root }
    }

    fn store(&self, name: &str, content: &[u8], durable: bool) {
        let (mode, new) = (UploadMode::Replace, NewFile::default());
        let mut upload = self.root.upload(&v(name), mode, PartialUploads::Keep, new).unwrap();
        if durable {
            upload.make_durable();
        }
        upload.begin().unwrap();
        upload.write(content).unwrap();
        upload.finish().unwrap();
    }

    /// Contents of these files as they are found after a power cut now.
    fn after_a_power_cut(&self, names: &[&str]) -> Vec<Option<Vec<u8>>> {
        let at = |name: &str| self.directory.path().join(name);
        fs::copy(at("disk"), at("copy")).unwrap();
        run("mount", &["-o", "loop"], &at("copy"), Some(&at("after")));
        let found = names.iter().map(|name| fs::read(at("after").join(name)).ok()).collect();
        run("umount", &[], &at("after"), None);
        found
    }
}

impl Drop for DiskInFile {
    fn drop(&mut self) {
        // Lazily, since the root is still held.
        let _ =
            Command::new("umount").arg("-l").arg(self.directory.path().join("mounted")).status();
    }
}

/// It was there with 0 bytes, or with zeros: its name had been written down, and its bytes had not.
#[test]
#[ignore = "needs root: mounts an ext4 in a file"]
fn a_file_is_whole_or_absent() {
    for size in [1, 5000, 300_000, 3_000_000] {
        let disk = DiskInFile::new();
        let (old, new) = (vec![b'o'; size], vec![b'n'; size]);
        disk.store("replaced", &old, true);
        disk.store("replaced", &new, false);
        disk.store("new", &new, false);
        let other = fs::File::create(disk.directory.path().join("mounted/other")).unwrap();
        other.sync_all().unwrap();
        let found = disk.after_a_power_cut(&["replaced", "new"]);
        assert!([Some(&old), Some(&new)].contains(&found[0].as_ref()), "replaced, {size} bytes");
        assert!([None, Some(&new)].contains(&found[1].as_ref()), "new, {size} bytes");
    }
}

#[test]
#[ignore = "needs root: mounts an ext4 in a file"]
fn a_durable_file_is_there() {
    let disk = DiskInFile::new();
    disk.store("new", b"new", true);
    disk.store("replaced", b"old", true);
    disk.store("replaced", b"new", true);
    let found = disk.after_a_power_cut(&["new", "replaced"]);
    assert_eq!(found, [Some(b"new".to_vec()), Some(b"new".to_vec())]);
}
