//! Users files of any text: a flaw that names its line, or accounts that can be changed one by one
//! while all others stay.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_users_files_are_flawed_or_can_be_changed() {
    part!("users").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_users_files() {
    part!("users").many(1_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let decoy = StoredPassword::decoy();
    let text = String::from_utf8_lossy(input).replace("PHC", decoy.as_str());
    let accounts = match Accounts::parse(&text) {
        Ok(accounts) => accounts.0,
        Err(flaw) => {
            let lines = 1 + text.matches('\n').count();
            assert!((1..=lines).contains(&flaw.line), "line {} of {lines}", flaw.line);
            assert!(!flaw.message.is_empty() && !flaw.message.contains('\n'), "{flaw}");
            return;
        }
    };
    for (at, account) in accounts.iter().enumerate() {
        assert_eq!(check_name(&account.name), Ok(()));
        assert!(accounts[..at].iter().all(|other| other.name != account.name), "twice");
        assert!(account.password.is_some() || account.certificate.is_some());
        assert!(account.root.as_deref().is_none_or(Path::is_absolute));
    }

    let new = newcomer(chance);
    let added = add(&text, &new).expect("a file without a flaw takes one more");
    assert!(added.starts_with(&text), "{added}");
    let more = [&accounts[..], std::slice::from_ref(&new)].concat();
    assert_eq!(users(&added), more, "{added}");
    assert_eq!(users(&remove(&added, &new.name).expect("it was added")), accounts, "{added}");

    if accounts.is_empty() {
        return;
    }
    let at = chance.upto(accounts.len() - 1);
    let (name, mut rest) = (accounts[at].name.clone(), accounts.clone());
    let changed = set_password(&text, &name, &decoy).expect("the user is there");
    rest[at].password = Some(decoy);
    assert_eq!(users(&changed), rest, "{changed}");
    rest = accounts;
    rest.remove(at);
    let removed = remove(&text, &name).expect("the user is there");
    assert_eq!(users(&removed), rest, "{removed}");
}

fn users(text: &str) -> Vec<Account> {
    Accounts::parse(text).expect("an edit leaves no flaw").0
}

/// User whose name no corpus has, with any root.
fn newcomer(chance: &mut Chance) -> Account {
    let name = chance.pick(&["newcomer", "new.comer", "nü\"comer", "#new\\comer", "'new]"]);
    let root = chance.pick(&[None, Some("/srv/a b"), Some("/\"#\\\u{7f}\n"), Some("/ü'''\"\"\"")]);
    let mut account = Account::new(name, StoredPassword::decoy());
    account.root = root.map(Into::into);
    account.certificate = chance.one_in(2).then(|| "a.example".to_owned());
    account
}
