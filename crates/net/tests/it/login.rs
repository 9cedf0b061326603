//! Logging in, talking, leaving.

use sestina_net::Bounds;

use crate::client::Stage;

#[tokio::test]
async fn two_clients_talk() {
    let stage = Stage::new(Bounds::default()).await;
    let (mut juliet, mut romeo) = (stage.login("juliet").await, stage.login("romeo").await);
    romeo
        .send("<message to='juliet@capulet.example/r' type='chat' id='1'><body>Hark &amp; see</body></message>")
        .await;
    assert_eq!(
        juliet.until("</message>").await,
        "<message to='juliet@capulet.example/r' from='romeo@capulet.example/r' id='1' type='chat'>\
         <body>Hark &amp; see</body></message>"
    );
    juliet.send("</stream:stream>").await;
    assert_eq!(juliet.rest().await, "</stream:stream>");
    romeo
        .send("<message to='juliet@capulet.example/r' type='chat' id='2'><body>gone?</body></message>")
        .await;
    let error = romeo.until("</message>").await;
    assert!(error.contains("service-unavailable"), "{error}");
    stage.network.shut_down().await;
    assert!(romeo.rest().await.contains("system-shutdown"));
    assert_eq!(stage.network.server().session_count(), 0);
}
