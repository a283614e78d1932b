//! One module per table, grouped by topic. The models are the rows the rest of the server sees;
//! tables that are only counted in have none.

pub mod accounts;
pub mod factors;
pub mod records;

/// What the derive of a table without declared relations still asks for.
macro_rules! without_relations {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}
use without_relations;
