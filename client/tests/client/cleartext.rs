//! Passwords and tokens leave this machine encrypted, unless the caller says otherwise.

use bp_auth_client::verify::Verifier;
use bp_auth_client::{AuthClient, Error, Secret, SessionError, bearer_client, client};

const SENT: [&str; 10] = [
    "https://auth.example.org",
    "HTTPS://auth.example.org:8443/x",
    "http://localhost:8080",
    "http://LOCALHOST.:8080",
    "http://auth.localhost:8080",
    "http://127.0.0.1:8080",
    "http://127.8.8.8",
    "http://2130706433:8080",
    "http://[::1]:8080",
    "http://[::ffff:127.0.0.1]:8080",
];

const REFUSED: [&str; 9] = [
    "http://auth.example.org",
    "HTTP://auth.example.org:8080",
    "http://10.0.0.7:8080",
    "http://[fd00::7]:8080",
    "http://0.0.0.0:8080",
    "http://localhost.example.org",
    "http://notlocalhost",
    "http://127.0.0.1.example.org",
    "http://localhost@auth.example.org",
];

#[test]
fn http_goes_no_further_than_this_machine() {
    let token = Secret::from("token");
    for url in SENT {
        assert!(AuthClient::new(url).is_ok(), "{url}");
        assert!(Verifier::new(url).is_ok(), "{url}");
        assert!(client(url).is_ok(), "{url}");
        assert!(bearer_client(url, &token).is_ok(), "{url}");
    }
    for url in REFUSED {
        let why = match AuthClient::new(url) {
            Err(SessionError::InvalidRequest(why)) => why,
            other => panic!("{url}: {other:?}"),
        };
        assert!(why.contains("allow_cleartext"), "{why}");
        let why = Verifier::new(url).expect_err(url).to_string();
        assert!(why.contains("allow_cleartext"), "{why}");
        for made in [client(url), bearer_client(url, &token)] {
            match made {
                Err(Error::InvalidRequest(why)) => assert!(why.contains("new_with_client")),
                other => panic!("{url}: {other:?}"),
            }
        }
        assert!(AuthClient::with_api_key(url, &token).is_err(), "{url}");
    }
}

#[test]
fn whoever_allows_it_gets_it() {
    for url in REFUSED {
        assert!(AuthClient::builder(url).allow_cleartext().build().is_ok());
        assert!(Verifier::builder(url).allow_cleartext().build().is_ok());
    }
}
