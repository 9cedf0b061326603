use sestina_testkit::{Failure, Scene, perform};

async fn fail(transcript: &str) -> Failure {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let transcript = format!("[client] romeo: romeo@capulet.example/orchard\n{transcript}");
    perform(&stage, &transcript).await.unwrap_err()
}

const ECHO: &str = "romeo sends: <message to='romeo@capulet.example/orchard' id='1'/>\n";

#[tokio::test(start_paused = true)]
async fn something_else_is_shown_with_the_difference() {
    let failure =
        fail(&format!("{ECHO}\nromeo receives:\n  <message from='{{any}}' id='2'/>")).await;
    assert_eq!(failure.line, 4);
    assert_eq!(
        failure.reason,
        "romeo receives something else\n\
         expected:\n    <message from='{any}' id='2'/>\n\
         received:\n    <message from='romeo@capulet.example/orchard' id='1' \
         to='romeo@capulet.example/orchard'/>\n\
         message: expected id='2', received id='1'"
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_what_was_expected_and_speech_is_not_silence() {
    let failure = fail("romeo receives: <message/>").await;
    assert_eq!(failure.reason, "romeo receives nothing\nexpected:\n    <message/>");
    let failure = fail(&format!("{ECHO}romeo receives nothing")).await;
    assert!(failure.reason.starts_with("romeo receives something:\n    <message"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn one_of_many_that_never_comes_is_missed() {
    let failure =
        fail(&format!("{ECHO}romeo receives in any order: <presence/><message {FROM} id='1'/>"))
            .await;
    assert_eq!(failure.reason, "romeo receives nothing\nexpected:\n    <presence/>");
}

const FROM: &str = "from='romeo@capulet.example/orchard'";

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said() {
    for (transcript, reason) in [
        ("mercutio sends: <message/>", "who is mercutio?"),
        ("romeo connects", "romeo is connected already"),
        ("romeo is disconnected", "romeo is not disconnected"),
        ("romeo vanishes\nromeo sends: <message/>", "romeo is not connected"),
        ("[client] romeo: romeo@capulet.example/tomb", "romeo is declared twice"),
        ("[client] nurse: nurse@capulet.example", "nurse@capulet.example is no full JID"),
        ("romeo receives: <message>", "the pattern ends within an element"),
        ("romeo receives:", "the pattern is empty"),
    ] {
        assert_eq!(fail(transcript).await.reason, reason, "{transcript}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_works_nothing_out_and_has_no_tls() {
    let told = fail("{proof} is digest of juliet").await;
    assert_eq!(told.reason, "what is digest of [\"juliet\"]?");
    let told = fail("[wire] juliet\njuliet takes up TLS").await;
    assert_eq!(told.reason, "there is no TLS here");
}
