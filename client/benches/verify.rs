//! What a verifier adds to the check of a signature: `cargo bench --bench verify`.
//! One thread, keys already read; each figure is taken in turn with the other, several times.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_client::testing::TestAuth;

const ROUNDS: usize = 20;
const EACH: u32 = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    let token = auth.token().sign();
    verifier.verify(&token).await.expect("a good token");
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let keys: serde_json::Value = reqwest::get(format!("{}/.well-known/jwks.json", auth.url()))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("keys");
    let x = keys["keys"][0]["x"].as_str().expect("a key");
    let key = URL_SAFE_NO_PAD.decode(x).expect("base64");
    let key = UnparsedPublicKey::new(&ED25519, key);

    let (mut raw, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..EACH {
            key.verify(message.as_bytes(), &signature)
                .expect("a good signature");
        }
        raw.push(begun.elapsed() / EACH);
        let begun = Instant::now();
        for _ in 0..EACH {
            verifier.verify(&token).await.expect("a good token");
        }
        whole.push(begun.elapsed() / EACH);
    }
    let (raw, whole) = (median(&mut raw), median(&mut whole));
    println!("signature alone   {:>9.1} /s", 1.0 / raw.as_secs_f64());
    println!("verifier          {:>9.1} /s", 1.0 / whole.as_secs_f64());
    println!(
        "time of the verifier to that of the signature  {:.2}",
        whole.as_secs_f64() / raw.as_secs_f64()
    );
}

fn median(figures: &mut [Duration]) -> Duration {
    figures.sort_unstable();
    figures[figures.len() / 2]
}
