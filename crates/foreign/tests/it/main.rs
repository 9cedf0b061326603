//! Files of other servers, of our own making.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod document;
mod jabberd14;
mod prosody;

use sestina_foreign::Account;

/// What an account comes to, one thing a line.
fn shown(account: &Account) -> String {
    let password = account.password.iter().map(|it| format!("password {}\n", it.as_str()));
    let elements = account.elements.iter().map(|it| format!("{it}\n"));
    let left = account.left.iter().map(|it| format!("left: {it}\n"));
    password.chain(elements).chain(left).collect()
}

fn lines<const N: usize>(lines: [&str; N]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
