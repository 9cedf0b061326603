//! A client of a few lines that speaks DIGEST-MD5.

use md5::{Digest, Md5};
use sestina_sasl::{decode_base64, encode_base64};
use sestina_stanza::ns;
use sestina_testkit::{Client, Stage};
use sestina_xml::Element;

/// What a client says, each of which a test may change.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) username: Vec<u8>,
    pub(crate) password: Vec<u8>,
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) nc: u32,
    pub(crate) uri: String,
    pub(crate) authzid: Option<String>,
    /// What is written besides.
    pub(crate) more: String,
}

impl Said {
    pub(crate) fn new(username: &str, password: &str, nonce: &str) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            realm: "capulet.example".into(),
            nonce: nonce.into(),
            nc: 1,
            uri: "xmpp/capulet.example".into(),
            authzid: None,
            more: ",charset=utf-8".into(),
        }
    }

    fn digest(&self, done: &str) -> String {
        let Self { username, password, realm, nonce, nc, uri, authzid, .. } = self;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let known = [username, realm.as_bytes(), password].join(&b":"[..]);
        let mut session = Md5::digest(known).to_vec();
        session.extend(format!(":{nonce}:c0ffee").bytes());
        session.extend(authzid.iter().flat_map(|authzid| format!(":{authzid}").into_bytes()));
        let (session, done) =
            (hex(&Md5::digest(session)), hex(&Md5::digest(format!("{done}{uri}"))));
        hex(&Md5::digest(format!("{session}:{nonce}:{nc:08x}:c0ffee:auth:{done}")))
    }

    /// What is sent.
    pub(crate) fn message(&self) -> Vec<u8> {
        let Self { username, realm, nonce, nc, uri, authzid, more, .. } = self;
        let mut message = b"username=\"".to_vec();
        message.extend(username);
        let response = self.digest("AUTHENTICATE:");
        let authzid = authzid.iter().map(|it| format!(",authzid=\"{it}\"")).collect::<String>();
        message.extend(
            format!(
                "\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"c0ffee\",nc={nc:08x},qop=auth,\
                 digest-uri=\"{uri}\",response={response}{authzid}{more}"
            )
            .bytes(),
        );
        message
    }

    /// What the server has to prove.
    pub(crate) fn proof(&self) -> String {
        format!("rspauth={}", self.digest(":"))
    }
}

/// A stream in the middle of an authentication.
pub(crate) struct Login(pub(crate) Client);

impl Login {
    pub(crate) async fn open(stage: &Stage) -> Self {
        let mut client = stage.connect();
        client.open().await;
        Self(client)
    }

    /// Begins, with or without something to say.
    pub(crate) async fn begin(&mut self, initial: Option<&[u8]>) -> String {
        let said = initial.map(encode_base64).unwrap_or_default();
        let sasl = ns::SASL;
        self.ask(format!("<auth xmlns='{sasl}' mechanism='DIGEST-MD5'>{said}</auth>")).await
    }

    pub(crate) async fn respond(&mut self, message: impl AsRef<[u8]>) -> String {
        let message = message.as_ref();
        let said = if message.is_empty() { String::new() } else { encode_base64(message) };
        self.ask(format!("<response xmlns='{}'>{said}</response>", ns::SASL)).await
    }

    async fn ask(&mut self, xml: String) -> String {
        self.0.send(xml).await;
        told(&self.0.receive().await)
    }

    /// Is challenged, and answers by what the test makes of a right answer.
    pub(crate) async fn answer(&mut self, said: impl FnOnce(&str) -> Said) -> (String, Said) {
        let challenge = self.begin(None).await;
        let said = said(&nonce(&challenge));
        (self.respond(said.message()).await, said)
    }
}

/// `challenge …`, `success …`, or a condition.
fn told(answer: &Element) -> String {
    match answer.name() {
        "failure" => answer.first_child().unwrap().name().to_owned(),
        name => {
            let data = match &*answer.text() {
                "" => Vec::new(),
                text => decode_base64(text).unwrap(),
            };
            format!("{name} {}", String::from_utf8(data).unwrap()).trim().to_owned()
        }
    }
}

pub(crate) fn nonce(challenge: &str) -> String {
    challenge.split('"').nth(3).unwrap().to_owned()
}

/// Logs in as far as can be: what was told last, and the nonce.
pub(crate) async fn login(stage: &Stage, username: &str, password: &str) -> (String, String) {
    let mut login = Login::open(stage).await;
    let (told, said) = login.answer(|nonce| Said::new(username, password, nonce)).await;
    if told != format!("challenge {}", said.proof()) {
        return (told, said.nonce);
    }
    (login.respond("").await, said.nonce)
}
