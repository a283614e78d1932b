//! Texts that all instances share, such as the plans an operator has published.

use sea_orm::{EntityTrait, QuerySelect};

use super::entity::records::document::{Column, Entity};
use super::{Datastore, Document, Result, Txn, execute, only};

impl Datastore {
    /// By which a change is noticed without reading the text.
    pub async fn document_digest_fetch(&self, name: &str) -> Result<Option<String>> {
        let query = Entity::find_by_id(name)
            .select_only()
            .column(Column::Digest);
        Ok(only(query.into_tuple().all(&self.read).await?))
    }

    pub async fn document_fetch(&self, name: &str) -> Result<Option<Document>> {
        Ok(only(Entity::find_by_id(name).all(&self.read).await?))
    }
}

impl Txn {
    /// False when the same text was there before; then its time stays too.
    pub async fn document_put(&self, row: &Document) -> Result<bool> {
        let sql = "INSERT INTO documents (name, body, digest, updated_at) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
                     body = excluded.body, digest = excluded.digest, \
                     updated_at = excluded.updated_at \
                   WHERE documents.digest <> excluded.digest";
        let values = [
            row.name.as_str().into(),
            row.body.as_str().into(),
            row.digest.as_str().into(),
            row.updated_at.into(),
        ];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    pub async fn document_delete(&self, name: &str) -> Result<bool> {
        let sql = "DELETE FROM documents WHERE name = $1";
        Ok(execute(&self.inner, sql, [name.into()]).await? == 1)
    }
}
