//! The vault as its users meet it: other processes, deaths at bad moments, wrong passphrases, odd environments.

use std::fs;
use std::io;

use super::*;

const PHRASE: &str = "a long enough sentence";

fn variables(pairs: &[(&str, &str)]) -> Environment {
    let map: HashMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Box::new(move |name| map.get(name).cloned())
}

fn vault(folder: &Path, pairs: &[(&str, &str)]) -> Vault {
    Vault::with_environment(folder, variables(pairs)).unwrap()
}

fn sealed(folder: &Path) -> Vault {
    vault(folder, &[(PASSPHRASE, PHRASE)])
}

fn error(folder: &Path, pairs: &[(&str, &str)]) -> VaultError {
    Vault::with_environment(folder, variables(pairs)).unwrap_err()
}

fn only(system: System) -> Connection {
    Connection::only(system)
}

fn renewed(token: &str, refresh: Option<&str>, at: i64) -> Renewed {
    Renewed {
        access_token: Secret::new(token),
        refresh_token: refresh.map(Secret::new),
        obtained_at: Timestamp(at),
        expires_at: Some(Timestamp(at + 1_800_000)),
        instance_url: Some("https://acme.my.salesforce.com".to_owned()),
    }
}

fn refresh_token(vault: &Vault, system: System) -> String {
    match vault.grant(&only(system)).unwrap() {
        Grant::RefreshToken { refresh_token, .. } => refresh_token.reveal().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_kept_is_found_by_the_next_process_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("made/when/needed");
    sealed(&data).set("HUBSPOT_ACCESS_TOKEN", &Secret::new("pat-na1-0123456789-abcdef")).unwrap();
    let bytes = fs::read(Vault::path(&data)).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("pat-na1") && bytes.starts_with(b"reknit-vault-1\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in fs::read_dir(&data).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
    }
    let next = sealed(&data);
    assert_eq!(next.access_token(&only(System::Hubspot)).unwrap().reveal(), "pat-na1-0123456789-abcdef");
    let entry =
        Entry {
            name: "HUBSPOT_ACCESS_TOKEN".to_owned(), hint: "••••cdef".to_owned(), overridden: false
        };
    assert_eq!(next.entries().unwrap(), [entry]);
    assert!(matches!(error(&data, &[(PASSPHRASE, "another sentence")]), VaultError::WrongKey(_)));
    assert!(matches!(error(&data, &[]), VaultError::Locked(_)));
    assert!(next.remove("HUBSPOT_ACCESS_TOKEN").unwrap() && !next.remove("HUBSPOT_ACCESS_TOKEN").unwrap());
    assert!(sealed(&data).grant(&only(System::Hubspot)).is_err());
}

#[test]
fn the_same_content_never_looks_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let vault = sealed(folder.path());
    let write = || {
        vault.set("HUBSPOT_CLIENT_ID", &Secret::new("x")).unwrap();
        fs::read(Vault::path(folder.path())).unwrap()
    };
    let (first, second) = (write(), write());
    let salt = MAGIC_AND_ROUNDS..MAGIC_AND_ROUNDS + 16;
    assert_eq!(first[salt.clone()], second[salt], "one salt, so the key is made once");
    assert_ne!(
        first[MAGIC_AND_ROUNDS + 16..MAGIC_AND_ROUNDS + 28],
        second[MAGIC_AND_ROUNDS + 16..MAGIC_AND_ROUNDS + 28]
    );
}

const MAGIC_AND_ROUNDS: usize = 15 + 4;

