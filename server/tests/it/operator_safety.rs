//! What keeps an operator's command from doing harm where it was not meant: it names the database, a
//! command that reads leaves the disk as it was, and lost keys are never replaced by chance.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::PASSWORD;
use crate::support::postgres::{self, Kind};
use crate::support::process::{Bench, text};

const ADA: &str = "ada@example.com";
const READING: [&[&str]; 10] = [
    &["user", "show", ADA],
    &["user", "list"],
    &["user", "import", "users.csv", "--dry-run"],
    &["audit", "tail"],
    &["keys", "list"],
    &["plan", "show"],
    &["outbox", "list"],
    &["migrate", "--check"],
    &["check"],
    &["check-config"],
];

/// A directory with a database that has keys and a user, and no server.
fn bench(kind: Kind) -> Bench {
    let bench = Bench::on(kind);
    bench.write("users.csv", "email\nbob@example.com\n");
    assert!(bench.serve().terminate().status.success());
    let created = bench.run_with(&["user", "create", ADA], PASSWORD);
    assert!(created.status.success(), "{created:?}");
    std::fs::remove_file(bench.path("stderr.log")).unwrap();
    bench
}

/// Every file and directory below, with its mode and its bytes.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = std::fs::metadata(&path).unwrap();
            let bytes = match meta.is_dir() {
                true => Vec::new(),
                false => std::fs::read(&path).unwrap(),
            };
            if meta.is_dir() {
                waiting.push(path.clone());
            }
            found.insert(path, (meta.permissions().mode(), bytes));
        }
    }
    found
}

/// The names of what differs, which say more than all bytes.
fn changed(before: &BTreeMap<PathBuf, (u32, Vec<u8>)>, root: &Path) -> Vec<PathBuf> {
    let after = tree(root);
    let paths = before.keys().chain(after.keys());
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    paths.filter(differs).cloned().collect()
}

#[test]
fn a_command_that_changes_something_names_the_database_and_one_that_reads_does_not() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = bench(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        let location = match bench.database_name() {
            Some(name) => name.to_owned(),
            None => bench.path("data/bp-auth.db").display().to_string(),
        };
        let names_it = |said: &str| {
            let last = said.lines().last().unwrap_or_default();
            let place = last.strip_prefix("database: ");
            place.is_some_and(|place| place.contains(&location) && !place.contains('@'))
        };
        for change in [
            &["migrate"][..],
            &["user", "suspend", ADA],
            &["user", "suspend", ADA],
            &["keys", "rotate"],
            &["keys", "root", "add"],
            &["plan", "unpublish"],
            &["sessions", "revoke", "--all"],
            &["outbox", "purge", "--state", "sent"],
            &["user", "import", "users.csv"],
        ] {
            let said = bench.done(change);
            assert!(
                names_it(&said),
                "{change:?}: {said} does not end with {location}"
            );
        }
        // Nobody of that name may well be the wrong database.
        let said = bench.fails(&["user", "suspend", "eve@example.com"]);
        assert!(
            said.contains("(database: ") && said.contains(&location),
            "{said}"
        );
        for read in [&["user", "list"][..], &["check"], &["audit", "tail"]] {
            assert!(!bench.done(read).contains("database: "), "{read:?}");
        }
    }
}

#[test]
fn commands_that_read_leave_the_disk_as_it_was() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut bench = bench(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        let before = tree(bench.dir.path());
        for command in READING {
            if command[0] == "user" && command[1] == "import" {
                assert!(bench.done(command).contains("1 could be imported"));
            } else {
                bench.done(command);
            }
            let changed = changed(&before, bench.dir.path());
            assert!(changed.is_empty(), "{command:?}: {changed:?}");
        }
        bench.set("BP_AUTH_DATA_DIR", "typo/data");
        let changes: [&[&str]; 4] = [
            &["user", "suspend", ADA],
            &["keys", "rotate"],
            &["keys", "root", "replace-lost"],
            &["plan", "unpublish"],
        ];
        for command in READING.iter().chain(&changes) {
            let output = bench.run(command);
            let said = text(&output.stdout) + &text(&output.stderr);
            // A check of the configuration, or of what is pending, says it and goes on.
            let may_pass = command[0] == "check-config"
                || (kind == Kind::Sqlite && command.contains(&"--check"));
            assert!(
                !output.status.success() || command[0] == "check-config",
                "{command:?}: {said}"
            );
            assert!(
                said.contains("typo/data") || may_pass,
                "{command:?}: {said}"
            );
            let changed = changed(&before, bench.dir.path());
            assert!(changed.is_empty(), "{command:?}: {changed:?}");
        }
        let said = text(&bench.run(&["check-config"]).stderr);
        assert!(said.contains("typo/data yet"), "{said}");
    }
}

#[test]
fn keys_are_never_made_beside_a_database_that_has_some() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = bench(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        let file = bench.path("data/keys.json");
        let kept = bench.path("backup");
        std::fs::rename(&file, &kept).unwrap();
        let before = tree(bench.dir.path());
        for command in [
            &["serve", "--bind", "127.0.0.1:0"][..],
            &["migrate"],
            &["migrate", "--check"],
            &["user", "list"],
            &["check"],
            &["user", "suspend", ADA],
            &["keys", "rotate"],
            &["keys", "root", "add"],
        ] {
            let said = bench.fails(command);
            assert!(
                said.contains("Restore it from its backup") && said.contains("replace-lost"),
                "{command:?}: {said}"
            );
            let changed = changed(&before, bench.dir.path());
            assert!(changed.is_empty(), "{command:?}: {changed:?}");
        }
        std::fs::rename(&kept, &file).unwrap();
        bench.done(&["user", "show", ADA]);
        let serving = bench.serve();
        assert!(serving.first_line.starts_with("listening"));
        assert!(serving.terminate().status.success());
    }
}

#[test]
fn commands_that_send_nothing_need_none_of_the_secrets_of_sending() {
    let mut bench = bench(postgres::kind());
    bench.write(
        "bp-auth.toml",
        "[delivery]\ntransport = \"smtp\"\nsms_transport = \"twilio\"\n\
         [smtp]\nhost = \"mail.example.com\"\nusername = \"a\"\n\
         [twilio]\naccount_sid = \"AC1\"\nfrom = \"+15005550006\"\n",
    );
    let secrets = [
        ("BP_AUTH_SMTP__PASSWORD_FILE", "smtp.password"),
        ("BP_AUTH_TWILIO__AUTH_TOKEN_FILE", "twilio.auth_token"),
        (
            "BP_AUTH_TELEMETRY__OTLP_HEADERS_FILE",
            "telemetry.otlp_headers",
        ),
    ];
    for are_named in [false, true] {
        for (variable, _) in secrets.iter().filter(|_| are_named) {
            bench.set(variable, "/run/credentials/nobody/secret");
        }
        bench.done(&["user", "list"]);
        bench.done(&["migrate"]);
        bench.changes(&["user", "suspend", ADA]);
        bench.changes(&["keys", "rotate"]);
        for command in [&["serve", "--bind", "127.0.0.1:0"][..], &["check-config"]] {
            let said = bench.fails(command);
            for (_, key) in &secrets[..2 + usize::from(are_named)] {
                assert!(said.contains(key), "{command:?}: {said}");
            }
        }
    }
    // What every command needs is not forgiven.
    bench.unset("BP_AUTH_DATABASE__URL");
    bench.set("BP_AUTH_DATABASE__URL_FILE", "/run/credentials/nobody/url");
    assert!(bench.fails(&["user", "list"]).contains("database.url"));
}
