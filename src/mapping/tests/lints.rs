//! What refuses to load: each rule with a file that breaks it, and the line, the reason and the fix it is told with.

use crate::mapping::gone::GONE;
use crate::mapping::{Mapping, Mappings};

const HEAD: &str = "[mapping]\nname = \"x\"\nversion = 1\nintercom = \"contact\"\ncrm = \"contact\"\n\
                    system = \"hubspot\"\n[identity]\ncrm = \"intercom_contact_id\"\n";

fn field(name: &str, left: &str, right: &str, rest: &str) -> String {
    format!("[[field]]\nname = \"{name}\"\nintercom = \"{left}\"\ncrm = [\"{right}\"]\n{rest}\n")
}

/// All errors of a mapping with these fields.
fn errors(fields: &str) -> Vec<String> {
    match Mapping::read(&format!("{HEAD}{fields}"), "x.toml") {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

fn refused(fields: &str, line: usize, wanted: &str) {
    let errors = errors(fields);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with(&format!("x.toml, line {line}: ")), "{}", errors[0]);
    assert!(errors[0].contains(wanted), "{}", errors[0]);
    assert!(errors[0].contains("; "), "no fix: {}", errors[0]);
}

const TO_CRM: &str = "direction = \"to_crm\"\nowner = \"intercom\"\ntransform = \"direct\"";

#[test]
fn r183_without_an_owner_nothing_loads() {
    let text = field("F", "a", "b", "direction = \"to_crm\"\ntransform = \"direct\"");
    refused(&text, 9, "has no owner");
}

#[test]
fn r182_r184_an_owner_that_both_sides_may_write_needs_a_rule() {
    for owner in ["intercom", "crm"] {
        let both = format!("direction = \"both\"\nowner = \"{owner}\"\ntransform = \"direct\"");
        refused(&field("F", "a", "b", &both), 9, "both sides may write it");
        assert_eq!(errors(&field("F", "a", "b", &format!("{both}\nfill = true"))), [""; 0]);
    }
    for owner in ["newest", "review", "consent"] {
        let rest = format!("direction = \"both\"\nowner = \"{owner}\"\ntransform = \"direct\"");
        assert_eq!(errors(&field("F", "a", "b", &rest)), [""; 0]);
    }
}

#[test]
fn r184_two_writers_of_one_field_are_refused_on_either_side_and_in_circles() {
    let back = "direction = \"to_intercom\"\nowner = \"crm\"\ntransform = \"direct\"";
    refused(
        &(field("F", "a", "b", TO_CRM) + &field("G", "c", "b", TO_CRM)),
        16,
        "\"F\" and \"G\" both write the CRM's b",
    );
    refused(&(field("F", "a", "b", back) + &field("G", "a", "c", back)), 16, "both write Intercom's a");
    refused(&(field("F", "a", "b", TO_CRM) + &field("G", "a", "b", back)), 16, "there and back again");
    // a to b, b to c, c to d, d to a: nobody writes the same field, and yet it never ends.
    let circle =
        [("F", "a", "b", TO_CRM), ("G", "c", "b", back), ("H", "c", "d", TO_CRM), ("I", "a", "d", back)];
    let text: String =
        circle.iter().map(|(name, left, right, rest)| field(name, left, right, rest)).collect();
    refused(&text, 30, "there and back again");
    // One switched off harms nobody.
    let off = TO_CRM.replace("to_crm", "off");
    assert_eq!(errors(&(field("F", "a", "b", TO_CRM) + &field("G", "c", "b", &off))), [""; 0]);
}

#[test]
fn r184_two_files_with_one_field_are_refused_with_both_places() {
    let own = format!(
        "{}{}",
        HEAD.replace("\"x\"", "\"mine\""),
        field("Mail", "custom_attributes.mail", "email", TO_CRM)
    );
    let error = Mappings::with(&[("mine.toml".into(), own.clone())]).expect_err("two writers");
    let told = error.to_string();
    assert!(told.starts_with("mine.toml, line 9: \"Email\" (contact.toml, line "), "{told}");
    // With another CRM they never meet.
    let elsewhere = own.replace("\"hubspot\"", "\"salesforce\"").replace("[\"email\"]", "[\"Other__c\"]");
    assert!(Mappings::with(&[("mine.toml".into(), elsewhere)]).is_ok());
    // In the place of the shipped one.
    let instead = own.replace("\"mine\"", "\"contact\"");
    let mappings = Mappings::with(&[("mine.toml".into(), instead)]).expect("it takes the other's place");
    assert_eq!(mappings.named("contact").map(|mapping| mapping.fields.len()), Some(1));
}

#[test]
fn every_error_of_every_file_is_told_at_once() {
    let first = format!(
        "{HEAD}{}{}nonsense = 1\n",
        field("F", "a", "b", "direction = \"up\"\ntransform = \"direct\""),
        field("G", "c", "", TO_CRM)
    );
    let files = [("one.toml".to_owned(), first), ("two.toml".to_owned(), "version = \n".to_owned())];
    let errors = Mappings::with(&files).expect_err("broken").0;
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for (wanted, line) in [
        ("no direction \"up\"", 13),
        ("has no owner", 9),
        ("crm names no field", 15),
        ("unknown key \"nonsense\"", 22),
    ] {
        let place = format!("one.toml, line {line}: ");
        assert!(
            told.iter().any(|error| error.contains(wanted) && error.starts_with(&place)),
            "{wanted}: {told:#?}"
        );
    }
    assert!(told.iter().any(|error| error.starts_with("two.toml, line 1: ")), "{told:#?}");
}

#[test]
fn r294_r295_fields_that_intercom_gives_no_more_are_refused_with_the_reason() {
    for name in GONE.iter().map(|name| (*name).to_owned()).chain(["location_data.latitude".to_owned()]) {
        refused(&field("F", &name, "b", TO_CRM), 9, "since version 2.0");
        // An attribute of one's own may be called so.
        assert_eq!(errors(&field("F", &format!("custom_attributes.{name}"), "b", TO_CRM)), [""; 0]);
    }
    refused(&field("F", "user_id", "b", TO_CRM), 9, "write external_id");
}

#[test]
fn r73_who_makes_records_names_the_key_that_keeps_them_single() {
    let text = HEAD.replace("crm = \"intercom_contact_id\"", "crm = \"\"") + &field("F", "a", "b", TO_CRM);
    let error = Mapping::parse(&text, "x.toml").expect_err("no key").to_string();
    assert!(error.starts_with("x.toml, line 7: ") && error.contains("names no identity"), "{error}");
    assert!(Mapping::parse(&text.replace("version = 1", "version = 1\ncreates = false"), "x.toml").is_ok());
    refused(&field("F", "a", "intercom_contact_id", TO_CRM), 9, "keeps the other side's id");
}

#[test]
fn r177_r222_lifecycle_and_case_status_have_one_writer() {
    for owner in ["newest", "review"] {
        let two = format!("direction = \"both\"\nowner = \"{owner}\"\ntransform = \"direct\"");
        refused(
            &field("F", "custom_attributes.stage", "lifecyclestage", &two),
            9,
            "the lifecycle stage has one writer",
        );
        refused(&field("F", "custom_attributes.lifecycle", "b", &two), 9, "one writer");
        let ticket = HEAD.replace("crm = \"contact\"", "crm = \"ticket\"")
            + &field("F", "a", "hs_pipeline_stage", &two);
        let error = Mapping::parse(&ticket, "x.toml").expect_err("two writers").to_string();
        assert!(error.contains("the status of a case has one writer"), "{error}");
    }
    let crm = "direction = \"both\"\nowner = \"crm\"\nfill = true\ntransform = \"direct\"";
    refused(&field("F", "a", "lifecyclestage", crm), 9, "one writer");
}

#[test]
fn a_field_that_contradicts_itself_is_refused() {
    let rest = |text: &str| TO_CRM.replace("owner = \"intercom\"", text);
    for (text, wanted) in [
        (field("F", "a", "b", &rest("owner = \"mirrored\"")), "which side holds the original"),
        (field("F", "a", "b", &rest("owner = \"mirrored\"\noriginal = \"crm\"")), "cannot own it"),
        (field("F", "a", "b", &rest("owner = \"intercom\"\noriginal = \"crm\"")), "only for mirrored"),
        (field("F", "a", "b", &rest("owner = \"intercom\"\nfill = true")), "fill takes values"),
        (field("F", "a", "b", &rest("owner = \"intercom\"\nblank = \"default\"")), "there is none"),
        (field("F", "a", "b", &rest("owner = \"intercom\"\ndefault = \"x\"")), "nothing uses"),
        (
            field(
                "F",
                "a",
                "b",
                &rest("owner = \"intercom\"\nblank = \"default\"\ndefault = \"x\"\nallowed = [\"y\"]"),
            ),
            "not among the allowed",
        ),
        (
            field("F", "a", "b", &TO_CRM.replace("direct\"", "unix_to_iso\"\ntype = \"number\"")),
            "gives a datetime",
        ),
        (
            field(
                "F",
                "company.name",
                "b",
                "direction = \"both\"\nowner = \"review\"\ntransform = \"direct\"",
            ),
            "belongs to the company",
        ),
        (field("F", "a", "b", TO_CRM).replace("\"a\"", "[\"a\", \"c\"]"), "takes one field of Intercom"),
        (field("F", "a", "b", &TO_CRM.replace("direct\"", "constant\"\nvalue = 1")), "reads nothing"),
        (
            field(
                "F",
                "a",
                "b",
                "direction = \"both\"\nowner = \"review\"\ntransform = \"template\"\ntemplate = \"{a}!\"",
            ),
            "no way back",
        ),
    ] {
        refused(&text, 9, wanted);
    }
}
