//! Packages from npm and PyPI, in exact versions. They are installed under `target`, once, and stay
//! there; the tree has nothing of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::NamedTempFile;

/// The day that all dependencies of the npm packages are taken from, as the registry had them.
const NPM_DAY: &str = "2026-11-20";

/// A Node script in a folder in which it finds these packages.
pub fn node_script(script: &str, packages: &[&str]) -> String {
    let words = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--before", NPM_DAY];
    let folder = installed(&[&["npm"], packages].concat(), |folder| {
        // Package of its own, or npm looks for one above this folder.
        fs::write(folder.join("package.json"), "{}").unwrap();
        run(Command::new("npm").args(words).args(packages).current_dir(folder));
    });
    // Script put there in one step, since another test may be reading it.
    let copy = folder.join(Path::new(script).file_name().unwrap());
    let fresh = NamedTempFile::new_in(&folder).unwrap();
    fs::copy(script, &fresh).unwrap();
    fresh.persist(&copy).unwrap();
    text(&copy)
}

/// A Python that has these packages, which must name their dependencies too.
pub fn python(packages: &[&str]) -> String {
    let folder = installed(&[&["venv"], packages].concat(), |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        let words = ["-m", "pip", "install", "--quiet", "--no-deps"];
        run(Command::new(folder.join("bin/python")).args(words).args(packages));
    });
    text(&folder.join("bin/python"))
}

/// A folder that `fill` makes when it is not there yet. One that is not filled to its end is made
/// anew the next time.
fn installed(words: &[&str], fill: impl FnOnce(&Path)) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let name = words.join("-").replace(['@', '/'], "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mark = folder.join("filled");
    if !mark.exists() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fill(&folder);
        fs::write(mark, "").unwrap();
    }
    folder
}

/// Runs what installs or compiles; it must succeed.
pub fn run(command: &mut Command) {
    let program = command.get_program().to_owned();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("this test needs {}: {error}", program.display()));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

fn text(path: &Path) -> String {
    path.to_str().expect("target has a name in UTF-8").to_owned()
}
