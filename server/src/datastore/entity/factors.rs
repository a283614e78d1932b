//! Second factors and the one-time things around them.

pub mod mfa_method {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "mfa_methods")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        /// `totp` or `sms`.
        pub method: String,
        pub secret_sealed: Option<String>,
        pub phone: Option<String>,
        pub created_at: i64,
        /// Of a pending row only.
        pub expires_at: Option<i64>,
        pub verified_at: Option<i64>,
        pub last_used_at: Option<i64>,
        pub last_used_step: Option<i64>,
        pub verified: bool,
    }

    super::super::without_relations!();
}

pub mod backup_code {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "backup_codes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub slot: i32,
        pub salt: String,
        pub code_hash: String,
        pub created_at: i64,
        pub used_at: Option<i64>,
    }

    super::super::without_relations!();
}

pub mod sms_code {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sms_codes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub purpose: String,
        pub phone: String,
        pub code_sealed: String,
        pub created_at: i64,
        pub expires_at: i64,
        pub attempts: i32,
    }

    super::super::without_relations!();
}

pub mod mfa_challenge {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "mfa_challenges")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub jti: Uuid,
        pub user_id: Uuid,
        pub created_at: i64,
        pub expires_at: i64,
        pub attempts: i32,
        pub consumed_at: Option<i64>,
        pub code_sent_at: Option<i64>,
        pub epoch: i64,
    }

    super::super::without_relations!();
}

pub mod mfa_reset_token_used {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "mfa_reset_tokens_used")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_id: String,
        pub user_id: Uuid,
        pub used_at: i64,
        pub expires_at: i64,
    }

    super::super::without_relations!();
}

pub mod reactivation_token_used {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "reactivation_tokens_used")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_id: String,
        pub user_id: Uuid,
        pub used_at: i64,
        pub expires_at: i64,
    }

    super::super::without_relations!();
}

pub mod trusted_device {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "trusted_devices")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub user_id: Uuid,
        pub secret_hash: String,
        pub name: Option<String>,
        pub user_agent: Option<String>,
        pub ip_address: Option<String>,
        pub created_at: i64,
        pub last_used_at: i64,
        pub expires_at: i64,
        pub revoked_at: Option<i64>,
        pub revoked_reason: Option<String>,
        pub epoch: i64,
    }

    super::super::without_relations!();
}
