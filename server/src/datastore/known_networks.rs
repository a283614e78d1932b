//! The networks of an account's right logins, as keyed hashes.

use uuid::Uuid;

use super::{Datastore, Result, Txn, execute, query_number};

impl Datastore {
    /// Whether somebody has logged in to the account of this address from there before.
    pub async fn known_network_is(&self, email_key: &str, network: &str) -> Result<bool> {
        let sql = "SELECT count(*) FROM users \
                   JOIN known_networks ON known_networks.user_id = users.id \
                   WHERE users.email_key = $1 AND known_networks.network = $2";
        let found = query_number(&self.read, sql, [email_key.into(), network.into()]).await?;
        Ok(found.unwrap_or(0) > 0)
    }
}

impl Txn {
    /// Notes a right login. Of an account's networks only the `most` that were used last are kept; one
    /// that was noted since `fresh` is not written again.
    pub async fn known_network_note(
        &self,
        user: Uuid,
        network: &str,
        now: i64,
        fresh: i64,
        most: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO known_networks (user_id, network, last_used_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, network) DO UPDATE SET last_used_at = excluded.last_used_at \
                   WHERE known_networks.last_used_at < $4";
        let values = [user.into(), network.into(), now.into(), fresh.into()];
        if execute(&self.inner, sql, values).await? == 0 {
            return Ok(());
        }
        let sql = "DELETE FROM known_networks WHERE user_id = $1 AND network NOT IN \
                   (SELECT network FROM known_networks WHERE user_id = $1 \
                    ORDER BY last_used_at DESC, network LIMIT $2)";
        execute(&self.inner, sql, [user.into(), most.into()]).await?;
        Ok(())
    }
}
