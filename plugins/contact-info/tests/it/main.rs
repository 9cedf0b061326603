//! The addresses as whoever asks for them is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_contact_info::ContactInfo;
use sestina_core::Scope;
use sestina_testkit::Scene;

fn list(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

/// What the server's forms say: their purpose, then each field with its values.
async fn told(scene: Scene) -> Vec<Vec<String>> {
    let stage = scene.build().await.unwrap();
    let server = stage.server();
    let described = server.describe(&Scope::Server).unwrap();
    let fields = |form: sestina_stanza::DataForm| {
        let lines = form.fields.into_iter().map(|field| {
            let line: Vec<_> = field.var.into_iter().chain(field.values).collect();
            line.join(" ")
        });
        lines.collect()
    };
    described.forms(server).into_iter().map(fields).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_told() {
    let info = ContactInfo {
        abuse: list(&["mailto:abuse@capulet.example", "xmpp:nurse@capulet.example"]),
        admin: list(&["xmpp:capulet@capulet.example"]),
        feedback: list(&["mailto:praise@capulet.example"]),
        sales: list(&["https://capulet.example/sales"]),
        security: list(&["mailto:tybalt@capulet.example"]),
        status: list(&["https://status.capulet.example"]),
        support: list(&["xmpp:friar@capulet.example?message"]),
    };
    let expected = [
        "FORM_TYPE http://jabber.org/network/serverinfo",
        "abuse-addresses mailto:abuse@capulet.example xmpp:nurse@capulet.example",
        "admin-addresses xmpp:capulet@capulet.example",
        "feedback-addresses mailto:praise@capulet.example",
        "sales-addresses https://capulet.example/sales",
        "security-addresses mailto:tybalt@capulet.example",
        "status-addresses https://status.capulet.example",
        "support-addresses xmpp:friar@capulet.example?message",
    ];
    assert_eq!(told(Scene::new("capulet.example").plugin(info)).await, [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_empty_is_not_told() {
    let info =
        ContactInfo { status: list(&["https://capulet.example/"]), ..ContactInfo::default() };
    let expected = [
        "FORM_TYPE http://jabber.org/network/serverinfo",
        "status-addresses https://capulet.example/",
    ];
    assert_eq!(told(Scene::new("capulet.example").plugin(info)).await, [expected]);
}

/// Law 7: removed means gone; and without an address there is no form.
#[tokio::test(start_paused = true)]
async fn without_addresses_or_without_the_plugin_there_is_no_form() {
    let with = Scene::new("capulet.example").plugin(ContactInfo::default());
    for scene in [with, Scene::new("capulet.example")] {
        assert!(told(scene).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_uri_is_refused() {
    let info = ContactInfo { sales: list(&["sales@capulet.example"]), ..ContactInfo::default() };
    let error = Scene::new("capulet.example").plugin(info).build().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "contact-info: sales must be a list of URIs, and \"sales@capulet.example\" is none"
    );
}
