//! Accounts of a document, and what is said about them.

use sestina_archive::{Intake, Limits, Options, Reader, Sums};
use sestina_core::Server;
use sestina_stanza::Jid;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store};

async fn verona() -> Stage {
    Scene::new("capulet.example").account("nurse@capulet.example").build().await.unwrap()
}

/// What is said about a document.
async fn take(server: &Server, options: Options, document: &str) -> (Vec<String>, Sums) {
    let document = format!("<server-data xmlns='urn:xmpp:pie:0'>\n{document}</server-data>");
    let (mut reader, mut input) = (Reader::new(Limits::default()), document.as_bytes());
    let (mut intake, mut said) = (Intake::new(server, options), Vec::new());
    while let Some(part) = reader.next(&mut input).unwrap() {
        let note = intake.take(&part, Some(reader.line())).await;
        said.extend(note.map(|note| note.to_string()));
    }
    reader.end().unwrap();
    (said, intake.sums())
}

fn jid(name: &str) -> Jid {
    format!("{name}@capulet.example").parse().unwrap()
}

const HOUSE: &str = "<host jid='capulet.example'>
<user name='juliet' password='r0m30'>
<motto xmlns='urn:example:motto'/>
</user>
<user name='Juliet'/>
<user name='nurse' password='angelica'/>
<user name='tybalt' password='x'><account xmlns='urn:sestina:account:0' disabled='perhaps'/><more/></user>
<user name='a@b'/><user name='a/b'/><user name=''/>
</host>
<host jid='montague.example'><user name='romeo'/></host>
<host jid='x@capulet.example'><user name='romeo'/></host>
<host jid='capulet.example/x'><user name='romeo'/></host>
";

#[tokio::test(start_paused = true)]
async fn each_account_is_taken_or_says_why_not() {
    let stage = verona().await;
    let accounts = stage.server().accounts();
    for dry_run in [true, false] {
        let (said, sums) =
            take(stage.server(), Options { dry_run, ..Options::default() }, HOUSE).await;
        let imported = if dry_run { "would be imported" } else { "imported" };
        let expected = [
            "line 4: juliet@capulet.example: left out: <motto xmlns='urn:example:motto'/>, which nobody here knows",
            &format!("line 3: juliet@capulet.example: {imported}"),
            "line 6: Juliet@capulet.example: skipped: it has come before",
            "line 7: nurse@capulet.example: skipped: it exists",
            "line 8: tybalt@capulet.example: failed: <account xmlns='urn:sestina:account:0'/> cannot be taken",
            "line 9: a@b@capulet.example: failed",
            "line 9: a/b@capulet.example: failed",
            "line 9: @capulet.example: failed",
            "line 11: romeo@montague.example: skipped: its domain is not served here",
            "line 12: romeo@x@capulet.example: failed: its host is no domain",
            "line 13: romeo@capulet.example/x: failed: its host is no domain",
        ];
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said} is not {expected}");
        }
        assert_eq!(sums.to_string(), "1 imported, 3 skipped, 6 failed; 1 element left out");
        assert_eq!(accounts.exists(&jid("juliet")).await, !dry_run);
        assert!(!accounts.exists(&jid("tybalt")).await);
    }
    assert!(accounts.check_password(&jid("juliet"), "r0m30").await.unwrap());
    assert!(!accounts.check_password(&jid("nurse"), "angelica").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn accounts_come_in_place_of_others_when_they_are_to() {
    let stage = verona().await;
    let options = Options { replace: true, ..Options::default() };
    let (said, sums) = take(stage.server(), options, HOUSE).await;
    assert_eq!((sums.imported, sums.skipped, sums.failed), (2, 2, 6), "{said:#?}");
    assert!(stage.server().accounts().check_password(&jid("nurse"), "angelica").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_password_that_nobody_can_have_is_found_before() {
    let stage = verona().await;
    for dry_run in [true, false] {
        let house = "<host jid='capulet.example'><user name='juliet' password='&#x7;'/><user name='juliet' password=''/></host>";
        let house = house.replace("&#x7;", "&#xad;");
        let (said, sums) =
            take(stage.server(), Options { dry_run, ..Options::default() }, &house).await;
        assert_eq!((sums.imported, sums.failed), (0, 2), "{said:?}");
        assert!(said[0].contains("password"), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_account_is_none() {
    let stage = verona().await;
    let document = b"<server-data xmlns='urn:xmpp:pie:0'><host jid='capulet.example'><user name='juliet' password='x'>";
    let (mut reader, mut intake) =
        (Reader::new(Limits::default()), Intake::new(stage.server(), Options::default()));
    let part = reader.next(&mut &document[..]).unwrap().unwrap();
    assert_eq!(intake.take(&part, None).await, None);
    assert_eq!(intake.under_way(), Some("juliet@capulet.example"));
    drop(intake);
    assert!(!stage.server().accounts().exists(&jid("juliet")).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_keeps_an_account_out_and_the_next_goes_on() {
    let (store, faults) = faulty_store();
    let stage = Scene::new("capulet.example").store(store).build().await.unwrap();
    faults.on(Calls::Writes).times(1).fail(ErrorKind::Io);
    let house = "<host jid='capulet.example'><user name='juliet' password='x'/><user name='nurse' password='y'/></host>";
    let (said, sums) = take(stage.server(), Options::default(), house).await;
    assert_eq!((sums.imported, sums.failed), (1, 1), "{said:?}");
}
