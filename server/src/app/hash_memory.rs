//! The memory in which hashes are made, kept for the next one. Given back to the allocator, each thread
//! that ever made a hash would keep its share of it; and fresh memory costs the kernel a fifth of a
//! hash's time.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Argon2, Block};

use super::error::{Error, Result};

/// As many blocks of memory as there have been hashes at once. Clones share them.
#[derive(Clone, Default)]
pub struct HashMemory(Arc<Mutex<Vec<Vec<Block>>>>);

impl HashMemory {
    /// Fills `output` with the hash. What the memory held before has no part in it.
    pub fn hash_into(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<()> {
        let mut blocks = self.lock().pop().unwrap_or_default();
        // An older hash may have been made with more or less.
        let wanted = argon2.params().block_count();
        if blocks.len() < wanted {
            blocks.resize(wanted, Block::default());
        }
        let hashed = argon2.hash_password_into_with_memory(password, salt, output, &mut blocks);
        self.lock().push(blocks);
        hashed.map_err(|error| Error::Internal(format!("password hashing: {error}")))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::*;

    #[test]
    fn used_memory_makes_the_same_hash_as_fresh_memory_and_is_kept() {
        let memory = HashMemory::default();
        for cost in [8, 64, 8] {
            let params = Params::new(cost, 2, 1, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let (mut fresh, mut used) = ([0; 32], [0; 32]);
            let salt = [7; 16];
            argon2
                .hash_password_into(b"secret", &salt, &mut fresh)
                .unwrap();
            memory
                .hash_into(&argon2, b"secret", &salt, &mut used)
                .unwrap();
            assert_eq!(fresh, used, "{cost}");
        }
        assert_eq!(memory.lock().len(), 1);
    }
}
