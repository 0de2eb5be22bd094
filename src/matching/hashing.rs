//! 64-bit value identities that are the same on every machine and in every run; not for security.

/// Hashes bytes (FNV-1a, then mixed so that the high bits are usable as well).
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(state)
}

/// Hashes a text; the empty text is 0, which everywhere means "no value".
pub(crate) fn hash_text(text: &str) -> u64 {
    if text.is_empty() { 0 } else { hash(text.as_bytes()).max(1) }
}

/// Combines two identities, order mattering.
pub(crate) fn combine(left: u64, right: u64) -> u64 {
    mix(left.rotate_left(23) ^ right.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_matters_and_empty_means_no_value() {
        assert_ne!(combine(1, 2), combine(2, 1));
        assert_eq!(hash_text(""), 0);
        assert_ne!(hash_text("a"), hash_text("b"));
    }
}
