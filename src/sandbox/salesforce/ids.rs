//! Record ids: three characters of key prefix, an instance, a counter in base 62, and the three check
//! characters that make the case-sensitive 15 safe where case is lost. Knows no records.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Which instance the emulated org lives on: the same three characters in every id.
const INSTANCE: &str = "xx0";

/// The id of the n-th record under a key prefix, in its 18-character form.
pub(super) fn minted(prefix: &str, serial: u64) -> String {
    let mut counter = [b'0'; 9];
    let mut rest = serial;
    for place in counter.iter_mut().rev() {
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    let mut id = String::with_capacity(18);
    id.push_str(prefix);
    id.push_str(INSTANCE);
    id.extend(counter.iter().map(|byte| char::from(*byte)));
    let check = check_characters(&id);
    id.push_str(&check);
    id
}

/// The counter inside an id of this prefix; both lengths are read, a wrong check is not.
pub(super) fn serial(prefix: &str, id: &str) -> Option<u64> {
    if !well_formed(id) || !id.starts_with(prefix) || &id[3..6] != INSTANCE {
        return None;
    }
    let mut serial = 0_u64;
    for byte in id[6..15].bytes() {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        serial = serial * 62 + digit as u64;
    }
    Some(serial)
}

/// Whether a text could be an id at all: 15 letters and digits, or 18 with the right check.
pub(super) fn well_formed(id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match id.len() {
        15 => plain,
        18 => plain && check_characters(&id[..15]) == id[15..],
        _ => false,
    }
}

/// The id as answers show it; `None` when it is no id.
pub(super) fn long(id: &str) -> Option<String> {
    well_formed(id).then(|| match id.len() {
        15 => format!("{id}{}", check_characters(id)),
        _ => id.to_owned(),
    })
}

/// For each block of five, which of its characters are capitals, as one character.
fn check_characters(fifteen: &str) -> String {
    const CHECKS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut check = String::with_capacity(3);
    for block in fifteen.as_bytes().chunks(5) {
        let mut bits = 0_usize;
        for (index, byte) in block.iter().enumerate() {
            bits |= usize::from(byte.is_ascii_uppercase()) << index;
        }
        check.push(char::from(CHECKS[bits]));
    }
    check
}

#[cfg(test)]
mod tests {
    use super::{long, minted, serial, well_formed};

    #[test]
    fn the_check_characters_are_the_documented_ones() {
        // Ids of the vendor's own examples.
        for id in ["0033h00000Kzv3AAAR", "00Qaj000002oTldEAE"] {
            assert_eq!(long(&id[..15]).as_deref(), Some(id));
        }
    }

    #[test]
    fn a_minted_id_gives_its_counter_back_in_both_lengths() {
        for number in [0, 61, 62, 200_000, 9_999_999_999] {
            let id = minted("00Q", number);
            assert_eq!(serial("00Q", &id), Some(number));
            assert_eq!(serial("00Q", &id[..15]), Some(number));
            assert_eq!(serial("003", &id), None);
        }
        assert!(minted("00Q", 61) < minted("00Q", 62));
        assert!(!well_formed("00Qxx000000000A") || !well_formed("00Qxx000000000AZZZ"));
    }
}
