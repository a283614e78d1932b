//! Wrong passwords delay whoever tries them, from where they are tried, at every instance.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;

use super::Broken;
use super::field::{Field, client};
use crate::case::Profile;
use crate::kit::{PASSWORD, Raw};
use crate::target::spawn::Spawner;

pub async fn run(spawner: &Spawner) -> Result<Broken> {
    let field = Field::start(spawner, Profile::Strict, &[], 2).await?;
    let ada = field.register().await?;
    let here = IpAddr::from([127, 7, 0, 1]);
    let there = IpAddr::from([127, 7, 0, 2]);
    let clients = [client(Some(here))?, client(Some(there))?];
    let mut broken = Broken::new();
    println!("  try  instance  network    password  status  Retry-After");
    let mut number = 0;
    let mut attempt = async |network: usize, right: bool, expected: u16| -> Result<u64> {
        number += 1;
        let instance = number % 2;
        let password = if right { PASSWORD } else { "not the password" };
        let form = [("username", ada.as_str()), ("password", password)];
        let url = field.url(instance, "/api/auth/token");
        let answer = Raw::of(clients[network].post(url).form(&form)).await?;
        let wait = answer.header("retry-after").unwrap_or_default().to_owned();
        println!(
            "  {number:>3}  {instance:>8}  {:<9}  {:<8}  {:>6}  {wait:>11}",
            [here, there][network],
            if right { "right" } else { "wrong" },
            answer.status
        );
        if answer.status != expected {
            broken.push(format!(
                "try {number} was {}, not {expected}",
                answer.status
            ));
        }
        Ok(wait.parse().unwrap_or(0))
    };
    for _ in 0..5 {
        attempt(0, false, 401).await?;
    }
    // Both instances, the right password too.
    let first = attempt(0, true, 429).await?;
    attempt(0, true, 429).await?;
    attempt(1, true, 200).await?;
    tokio::time::sleep(Duration::from_secs(first)).await;
    attempt(0, false, 401).await?;
    let second = attempt(0, true, 429).await?;
    tokio::time::sleep(Duration::from_secs(second)).await;
    attempt(0, true, 200).await?;
    // The right password has reset the count.
    attempt(0, false, 401).await?;
    attempt(0, true, 200).await?;
    if (first, second) != (2, 4) {
        broken.push(format!(
            "the delays were {first} s and {second} s, not 2 s and 4 s"
        ));
    }
    field.end().await?;
    Ok(broken)
}