#[test]
fn a_damaged_vault_is_told_of_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    sealed(folder.path()).set("HUBSPOT_CLIENT_ID", &Secret::new("app-1")).unwrap();
    let path = Vault::path(folder.path());
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = error(folder.path(), &[(PASSPHRASE, PHRASE)]);
        assert!(matches!(error, VaultError::NotAVault(_) | VaultError::WrongKey(_)), "{length}: {error}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(&path, &bytes).unwrap();
        // A count of rounds that is merely another one costs time and does not open; a huge one is not tried.
        if (15..17).contains(&at) || at == 17 {
            bytes[15] = 0xff;
            fs::write(&path, &bytes).unwrap();
        }
        let error = error(folder.path(), &[(PASSPHRASE, PHRASE)]);
        assert!(matches!(error, VaultError::NotAVault(_) | VaultError::WrongKey(_)), "{at}: {error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_death_before_the_new_file_is_in_place_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let vault = sealed(folder.path());
    vault.set("HUBSPOT_CLIENT_ID", &Secret::new("app-1")).unwrap();
    let path = Vault::path(folder.path());
    let before = fs::read(&path).unwrap();
    let died = vault.file().unwrap().change_unless(
        |content: &mut Content| content.entries.clear(),
        || {
            assert!(path.with_extension("new").exists(), "the new one is whole by now");
            Err(io::Error::other("killed"))
        },
    );
    assert!(matches!(died, Err(VaultError::Unusable { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(sealed(folder.path()).entries().unwrap().len(), 1);
    // What it left behind, whatever that is, is in nobody's way.
    fs::write(path.with_extension("new"), "half a fi").unwrap();
    sealed(folder.path()).set("HUBSPOT_CLIENT_ID", &Secret::new("app-2")).unwrap();
    assert!(!path.with_extension("new").exists());
    assert_eq!(sealed(folder.path()).one("HUBSPOT_CLIENT_ID").unwrap().reveal(), "app-2");
}

#[test]
fn many_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let vault = sealed(folder);
                for n in 0..5 {
                    vault.set(&format!("HUBSPOT_CLIENT_ID_W{writer}N{n}"), &Secret::new("x")).unwrap();
                }
            });
        }
    });
    assert_eq!(sealed(folder.path()).entries().unwrap().len(), 20);
}

#[test]
fn the_environment_goes_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    sealed(folder.path()).set("INTERCOM_ACCESS_TOKEN", &Secret::new("of-the-file")).unwrap();
    let vault =
        vault(folder.path(), &[(PASSPHRASE, PHRASE), ("INTERCOM_ACCESS_TOKEN", "of-the-environment")]);
    assert_eq!(vault.access_token(&only(System::Intercom)).unwrap().reveal(), "of-the-environment");
    assert!(vault.entries().unwrap()[0].overridden);
    let blank = self::vault(folder.path(), &[(PASSPHRASE, PHRASE), ("INTERCOM_ACCESS_TOKEN", " ")]);
    assert_eq!(blank.access_token(&only(System::Intercom)).unwrap().reveal(), "of-the-file");
}

#[test]
fn the_passphrase_may_stand_in_a_file_and_must_not_be_short() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phrase");
    fs::write(&file, format!("{PHRASE}\n")).unwrap();
    let named = [(PASSPHRASE_FILE, file.to_str().unwrap())];
    vault(folder.path(), &named).set("HUBSPOT_CLIENT_ID", &Secret::new("app-1")).unwrap();
    assert_eq!(sealed(folder.path()).entries().unwrap().len(), 1);
    let fresh = tempfile::tempdir().unwrap();
    assert!(error(fresh.path(), &[(PASSPHRASE, "short")]).to_string().contains("shorter than 8"));
    let missing = error(fresh.path(), &[(PASSPHRASE_FILE, "/no/such/file")]).to_string();
    assert!(missing.contains(PASSPHRASE_FILE) && missing.contains("/no/such/file"), "{missing}");
    fs::write(&file, "\n").unwrap();
    assert!(error(fresh.path(), &named).to_string().contains("empty"));
    let none = vault(fresh.path(), &[]);
    assert!(!none.keeps() && matches!(none.entries(), Err(VaultError::NoPassphrase)));
}

