//! Records and queues.

pub mod entitlement_override {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "entitlement_overrides")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Option<Uuid>,
        pub user_id: Option<Uuid>,
        /// `feature` or `limit`.
        pub kind: String,
        pub key: String,
        /// Absent: unlimited.
        pub value: Option<String>,
        pub created_at: i64,
    }

    super::super::without_relations!();
}

pub mod audit_event {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_events")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub at: i64,
        pub event: String,
        pub user_id: Option<Uuid>,
        pub tenant_id: Option<Uuid>,
        pub session_id: Option<Uuid>,
        pub actor: String,
        pub ip: Option<String>,
        pub user_agent: Option<String>,
        pub request_id: Option<String>,
        /// A JSON object.
        pub detail: String,
        /// How often it happened; over 1 only for what can be repeated at will.
        pub times: i64,
        /// The last time, if it happened again.
        pub last_at: Option<i64>,
        /// The key of what a repetition has in common with the first event. It begins with `stranger`
        /// where nobody had authenticated.
        pub repeats: Option<String>,
    }

    super::super::without_relations!();
}

pub mod outbox {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub dedupe_key: String,
        /// `email` or `sms`.
        pub kind: String,
        pub template: String,
        /// The language tag of the recipient, as far as one is known.
        pub locale: Option<String>,
        pub user_id: Option<Uuid>,
        pub recipient: String,
        /// Sealed; empty once the message is sent or has expired.
        pub payload: String,
        /// `pending`, `sent`, `expired` or `dead`.
        pub state: String,
        pub attempts: i32,
        pub next_attempt_at: i64,
        pub lease_until: Option<i64>,
        pub created_at: i64,
        pub expires_at: i64,
        pub finished_at: Option<i64>,
        pub last_error: Option<String>,
    }

    super::super::without_relations!();
}

pub mod key {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `signing` or `sealing`.
        pub kind: String,
        /// Of a signing key.
        pub public: Option<String>,
        /// The private key, or the key as such.
        pub sealed: String,
        pub created_at: i64,
        /// When a signing key signs; until then it is only published.
        pub active_from: i64,
        /// Absent: it is the newest.
        pub retires_at: Option<i64>,
    }

    super::super::without_relations!();
}

pub mod document {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "documents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub body: String,
        pub digest: String,
        pub updated_at: i64,
    }

    super::super::without_relations!();
}
