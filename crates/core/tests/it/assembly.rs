//! Wrong assembly does not start, and says who, why and what to do about it.

use std::{sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Foundation, Identity, IqHandler, Optional, Refusal, Required, Scope,
    Server, Settings, Started,
};
use sestina_sasl::AnonymousOffer;
use sestina_stanza::{Condition, IqType};
use sestina_store::ErrorKind;
use sestina_stream::{Feature, Slot, View};
use sestina_testkit::{Calls, faulty_store};
use sestina_xml::Element;

use crate::cast::{Log, plugin, scene, stage};

/// What a plugin wants of another.
trait Greeting: Send + Sync {
    fn greeting(&self) -> String;
}

struct Hello;

impl Greeting for Hello {
    fn greeting(&self) -> String {
        "Good morrow".to_owned()
    }
}

fn claim(to: &mut Assembly) -> Result<(), AssemblyError> {
    let nothing = tower::service_fn(|_| async { Ok::<_, Refusal>(None) });
    to.iq(Scope::Server, IqHandler::service(IqType::Get, "q", "urn:example:q", nothing))
}

plugin!(First, "first", |_, to| claim(to));
plugin!(Second, "second", |_, to| claim(to));
plugin!(Provider, "provider", |_, to| to.provide::<dyn Greeting>(Arc::new(Hello)));
plugin!(Rival, "rival", |_, to| to.provide::<dyn Greeting>(Arc::new(Hello)));
plugin!(Picky, "picky", |_, to| Err(to.bad_setting("rooms", "at least 1")));
plugin!(Host, "host", |log, to| to.service("rooms", &log, quiet));
plugin!(OtherHost, "other-host", |log, to| to.service("rooms", &log, quiet));

async fn quiet(_: &Log, _: sestina_stanza::Stanza, _: &Server) -> Result<(), Refusal> {
    Ok(())
}

plugin!(Guest, "guest", |log, to| {
    let greeting: Required<dyn Greeting> = to.require();
    to.sender().guard(&log, move |log, _, _| {
        log.note(greeting.greeting());
        sestina_core::Guarded::Pass
    });
    Ok(())
});
plugin!(Passerby, "passerby", |log, to| {
    let greeting: Optional<dyn Greeting> = to.optional();
    to.sender().guard(&log, move |log, _, _| {
        log.note(greeting.provider().map_or_else(|| "…".to_owned(), Greeting::greeting));
        sestina_core::Guarded::Pass
    });
    Ok(())
});
plugin!(Hen, "hen", |log, to| {
    to.before("egg");
    to.sender().guard(&log, |_, _, _| sestina_core::Guarded::Pass);
    Ok(())
});
plugin!(Egg, "egg", |log, to| {
    to.before("hen");
    to.sender().guard(&log, |_, _, _| sestina_core::Guarded::Pass);
    Ok(())
});

/// What two plugins stand on.
struct Ground;

impl Foundation for Ground {
    const NAME: &'static str = "ground";

    fn install(to: &mut Assembly) -> Result<Arc<Self>, AssemblyError> {
        claim(to)?;
        Ok(Arc::new(Self))
    }
}

fn stand(to: &mut Assembly) -> Result<(), AssemblyError> {
    let ground = to.foundation::<Ground>()?;
    assert!(Arc::ptr_eq(&ground, &to.foundation()?));
    Ok(())
}

plugin!(House, "house", |_, to| stand(to));
plugin!(Tower, "tower", |_, to| stand(to));

#[tokio::test(start_paused = true)]
async fn a_foundation_is_laid_once_and_by_its_own_name() {
    assert!(scene().plugin(House::default()).plugin(Tower::default()).build().await.is_ok());
    assert_eq!(
        says(scene().plugin(First::default()).plugin(House::default())).await,
        "first and ground both handle iq Get of q in urn:example:q for Server: \
         leave one of them out"
    );
    assert_eq!(
        says(scene().plugin(House::default()).plugin(First::default())).await,
        "ground and first both handle iq Get of q in urn:example:q for Server: \
         leave one of them out"
    );
}