#[test]
fn a_grant_is_read_from_what_is_set_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let key = key.to_str().unwrap();
    let title = |system, pairs: &[(&str, &str)]| {
        vault(folder.path(), pairs).grant(&only(system)).map(|grant| grant.title().to_owned())
    };
    let refresh = Ok("a refresh token".to_owned());
    assert_eq!(
        title(System::Intercom, &[("INTERCOM_ACCESS_TOKEN", "t")]),
        Ok("a fixed access token".to_owned())
    );
    assert_eq!(
        title(System::Hubspot, &[("HUBSPOT_REFRESH_TOKEN", "r"), ("HUBSPOT_CLIENT_ID", "c")]),
        refresh
    );
    let (id, secret) = (("SALESFORCE_CLIENT_ID", "c"), ("SALESFORCE_CLIENT_SECRET", "s"));
    assert_eq!(title(System::Salesforce, &[id, secret, ("SALESFORCE_REFRESH_TOKEN", "r")]), refresh);
    assert_eq!(title(System::Salesforce, &[id, secret]), Ok("client credentials".to_owned()));
    let (file, user) = (("SALESFORCE_PRIVATE_KEY_FILE", key), ("SALESFORCE_USERNAME", "ops@acme.example"));
    assert_eq!(
        title(System::Salesforce, &[id, file, user]),
        Ok("a signed assertion (JWT bearer)".to_owned())
    );
    // HubSpot's client secret signs webhooks and is no grant by itself.
    let hubspot = title(System::Hubspot, &[("HUBSPOT_CLIENT_ID", "c"), ("HUBSPOT_CLIENT_SECRET", "s")]);
    assert!(hubspot.unwrap_err().contains("HUBSPOT_ACCESS_TOKEN is not set"));
    for (pairs, missing) in [
        (&[("SALESFORCE_REFRESH_TOKEN", "r")][..], "SALESFORCE_CLIENT_ID is not"),
        (&[id, file], "SALESFORCE_USERNAME is not"),
        (&[id], "it also needs SALESFORCE_REFRESH_TOKEN, or SALESFORCE_CLIENT_SECRET, or"),
        (&[secret], "SALESFORCE_CLIENT_SECRET is set, but SALESFORCE_CLIENT_ID is not"),
        (&[id, user, ("SALESFORCE_PRIVATE_KEY_FILE", "/no/such/key")], "/no/such/key, which cannot be read"),
    ] {
        let words = title(System::Salesforce, pairs).unwrap_err();
        assert!(words.contains(missing), "{words}");
    }
    let emea = Connection { system: System::Hubspot, name: "emea-2".to_owned() };
    let named = vault(folder.path(), &[("HUBSPOT_ACCESS_TOKEN_EMEA_2", "t")]);
    assert!(named.grant(&emea).is_ok() && named.grant(&only(System::Hubspot)).is_err());
}

#[test]
fn a_replaced_refresh_token_counts_until_a_person_gives_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let hubspot = only(System::Hubspot);
    let environment =
        |token| [(PASSPHRASE, PHRASE), ("HUBSPOT_CLIENT_ID", "c"), ("HUBSPOT_REFRESH_TOKEN", token)];
    let first = vault(folder.path(), &environment("r0"));
    assert!(first.renewed(&hubspot).is_none());
    assert_eq!(first.store(&hubspot, &renewed("a1", Some("r1"), 1)), Ok(Kept::Durably));
    // The next renewal brings no new refresh token: the last one stays in force.
    assert_eq!(first.store(&hubspot, &renewed("a2", None, 2)), Ok(Kept::Durably));
    let restarted = vault(folder.path(), &environment("r0"));
    assert_eq!(refresh_token(&restarted, System::Hubspot), "r1");
    let kept = restarted.renewed(&hubspot).unwrap();
    assert_eq!((kept.access_token.reveal(), kept.expires_at), ("a2", Some(Timestamp(1_800_002))));
    let anew = vault(folder.path(), &environment("r-anew"));
    assert_eq!(refresh_token(&anew, System::Hubspot), "r-anew");
    assert!(anew.renewed(&hubspot).is_none(), "a token of the old authorisation is not used for the new one");

    let forgetful = vault(
        tempfile::tempdir().unwrap().path(),
        &[("HUBSPOT_CLIENT_ID", "c"), ("HUBSPOT_REFRESH_TOKEN", "r0")],
    );
    assert_eq!(forgetful.store(&hubspot, &renewed("a1", Some("r1"), 1)), Ok(Kept::InMemory));
    assert_eq!(refresh_token(&forgetful, System::Hubspot), "r1", "as long as the process lives");
}

