//! Who there is and how they are logged in.

pub mod tenant {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenants")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub plan: String,
        pub plan_status: String,
        pub plan_source: String,
        pub current_period_end: Option<i64>,
        /// `active` or `deactivated`.
        pub state: String,
        pub created_at: i64,
    }

    super::super::without_relations!();
}

pub mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub role: String,
        /// As typed, for display.
        pub email: String,
        /// The canonical form, unique.
        pub email_key: String,
        pub full_name: Option<String>,
        pub phone: Option<String>,
        pub phone_verified_at: Option<i64>,
        pub locale: Option<String>,
        pub password_hash: String,
        /// `active`, `deactivated` or `suspended`.
        pub state: String,
        pub created_at: i64,
        pub updated_at: i64,
        pub last_login_at: Option<i64>,
        /// Grows when everything that hangs on the account ends; no credential of an earlier epoch counts.
        pub epoch: i64,
        /// When a login found the password on the list of common ones.
        pub password_common_at: Option<i64>,
        /// What a wrong password costs, where the hash is not one of ours.
        pub hash_kind: Option<String>,
        /// The canonical address, while its proof is missing and `email_key` is a placeholder.
        pub pending_email_key: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::tenant::Entity",
            from = "Column::TenantId",
            to = "super::tenant::Column::Id"
        )]
        Tenant,
    }

    impl Related<super::tenant::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Tenant.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A login. A refresh family is its session, one to one.
pub mod session {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub created_at: i64,
        pub expires_at: i64,
        pub auth_time: i64,
        /// Space separated.
        pub amr: String,
        pub mfa_satisfied: bool,
        pub trusted_device_id: Option<i64>,
        pub ip: String,
        pub user_agent: Option<String>,
        pub revoked_at: Option<i64>,
        pub revoked_reason: Option<String>,
        pub epoch: i64,
        /// The method that was passed.
        pub mfa_method_id: Option<Uuid>,
        /// The set of the backup code that was used.
        pub backup_codes_salt: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::user::Entity",
            from = "Column::UserId",
            to = "super::user::Column::Id"
        )]
        User,
    }

    impl Related<super::user::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod refresh_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub session_id: Uuid,
        pub user_id: Uuid,
        pub token_hash: String,
        pub parent_id: Option<Uuid>,
        pub issued_at: i64,
        pub expires_at: i64,
        pub used_at: Option<i64>,
        /// Only with a reuse leeway: what the used token was exchanged for.
        pub successor_sealed: Option<String>,
    }

    super::super::without_relations!();
}

pub mod api_key {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub key_hash: String,
        pub prefix: String,
        pub hint: String,
        /// Space separated.
        pub scopes: String,
        pub created_at: i64,
        pub rotated_at: Option<i64>,
        pub last_used_at: Option<i64>,
        pub epoch: i64,
    }

    super::super::without_relations!();
}
