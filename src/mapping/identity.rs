//! Who a record is on the other side, from what each key of the mapping found there.
//!
//! It decides on ids alone and reads nothing. Where the keys name different records nothing is chosen: a human is
//! asked, because each choice would write one person's data to another.

use crate::domain::record::RecordRef;

/// What the keys together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// No key found anybody.
    Nobody,
    /// All keys that found somebody can mean this record.
    One(RecordRef),
    /// The keys leave several: duplicates on that side.
    Several(Vec<RecordRef>),
    /// The keys name different records: by its place the key, and what it found.
    Disagree(Vec<(usize, RecordRef)>),
}

/// Puts together what each key found, in the order of [`super::Mapping::keys`]. A key that found nobody says nothing.
pub fn identify(found: &[Vec<RecordRef>]) -> Identified {
    let speaking: Vec<(usize, &Vec<RecordRef>)> =
        found.iter().enumerate().filter(|(_, records)| !records.is_empty()).collect();
    let Some((_, first)) = speaking.first() else { return Identified::Nobody };
    let mut common: Vec<RecordRef> = Vec::new();
    for record in *first {
        let by_all = speaking.iter().all(|(_, records)| records.contains(record));
        if by_all && !common.contains(record) {
            common.push(record.clone());
        }
    }
    match common.len() {
        0 => Identified::Disagree(
            speaking
                .iter()
                .flat_map(|(key, records)| records.iter().map(|record| (*key, record.clone())))
                .collect(),
        ),
        1 => Identified::One(common.swap_remove(0)),
        _ => Identified::Several(common),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{ObjectKind, System};

    fn records(ids: &[&str]) -> Vec<RecordRef> {
        ids.iter().map(|id| RecordRef::new(System::Hubspot, ObjectKind::Contact, *id)).collect()
    }

    #[test]
    fn r253_r258_keys_that_disagree_choose_nobody() {
        let [a, b] = [records(&["1"]), records(&["2"])];
        assert_eq!(identify(&[]), Identified::Nobody);
        assert_eq!(identify(&[Vec::new(), b.clone()]), Identified::One(b[0].clone()));
        assert_eq!(identify(&[a.clone(), a.clone()]), Identified::One(a[0].clone()));
        assert_eq!(
            identify(&[a.clone(), b.clone()]),
            Identified::Disagree(vec![(0, a[0].clone()), (1, b[0].clone())])
        );
        // An e-mail that two records share, and an external id that one of them has.
        assert_eq!(identify(&[records(&["1", "2"]), b.clone()]), Identified::One(b[0].clone()));
        assert_eq!(identify(&[records(&["1", "2"])]), Identified::Several(records(&["1", "2"])));
    }

    #[test]
    fn r253_the_order_of_the_keys_is_that_of_the_file() {
        let text = "[mapping]\nname = \"x\"\nversion = 1\nintercom = \"contact\"\ncrm = \"contact\"\n[identity]\n\
                    crm = \"ic\"\nmatch = [{ intercom = \"external_id\", crm = \"user_no\" }, { intercom = \"email\", \
                    crm = \"email\" }]\n";
        let keys = crate::mapping::Mapping::parse(text, "x.toml").expect("it loads").keys;
        let keys: Vec<&str> = keys.iter().map(|key| key.intercom.as_str()).collect();
        assert_eq!(keys, ["external_id", "email"]);
    }

    #[test]
    fn r243_people_are_looked_up_by_e_mail_unless_the_file_says_otherwise() {
        let lead = crate::mapping::Mappings::shipped().named("lead").expect("shipped").keys.clone();
        assert_eq!((lead[0].intercom.as_str(), lead[0].crm.as_str()), ("email", "Email"));
        let text = "[mapping]\nname = \"x\"\nversion = 1\nintercom = \"contact\"\ncrm = \"lead\"\n\
                    system = \"salesforce\"\n[identity]\ncrm = \"Intercom_Contact_ID__c\"\n";
        let usual = crate::mapping::Mapping::parse(text, "x.toml").expect("it loads").keys;
        assert_eq!(usual, lead);
    }
}