#[test]
fn a_file_that_cannot_be_written_loses_nothing_of_this_process() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(
        folder.path(),
        &[(PASSPHRASE, PHRASE), ("HUBSPOT_CLIENT_ID", "c"), ("HUBSPOT_REFRESH_TOKEN", "r0")],
    );
    // A folder stands where the file should be: nothing can be renamed over it.
    fs::create_dir(Vault::path(folder.path())).unwrap();
    let why = vault.store(&only(System::Hubspot), &renewed("a1", Some("r1"), 1)).unwrap_err();
    assert!(why.contains("vault.db"), "{why}");
    assert_eq!(refresh_token(&vault, System::Hubspot), "r1");
}

#[test]
fn a_token_to_begin_with_is_used_until_the_vendor_gives_one() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(
        folder.path(),
        &[
            ("SALESFORCE_ACCESS_TOKEN", "a0"),
            ("SALESFORCE_CLIENT_ID", "c"),
            ("SALESFORCE_REFRESH_TOKEN", "r0"),
            ("SALESFORCE_INSTANCE_URL", "https://acme.my.salesforce.com"),
        ],
    );
    let salesforce = only(System::Salesforce);
    assert_eq!(vault.renewed(&salesforce).unwrap().access_token.reveal(), "a0");
    vault.store(&salesforce, &renewed("a1", None, 1)).unwrap();
    assert_eq!(vault.renewed(&salesforce).unwrap().access_token.reveal(), "a1");
    assert_eq!(vault.instance_url(&salesforce).unwrap(), "https://acme.my.salesforce.com");
}

#[test]
fn a_renewal_waits_for_the_one_of_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (sealed(folder.path()), sealed(folder.path()));
    let hubspot = only(System::Hubspot);
    let held = one.begin_renewal(&hubspot).unwrap();
    // Another vendor's is not held up, and neither is the file.
    drop(other.begin_renewal(&only(System::Salesforce)).unwrap());
    other.set("HUBSPOT_CLIENT_ID", &Secret::new("c")).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (hubspot, other) = (&hubspot, &other);
        scope.spawn(move || {
            let _held = other.begin_renewal(hubspot).unwrap();
            sender.send(()).unwrap();
        });
        assert!(receiver.recv_timeout(std::time::Duration::from_millis(50)).is_err(), "it waits");
        drop(held);
        receiver.recv_timeout(std::time::Duration::from_secs(30)).expect("its turn came");
    });
}

#[test]
fn names_nobody_would_ask_for_are_known_to_be_wrong() {
    for good in ["HUBSPOT_ACCESS_TOKEN", "SALESFORCE_PRIVATE_KEY_EMEA", "HUBSPOT_CLIENT_SECRET_A_2"] {
        assert!(is_known(good), "{good}");
    }
    for bad in
        ["HUBSPOT_ACESS_TOKEN", "HUBSPOT_ACCESS_TOKEN_", "HUBSPOT_ACCESS_TOKENS", "hubspot_access_token", ""]
    {
        assert!(!is_known(bad), "{bad}");
    }
}

#[test]
fn a_vault_prints_nothing_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), &[(PASSPHRASE, PHRASE), ("HUBSPOT_ACCESS_TOKEN", "pat-na1-0123456789")]);
    let shown = format!("{vault:?}");
    assert!(!shown.contains(PHRASE) && !shown.contains("pat-na1"), "{shown}");
}
