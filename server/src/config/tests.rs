use std::fs;
use std::path::PathBuf;

use super::*;

mod platforms;

struct Given {
    dir: tempfile::TempDir,
    sources: Sources,
}

impl Given {
    fn nothing() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            sources: Sources::default(),
        }
    }

    fn file(mut self, text: &str) -> Self {
        let path = self.dir.path().join("bp-auth.toml");
        fs::write(&path, text).unwrap();
        self.sources.file = Some(path);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources
            .environment
            .push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.sources
            .overrides
            .push((key.to_owned(), value.to_owned()));
        self
    }

    fn loaded(&self) -> Config {
        Config::load(&self.sources).unwrap()
    }

    fn refusal(&self) -> String {
        Config::load(&self.sources).unwrap_err().to_string()
    }
}

const PRODUCTION: &str = r#"
mode = "production"
server.public_url = "https://auth.example.com"
delivery.acknowledge_file = true
sms.allowed_countries = ["DE", "US"]
security.hsts_max_age = "365d"
"#;

#[test]
fn the_example_file_shows_every_key_with_its_default() {
    let text = include_str!("../../../docs/bp-auth.example.toml");
    let given = Given::nothing().file(text);
    let shown = layers::flat(&given.loaded()).unwrap();
    assert_eq!(shown, layers::flat(&Config::default()).unwrap());
    let written = text.parse::<toml::Table>().unwrap();
    for key in shown.keys() {
        let mut value = &toml::Value::Table(written.clone());
        for part in key.split('.') {
            value = value
                .get(part)
                .unwrap_or_else(|| panic!("{key} is not in the example"));
        }
    }
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let file = "[limits]\nregister_per_minute = 1\nrefresh_per_minute = 1\nmfa_failures = 1\n";
    let config = Given::nothing()
        .file(file)
        .variable("BP_AUTH_LIMITS__REFRESH_PER_MINUTE", "2")
        .variable("BP_AUTH_LIMITS__MFA_FAILURES", "2")
        .flag("limits.mfa_failures", "3")
        .loaded();
    assert_eq!(config.limits.register_per_minute, 1);
    assert_eq!(config.limits.refresh_per_minute, 2);
    assert_eq!(config.limits.mfa_failures, 3);
    assert_eq!(config.limits.sms_per_day, 5);
    assert!(matches!(
        config.origin("limits.register_per_minute"),
        Origin::File(_)
    ));
    assert_eq!(config.origin("limits.mfa_failures"), Origin::Flag);
    assert_eq!(config.origin("limits.sms_per_day"), Origin::Default);
}

#[test]
fn variables_take_the_type_of_their_key() {
    let config = Given::nothing()
        .variable("PATH", "/bin")
        .variable("BP_AUTH_CONFIG", "elsewhere.toml")
        .variable("BP_AUTH_TEST_ANYTHING", "1")
        .variable("BP_AUTH_MODE", "development")
        .variable("BP_AUTH_DATA_DIR", "/var/lib/bp-auth")
        .variable("BP_AUTH_PLANS_FILE", "/etc/plans.toml")
        .variable("BP_AUTH_SERVER__BIND", "[::1]:0")
        .variable("BP_AUTH_SERVER__TRUSTED_PROXIES", "10.1.2.3/8, ::1")
        .variable(
            "BP_AUTH_CORS__ALLOWED_ORIGINS",
            "https://a.example,https://b.example",
        )
        .variable("BP_AUTH_COOKIE__SECURE", "1")
        .variable("BP_AUTH_TOKENS__ACCESS_TTL", "90")
        .variable("BP_AUTH_REFRESH__IDLE_TTL", "2h")
        .variable("BP_AUTH_REFRESH__REUSE_LEEWAY_SECONDS", "10")
        .variable("REFRESH_ROTATION_ENABLED", "False")
        .loaded();
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/bp-auth"));
    assert_eq!(config.plans_path(), Some(PathBuf::from("/etc/plans.toml")));
    let proxies: Vec<String> = config
        .server
        .trusted_proxies
        .iter()
        .map(|p| p.to_string())
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(config.cors.allowed_origins.len(), 2);
    assert_eq!(config.cookie.secure, Tristate::On);
    assert_eq!(config.tokens.access_ttl, Seconds::new(90));
    assert_eq!(config.refresh.idle_ttl, Seconds::new(7200));
    assert_eq!(config.refresh.reuse_leeway_seconds, Seconds::new(10));
    assert!(!config.refresh.rotation_enabled);
}

