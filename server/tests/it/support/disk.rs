//! A disk of a test's own, small enough to be filled.

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
        // Without being root, or as root.
        let probe = "mount -t tmpfs tmpfs /tmp";
        let ways: [&[&str]; 2] = [&["-Urm"], &["-m"]];
        let way = ways.into_iter().find(|way| can(way, probe));
        let required = std::env::var("BP_AUTH_TEST_REQUIRE_DISK").is_ok_and(|it| it == "1");
        let disk = Self::inside(test, way, required)?;
        disk.mount("size=4m");
        Some(disk)
    }

    /// The same with a disk that can be made to fail. It needs a block device, which only root has,
    /// and not in every container; so nothing requires it.
    pub fn that_fails(test: &str) -> Option<Self> {
        let probe = "cd $(mktemp -d) && truncate -s 32M image && mkfs.ext4 -q image \
                     && mount -o loop image /mnt && test -w /sys/fs/ext4/loop*/trigger_fs_error; \
                     status=$?; rm -r \"$PWD\"; exit $status";
        let way: &[&str] = &["-m"];
        let disk = Self::inside(test, can(way, probe).then_some(way), false)?;
        let image = disk.path().with_extension("image");
        let made = format!(
            "truncate -s 32M {image} && mkfs.ext4 -q {image} \
             && mount -o loop,errors=remount-ro {image} {path}; \
             status=$?; rm {image}; exit $status",
            image = image.display(),
            path = disk.path().display(),
        );
        let status = Command::new("sh").args(["-c", &made]).status();
        assert!(status.expect("a shell").success());
        Some(disk)
    }

    fn inside(test: &str, way: Option<&[&str]>, required: bool) -> Option<Self> {
        if std::env::var_os(INSIDE).is_some() {
            return Some(Self(TempDir::new().expect("a directory")));
        }
        let Some(way) = way else {
            let what = format!("NOT TESTED: {test} may not mount here what it needs");
            assert!(!required, "{what}");
            eprintln!("{what}");
            return None;
        };
        let output = Command::new("unshare")
            .args(way)
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

    /// Meets an error, as from a broken device, and is read-only from then on.
    pub fn fail(&self) {
        let script = format!(
            "device=$(findmnt -no SOURCE {path}) \
             && echo 1 > /sys/fs/ext4/${{device#/dev/}}/trigger_fs_error \
             && ! touch {path}/it",
            path = self.path().display()
        );
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.expect("a shell").success());
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

/// Whether a process with mounts of its own can do this.
fn can(way: &[&str], script: &str) -> bool {
    let mut command = Command::new("unshare");
    let tried = command.args(way).args(["sh", "-c", script]).output();
    tried.is_ok_and(|output| output.status.success())
}
