//! Named leases, for work that only one process should do at a time.

use sea_orm::ConnectionTrait;

use super::{Datastore, Result, Txn, execute, query_number};

impl Datastore {
    pub async fn lease_is_held(&self, name: &str, now: i64) -> Result<bool> {
        is_held(&self.read, name, now).await
    }
}

impl Txn {
    /// Takes or prolongs the lease. False while another holder has it.
    pub async fn lease_take(&self, name: &str, holder: &str, now: i64, until: i64) -> Result<bool> {
        let sql = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET \
                     holder = excluded.holder, until = excluded.until \
                   WHERE leases.until <= $4 OR leases.holder = excluded.holder";
        let values = [name.into(), holder.into(), until.into(), now.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Takes a lease that has ended, be it one's own. One that would end long after this one was taken
    /// by a clock that was ahead, and puts nothing off.
    pub async fn lease_take_ended(
        &self,
        name: &str,
        holder: &str,
        now: i64,
        until: i64,
    ) -> Result<bool> {
        let sql = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET \
                     holder = excluded.holder, until = excluded.until \
                   WHERE leases.until <= $4 OR leases.until > $5";
        let unlikely = until.saturating_add(until.saturating_sub(now));
        let values = [
            name.into(),
            holder.into(),
            until.into(),
            now.into(),
            unlikely.into(),
        ];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Takes the lease from whoever has it.
    pub async fn lease_seize(&self, name: &str, holder: &str, until: i64) -> Result<()> {
        let sql = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET \
                     holder = excluded.holder, until = excluded.until";
        execute(&self.inner, sql, [name.into(), holder.into(), until.into()]).await?;
        Ok(())
    }

    pub async fn lease_is_held(&self, name: &str, now: i64) -> Result<bool> {
        is_held(&self.inner, name, now).await
    }

    pub async fn lease_release(&self, name: &str, holder: &str) -> Result<bool> {
        let sql = "DELETE FROM leases WHERE name = $1 AND holder = $2";
        let rows = execute(&self.inner, sql, [name.into(), holder.into()]).await?;
        Ok(rows == 1)
    }
}

async fn is_held(conn: &impl ConnectionTrait, name: &str, now: i64) -> Result<bool> {
    let sql = "SELECT count(*) FROM leases WHERE name = $1 AND until > $2";
    let held = query_number(conn, sql, [name.into(), now.into()]).await?;
    Ok(held.unwrap_or(0) > 0)
}
