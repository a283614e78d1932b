//! A disk of a test's own, small enough to be filled.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Set in the process that has mounts of its own.
const INSIDE: &str = "BP_AUTH_TEST_OWN_MOUNTS";

/// A file system in memory, which ends with the process.
pub struct Disk(TempDir);

impl Disk {
    /// Runs the test of this name again, in a process whose mounts nobody else sees, and gives the
    /// disk there. Here there is nothing left to do then.
    pub fn of(test: &str) -> Option<Self> {
        if std::env::var_os(INSIDE).is_some() {
            let disk = Self(TempDir::new().expect("a directory"));
            disk.mount("size=4m");
            return Some(disk);
        }
        let Some(unshare) = unshare() else {
            let what = format!("NOT TESTED: {test} may mount nothing here");
            let required = std::env::var("BP_AUTH_TEST_REQUIRE_DISK").is_ok_and(|it| it == "1");
            assert!(!required, "{what}");
            eprintln!("{what}");
            return None;
        };
        let output = Command::new("unshare")
            .args(unshare)
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .expect("a process");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{output:?}");
        assert!(said.contains("1 passed"), "no test {test}: {said}");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no room for another byte, until the file is removed.
    pub fn fill(&self) -> PathBuf {
        let ballast = self.path().join("ballast");
        let mut file = File::create(&ballast).expect("a file");
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return ballast,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub fn set_read_only(&self, read_only: bool) {
        self.mount(if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        });
    }

    fn mount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(self.path())
            .status();
        assert!(status.expect("a mount").success(), "{options}");
    }
}

/// How a process gets mounts of its own: without being root, or as root.
fn unshare() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-Urm"], &["-m"]];
    let mount = ["mount", "-t", "tmpfs", "tmpfs", "/tmp"].map(OsStr::new);
    ways.into_iter().find(|way| {
        let tried = Command::new("unshare").args(*way).args(mount).output();
        tried.is_ok_and(|output| output.status.success())
    })
}