plugin!(Sleepy, "sleepy", |log, to| {
    to.on(&log, slept_in);
    Ok(())
});

async fn slept_in(log: &Log, _: &Started, server: &Server) -> Result<(), Refusal> {
    log.note(format!("{} plugins", server.plugins().len()));
    Err(Condition::ServiceUnavailable.into())
}

async fn says(scene: sestina_testkit::Scene) -> String {
    scene.build().await.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn each_error_names_the_plugin_and_the_mend() {
    assert_eq!(
        says(scene().plugin(First::default()).plugin(Second::default())).await,
        "first and second both handle iq Get of q in urn:example:q for Server: \
         leave one of them out"
    );
    assert_eq!(
        says(scene().plugin(Host::default()).plugin(OtherHost::default())).await,
        "host and other-host both handle the service rooms: leave one of them out"
    );
    let twice = says(scene().plugin(Provider::default()).plugin(Rival::default())).await;
    assert!(twice.starts_with("provider and rival both provide dyn "), "{twice}");
    assert!(twice.ends_with("Greeting: leave one of them out"), "{twice}");
    let missing = says(scene().plugin(Guest::default())).await;
    assert!(missing.starts_with("guest needs dyn "), "{missing}");
    assert!(
        missing.ends_with("Greeting: assemble a plugin that provides it, or leave guest out"),
        "{missing}"
    );
    assert_eq!(
        says(scene().plugin(First::default()).plugin(First::default())).await,
        "first is assembled twice: leave one of them out"
    );
    assert_eq!(
        says(scene().plugin(Hen::default()).plugin(Egg::default())).await,
        "hen, egg each want to stand before the next: drop one edge"
    );
    assert_eq!(says(scene().plugin(Picky::default())).await, "picky: rooms must be at least 1");
    let log = Log::default();
    assert_eq!(
        says(scene().plugin(Sleepy(log.clone())).plugin(First::default())).await,
        "sleepy cannot begin: service-unavailable"
    );
    assert_eq!(log.take(), ["2 plugins"]);
    assert_eq!(
        says(scene().settings(|settings| settings.domains.clear())).await,
        "no domain to serve: name at least one"
    );
    let (store, faults) = faulty_store();
    faults.on(Calls::All).fail(ErrorKind::Corrupt);
    let broken = says(scene().store(store)).await;
    assert!(broken.starts_with("the store cannot be used: storage: "), "{broken}");
}

/// Takes an element of streams.
struct Takes(&'static str);

impl Feature for Takes {
    fn advertise(&self, _: &View<'_>) -> Option<Element> {
        None
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("compress", "urn:example:c")]
    }

    fn slot(&self) -> Slot {
        if self.0 == "inline" { Slot::Authentication } else { Slot::Stream }
    }
}

plugin!(Zip, "zip", |_, to| {
    to.stream_feature(Arc::new(Takes("stream")));
    to.stream_feature(Arc::new(Takes("inline")));
    to.mechanism(AnonymousOffer);
    Ok(())
});
plugin!(Zap, "zap", |_, to| {
    to.stream_feature(Arc::new(Takes("stream")));
    Ok(())
});
plugin!(Masks, "masks", |_, to| {
    to.mechanism(AnonymousOffer);
    Ok(())
});
plugin!(Shouting, "shouting", |log, to| to.service("Rooms", &log, quiet));

#[tokio::test(start_paused = true)]
async fn what_streams_offer_and_where_services_are_is_one_plugins_each() {
    assert_eq!(
        says(scene().plugin(Zip::default()).plugin(Zap::default())).await,
        "zip and zap both handle <compress xmlns='urn:example:c'/> at Stream: \
         leave one of them out"
    );
    assert_eq!(
        says(scene().plugin(Zip::default()).plugin(Masks::default())).await,
        "zip and masks both handle the mechanism ANONYMOUS: leave one of them out"
    );
    stage(scene().plugin(Zip::default())).await;
    let rooms = |settings: &mut Settings| {
        settings.domains.push("rooms.capulet.example".parse().unwrap());
    };
    assert_eq!(
        says(scene().plugin(Host::default()).settings(rooms)).await,
        "core and host both handle the domain rooms.capulet.example: leave one of them out"
    );
    assert_eq!(
        says(scene().plugin(Shouting::default())).await,
        "shouting: the label of its service must be a label of a domain in its normal form, \
         not \"Rooms\""
    );
}

#[tokio::test(start_paused = true)]
async fn settings_that_nothing_can_be_served_with_are_named() {
    type Change = fn(&mut Settings);
    let changes: [(Change, &str); 9] = [
        (
            |it| it.domains.push("romeo@capulet.example".parse().unwrap()),
            "domains must be addresses of domains, unlike romeo@capulet.example",
        ),
        (
            |it| it.domains.push(it.domains[0].clone()),
            "domains must be different from each other: capulet.example is there twice",
        ),
        (|it| it.bounds.queue.stanzas = 0, "bounds.queue.stanzas must be at least 1"),
        (|it| it.bounds.queue.bytes = 0, "bounds.queue.bytes must be at least 1"),
        (|it| it.bounds.sessions_per_account = 0, "bounds.sessions_per_account must be at least 1"),
        (|it| it.authentication.attempts = 0, "authentication.attempts must be at least 1"),
        (
            |it| it.authentication.throttle.address.forget = Duration::ZERO,
            "authentication.throttle.address.forget must be more than no time",
        ),
        (
            |it| it.authentication.throttle.account.forget = Duration::ZERO,
            "authentication.throttle.account.forget must be more than no time",
        ),
        (
            |it| it.authentication.throttle.attempt = Duration::ZERO,
            "authentication.throttle.attempt must be more than no time",
        ),
    ];
    for (change, error) in changes {
        assert_eq!(says(scene().settings(change)).await, format!("core: {error}"));
    }
}

#[tokio::test(start_paused = true)]
async fn capabilities_connect_in_any_order() {
    for provider_first in [true, false] {
        let log = Log::default();
        let (guest, passerby) = (Guest(log.clone()), Passerby(log.clone()));
        let scene = if provider_first {
            scene().plugin(Provider::default()).plugin(guest).plugin(passerby)
        } else {
            scene().plugin(guest).plugin(passerby).plugin(Provider::default())
        };
        let stage = stage(scene).await;
        let romeo = stage.attach("romeo@capulet.example/orchard").await;
        crate::cast::send(&romeo, "<message to='juliet@capulet.example'/>").await;
        assert_eq!(log.take(), ["Good morrow", "Good morrow"], "{provider_first}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_optional_capability_may_be_missing() {
    let log = Log::default();
    let stage = stage(scene().plugin(Passerby(log.clone()))).await;
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    crate::cast::send(&romeo, "<message to='juliet@capulet.example'/>").await;
    assert_eq!(log.take(), ["…"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_of_itself_is_what_was_registered() {
    let with = stage(scene().plugin(First::default()).assemble(|to| {
        to.feature(Scope::Account, "urn:example:f");
        Ok(())
    }))
    .await;
    let features = |stage: &sestina_testkit::Stage, scope| -> Vec<String> {
        let described = stage.server().describe(&scope);
        described.into_iter().flat_map(|it| it.features().map(str::to_owned)).collect()
    };
    assert_eq!(features(&with, Scope::Server), ["urn:example:q"]);
    assert_eq!(features(&with, Scope::Account), ["urn:example:f"]);
    let plugins: Vec<_> = with.server().plugins().iter().map(|plugin| plugin.name).collect();
    assert_eq!(plugins, ["first"]);
    let without = stage(scene()).await;
    assert!(features(&without, Scope::Server).is_empty());
    let identity = Identity::new("server", "im");
    let described = without.server().describe(&Scope::Server).unwrap();
    assert_eq!(described.identities().collect::<Vec<_>>(), [&identity]);
}