#[test]
fn unknown_names_are_refused_with_the_likely_one() {
    for (file, expected) in [
        ("[server]\nbin = 1\n", "server.bin (file "),
        ("[server]\nbin = 1\n", "did you mean server.bind?"),
        ("bind = \"x\"\n", "did you mean server.bind?"),
        ("[refresh]\nttl = 1\n", "did you mean refresh.idle_ttl?"),
        ("server = 1\n", "this is a section, not a setting"),
        ("[server.bind]\nport = 1\n", "server.bind.port"),
        ("[wholly.different]\nthing = 1\n", "wholly.different.thing"),
    ] {
        let refusal = Given::nothing().file(file).refusal();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let refusal = Given::nothing()
        .variable("BP_AUTH_SERVER_BIND", "127.0.0.1:1")
        .variable("BP_AUTH_NONSENSE", "1")
        .flag("server.bnd", "1")
        .refusal();
    assert!(
        refusal.contains("did you mean BP_AUTH_SERVER__BIND?"),
        "{refusal}"
    );
    assert!(
        refusal.contains("BP_AUTH_NONSENSE (variable BP_AUTH_NONSENSE): no such"),
        "{refusal}"
    );
    assert!(refusal.contains("server.bnd (flag): no such setting; did you mean server.bind?"));
}

#[test]
fn bad_values_are_refused_all_at_once_with_key_value_and_source() {
    let refusal = Given::nothing()
        .file("[tokens]\naccess_ttl = \"soon\"\n[hash]\nprofile = \"fast\"\n")
        .variable("BP_AUTH_SERVER__BIND", "everywhere")
        .variable("BP_AUTH_LIMITS__MFA_FAILURES", "many")
        .variable("BP_AUTH_REGISTER__ENABLED", "")
        .flag("totp.skew_steps", "300")
        .flag("server.trusted_proxies", "10.0.0.0/33")
        .refusal();
    for expected in [
        "tokens.access_ttl = \"soon\" (file ",
        "hash.profile = \"fast\" (file ",
        "server.bind = \"everywhere\" (variable BP_AUTH_SERVER__BIND): expected an address and a port",
        "limits.mfa_failures = \"many\" (variable BP_AUTH_LIMITS__MFA_FAILURES): expected a whole",
        "register.enabled = \"\" (variable BP_AUTH_REGISTER__ENABLED): expected true or false",
        "totp.skew_steps = 300 (flag): ",
        "`10.0.0.0/33` is neither an address nor a network",
    ] {
        assert!(refusal.contains(expected), "{expected}\n{refusal}");
    }
    assert_eq!(refusal.lines().count(), 8);
}

#[test]
fn a_named_file_must_exist_and_be_toml_and_its_lines_are_not_quoted() {
    let mut missing = Given::nothing();
    missing.sources.file = Some(missing.dir.path().join("none.toml"));
    assert!(missing.refusal().contains("none.toml): cannot be read"));
    let broken = Given::nothing()
        .file("mode = \"development\"\ndatabase.url = \"postgres://u:hunter2@h/d\" oops\n")
        .refusal();
    assert!(broken.contains("not TOML, line 2"), "{broken}");
    assert!(!broken.contains("hunter2"), "{broken}");
}

#[test]
fn a_secret_may_come_from_a_file_and_is_never_shown() {
    let given = Given::nothing();
    let secret = given.dir.path().join("url");
    fs::write(&secret, "postgres://u:hunter2@h/d\n").unwrap();
    let given = given.variable("BP_AUTH_DATABASE__URL_FILE", secret.to_str().unwrap());
    let config = given.loaded();
    assert_eq!(config.database_url().expose(), "postgres://u:hunter2@h/d");
    let explained = config.explain();
    assert!(
        explained.contains("variable BP_AUTH_DATABASE__URL_FILE"),
        "{explained}"
    );
    assert!(!format!("{explained}{config:?}").contains("hunter2"));

    let refusal = Given::nothing()
        .flag("database.url", "mysql://u:hunter2@h/d")
        .refusal();
    assert!(refusal.contains("database.url"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
    let refusal = Given::nothing()
        .file("database.url = [\"hunter2\"]\n")
        .refusal();
    assert!(!refusal.contains("hunter2"), "{refusal}");
    let refusal = given
        .variable("BP_AUTH_DATABASE__URL", "sqlite::memory:")
        .refusal();
    assert!(
        refusal.contains("contradicts the variable BP_AUTH_DATABASE__URL_FILE"),
        "{refusal}"
    );
}

#[test]
fn only_secrets_are_read_from_files() {
    let refusal = Given::nothing()
        .variable("BP_AUTH_SERVER__BIND_FILE", "/x")
        .refusal();
    assert!(
        refusal.contains("set it in BP_AUTH_SERVER__BIND"),
        "{refusal}"
    );
    let refusal = Given::nothing()
        .variable("BP_AUTH_DATABASE__URL_FILE", "/no/file")
        .refusal();
    assert!(
        refusal.contains("the file /no/file cannot be read"),
        "{refusal}"
    );
}

#[test]
fn two_variables_for_one_key_must_agree() {
    let both = |second| {
        Given::nothing()
            .variable("REFRESH_ROTATION_ENABLED", "false")
            .variable("BP_AUTH_REFRESH__ROTATION_ENABLED", second)
    };
    assert!(!both("0").loaded().refresh.rotation_enabled);
    let refusal = both("true").refusal();
    assert!(
        refusal.contains("contradicts the variable REFRESH_ROTATION_ENABLED"),
        "{refusal}"
    );
}

#[test]
fn production_starts_with_little_but_refuses_what_is_unsafe() {
    let config = Given::nothing().file(PRODUCTION).loaded();
    assert!(config.is_production() && config.cookie_secure());

    let bare = Given::nothing()
        .variable("BP_AUTH_MODE", "production")
        .refusal();
    for key in [
        "server.public_url",
        "delivery.transport",
        "sms.allowed_countries",
        "security.hsts_max_age",
    ] {
        assert!(bare.contains(key), "{key}\n{bare}");
    }
    for (key, value) in [
        ("hash.profile", "cheap"),
        ("cookie.secure", "false"),
        ("security.hsts_max_age", "364d"),
        ("server.public_url", "http://auth.example.com"),
        ("cors.allowed_origins", "http://app.example.com"),
        ("server.trusted_proxies", "0.0.0.0/0"),
        ("server.admin_bind", "0.0.0.0:9090"),
        ("server.admin_bind", "[::]:9090"),
        ("server.admin_bind", "10.0.0.1:9090"),
        ("sms.allowed_countries", "*"),
        ("sms.allowed_countries", ""),
        ("password.min_length", "7"),
        ("password.max_length", "63"),
    ] {
        let given = Given::nothing().file(PRODUCTION).flag(key, value);
        let refusal = given.refusal();
        assert!(refusal.contains(&format!("{key} = ")), "{refusal}");
        assert_eq!(refusal.lines().count(), 2, "{refusal}");
        let url = "https://auth.example.com";
        given
            .flag("server.public_url", url)
            .flag("mode", "development")
            .loaded();
    }
}

#[test]
fn values_out_of_range_are_refused_in_every_mode() {
    for (key, value) in [
        ("server.public_url", "auth.example.com"),
        ("server.public_url", "https://u:p@auth.example.com"),
        ("server.public_url", "https://auth.example.com/?a=b"),
        ("server.admin_bind", "127.0.0.1:8080"),
        ("cors.allowed_origins", "*"),
        ("cors.allowed_origins", "null"),
        ("cors.allowed_origins", "https://app.example.com/"),
        ("cors.allowed_origins", "https://app.example.com:443"),
        ("cookie.domain", ".example.com"),
        ("cookie.domain", "127.0.0.1"),
        ("tokens.access_ttl", "0"),
        ("tokens.audience", ""),
        ("refresh.reuse_leeway_seconds", "301"),
        ("refresh.cookie_leeway_seconds", "301"),
        ("server.ui_url", "app.example.com"),
        ("cors.allowed_headers", "x client"),
        ("totp.skew_steps", "4"),
        ("totp.issuer_name", "a:b"),
        ("password.min_length", "0"),
        ("password.max_length", "7"),
        ("password.max_length", "1025"),
        ("limits.mfa_failures", "0"),
        ("sms.allowed_countries", "UK"),
        ("sms.allowed_countries", "de"),
        ("sms.allowed_countries", "*,DE"),
        ("delivery.from", "nobody"),
        ("data_dir", ""),
    ] {
        let refusal = Given::nothing().flag(key, value).refusal();
        assert!(
            refusal.contains(&format!("{key} = ")),
            "{key} {value}\n{refusal}"
        );
    }
    let domain = Given::nothing().flag("cookie.domain", "example.com");
    let foreign = domain.flag("server.public_url", "https://auth.notexample.com");
    assert!(foreign.refusal().contains("browsers drop the cookie"));
    foreign
        .flag("server.public_url", "https://auth.example.com")
        .loaded();
}

#[test]
fn what_is_not_set_follows_from_the_rest() {
    let bound: SocketAddr = "127.0.0.1:9000".parse().unwrap();
    let config = Given::nothing().flag("data_dir", "/a dir?").loaded();
    assert_eq!(config.public_url(bound), "http://127.0.0.1:9000");
    assert_eq!(config.issuer(bound), "http://127.0.0.1:9000");
    assert_eq!(config.allowed_origins(bound), ["http://127.0.0.1:9000"]);
    assert_eq!(
        config.database_url().expose(),
        "sqlite:///a%20dir%3F/bp-auth.db?mode=rwc"
    );
    assert!(!config.cookie_secure());
    assert!(
        Given::nothing()
            .flag("server.bind", "0.0.0.0:1")
            .loaded()
            .cookie_secure()
    );
    assert!(
        Given::nothing()
            .flag("cookie.secure", "true")
            .loaded()
            .cookie_secure()
    );

    let config = Given::nothing()
        .file(PRODUCTION)
        .flag("server.public_url", "https://Auth.example.com:443/base/")
        .flag("cors.allowed_origins", "https://app.example.com")
        .loaded();
    assert_eq!(
        config.public_url(bound),
        "https://Auth.example.com:443/base"
    );
    let expected = ["https://app.example.com", "https://auth.example.com"];
    assert_eq!(config.allowed_origins(bound), expected);
}

#[test]
fn explain_lists_every_key_once() {
    let explained = Given::nothing()
        .flag("mode", "development")
        .loaded()
        .explain();
    assert_eq!(
        explained.lines().count(),
        layers::flat(&Config::default()).unwrap().len()
    );
    let line = |key: &str| {
        explained
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap()
    };
    assert!(line("mode").ends_with("flag"));
    assert!(line("tokens.access_ttl").contains("\"15m\""));
}

#[test]
fn an_admin_listener_in_production_is_reached_from_this_machine_or_on_purpose() {
    let given = |address: &str| {
        Given::nothing()
            .file(PRODUCTION)
            .flag("server.admin_bind", address)
    };
    for here in ["127.0.0.1:9090", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
        given(here).loaded();
    }
    let refusal = given("10.0.0.1:9090").refusal();
    assert!(
        refusal.contains("server.acknowledge_admin_exposure"),
        "{refusal}"
    );
    let config = given("10.0.0.1:9090")
        .flag("server.acknowledge_admin_exposure", "true")
        .loaded();
    assert!(config.server.admin_bind.is_some());
    // Whoever says yes to an address has not asked for a listener.
    let quiet = Given::nothing()
        .file(PRODUCTION)
        .flag("server.acknowledge_admin_exposure", "true")
        .loaded();
    assert_eq!(quiet.server.admin_bind, None);
}
