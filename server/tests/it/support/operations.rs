//! The published operations, as the committed document lists them.

use serde_json::Value;

use super::TestServer;

/// An operation of the committed document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub media: Option<String>,
    pub takes_token: bool,
    pub takes_nothing: bool,
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A request of this operation, its path's variables filled in.
    pub fn request(&self, server: &TestServer) -> reqwest::RequestBuilder {
        let path = self
            .path
            .replace("{method}", "totp")
            .replace("{device_id}", "1");
        let method = self.method.parse().expect("a method");
        server.http().request(method, &path)
    }
}

/// All of them, in the order of their paths.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(bp_auth_server::api::document::SNAPSHOT)
        .expect("the committed document");
    let paths = document["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let security = operation["security"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let content = operation["requestBody"]["content"].as_object();
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                media: content.and_then(|content| content.keys().next().cloned()),
                takes_token: security.iter().any(|kind| kind.get("cookie").is_some()),
                takes_nothing: security.is_empty()
                    || security.iter().any(|kind| kind == &serde_json::json!({})),
            });
        }
    }
    assert_eq!(all.len(), 24);
    all
}
