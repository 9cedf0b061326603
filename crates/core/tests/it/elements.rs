//! What is said on a stream beside stanzas.

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Handling, Overflow, Plugin, QueueBounds, Session, Spec,
};
use sestina_stanza::StreamCondition;
use sestina_testkit::{Scene, play};
use sestina_xml::{Element, Limits};

use crate::cast::{JULIET, ROMEO, scene, send, stage};

/// Answers a knock with how many stanzas wait, hears a whisper, and minds a shout.
struct Door;

impl Plugin for Door {
    const NAME: &'static str = "door";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let door = Arc::new(self);
        to.elements("urn:example:door", &door, |_, element, session: &Arc<Session>, server| {
            assert!(server.session(session.jid()).is_some());
            match element.name() {
                "knock" => {
                    let waiting = session.queued().to_string();
                    let open = Element::builder("open", "urn:example:door");
                    Ok(Some(open.attr("waiting", waiting).build()))
                }
                "whisper" => Ok(None),
                _ => Err(StreamCondition::PolicyViolation.into()),
            }
        })
    }
}

fn doors() -> Scene {
    scene().plugin(Door)
}

fn knock() -> Element {
    Element::parse("<knock xmlns='urn:example:door'/>", &Limits::trusted()).unwrap()
}

#[test]
fn answers_go_out_in_order_with_stanzas() {
    play(
        doors(),
        "
[client] romeo: romeo@capulet.example/orchard
romeo sends:
  <whisper xmlns='urn:example:door'/>
  <message to='romeo@capulet.example/orchard' id='1'/><d:knock xmlns:d='urn:example:door'/>
  <message to='romeo@capulet.example/orchard' id='2'/>
romeo receives:
  <message from='romeo@capulet.example/orchard' id='1'/>
  <open xmlns='urn:example:door' waiting='1'/>
  <message from='romeo@capulet.example/orchard' id='2'/>
romeo sends: <shout xmlns='urn:example:door'/>
romeo receives:
  <stream:error xmlns:stream='http://etherx.jabber.org/streams'>
    <policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>
romeo is disconnected
",
    );
}

#[test]
fn what_nobody_takes_ends_the_stream() {
    play(
        doors(),
        "
[client] romeo: romeo@capulet.example/orchard
romeo sends: <knock xmlns='urn:example:window'/>
romeo receives:
  <stream:error xmlns:stream='http://etherx.jabber.org/streams'>
    <unsupported-stanza-type xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>
romeo is disconnected
",
    );
}

#[tokio::test(start_paused = true)]
async fn answers_fill_the_queue_like_stanzas_and_are_lost_with_the_stream() {
    let narrow = doors().settings(|settings| {
        settings.bounds.queue = QueueBounds { stanzas: 2, bytes: usize::MAX };
        settings.overflow = Overflow::Close;
    });
    let stage = stage(narrow).await;
    let mut romeo = stage.attach(ROMEO).await;
    let session = romeo.session().clone();
    for _ in 0..3 {
        assert!(!session.is_ending());
        let handling = stage.server().receive_element(&session, &knock());
        assert!(matches!(handling, Handling::Done));
    }
    // The third found no room.
    let ended = romeo.receive().await.unwrap_err();
    assert_eq!(ended.error.unwrap().condition(), StreamCondition::ResourceConstraint);
    let handling = stage.server().receive_element(&session, &knock());
    assert!(matches!(handling, Handling::Done));
    romeo.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_stream_hears_stanzas_alone() {
    let stage = stage(doors()).await;
    let romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    let _answered = stage.server().receive_element(juliet.session(), &knock());
    send(&romeo, &format!("<message to='{JULIET}' id='1'/>")).await;
    assert_eq!(juliet.receive().await.unwrap().id(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn two_plugins_cannot_take_the_same() {
    struct Gate;

    impl Plugin for Gate {
        const NAME: &'static str = "gate";
        const SPECS: &'static [Spec] = &[];

        fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
            to.elements("urn:example:door", &Arc::new(self), |_, _, _, _| Ok(None))
        }
    }

    let refused = doors().plugin(Gate).build().await.unwrap_err();
    assert!(matches!(refused, AssemblyError::ClaimedTwice { first: "door", second: "gate", .. }));
}
