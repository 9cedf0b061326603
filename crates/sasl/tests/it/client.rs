//! A SCRAM client that can be made to lie.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sestina_sasl::{Failure, Hash, Success};
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};

use crate::server::{PASSWORD, Server, USER};

/// What the client sends; each part may be false.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) hash: Hash,
    pub(crate) gs2_header: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) binding: Vec<u8>,
    pub(crate) final_nonce: Option<String>,
    pub(crate) extensions: String,
    pub(crate) final_extensions: String,
}

impl Client {
    pub(crate) fn new(hash: Hash) -> Self {
        Self {
            hash,
            gs2_header: "n,,".to_owned(),
            username: USER.to_owned(),
            password: PASSWORD.to_owned(),
            binding: Vec::new(),
            final_nonce: None,
            extensions: String::new(),
            final_extensions: String::new(),
        }
    }

    /// A client that binds the channel.
    pub(crate) fn bound(hash: Hash, name: &str, data: &[u8]) -> Self {
        Self { gs2_header: format!("p={name},,"), binding: data.to_vec(), ..Self::new(hash) }
    }

    /// Logs in, and checks that the server knows the password too.
    pub(crate) fn log_in(&self, server: &Server, mechanism: &str) -> Result<Success, Failure> {
        let mut session = server.start(mechanism);
        let bare = format!("n={},r=client{}", self.username, self.extensions);
        let first = format!("{}{bare}", self.gs2_header);
        let challenge = match session.begin(Some(first.as_bytes())) {
            crate::server::Reply::Over(result) => return result,
            crate::server::Reply::Challenge(data) => String::from_utf8(data).unwrap(),
        };
        let mut fields = challenge.split(',');
        let mut field = |key| fields.next().and_then(|field| field.strip_prefix(key)).unwrap();
        let (nonce, salt, iterations) = (field("r="), field("s="), field("i="));
        assert!(nonce.starts_with("client") && nonce.len() >= "client".len() + 24);

        let bound = BASE64.encode([self.gs2_header.as_bytes(), &self.binding].concat());
        let nonce = self.final_nonce.as_deref().unwrap_or(nonce);
        let without_proof = format!("c={bound},r={nonce}{}", self.final_extensions);
        let signed = format!("{bare},{challenge},{without_proof}");
        let salted = self.salted(&BASE64.decode(salt).unwrap(), iterations.parse().unwrap());
        let client_key = self.mac(&salted, "Client Key");
        let signature = self.mac(&self.digest(&client_key), &signed);
        let proof: Vec<_> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let last = format!("{without_proof},p={}", BASE64.encode(proof));

        let success = session.respond(last.as_bytes()).result()?;
        let verifier = self.mac(&self.mac(&salted, "Server Key"), &signed);
        let expected = format!("v={}", BASE64.encode(verifier));
        assert_eq!(success.data.as_deref(), Some(expected.as_bytes()));
        Ok(success)
    }

    fn salted(&self, salt: &[u8], iterations: u32) -> Vec<u8> {
        let password = self.password.as_bytes();
        let mut salted = vec![0; self.hash.digest_len()];
        match self.hash {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut salted),
            Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted),
            _ => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut salted),
        }
        salted
    }

    fn mac(&self, key: &[u8], text: &str) -> Vec<u8> {
        match self.hash {
            Hash::Sha1 => mac(Hmac::<Sha1>::new_from_slice(key).unwrap(), text),
            Hash::Sha256 => mac(Hmac::<Sha256>::new_from_slice(key).unwrap(), text),
            _ => mac(Hmac::<Sha512>::new_from_slice(key).unwrap(), text),
        }
    }

    fn digest(&self, data: &[u8]) -> Vec<u8> {
        match self.hash {
            Hash::Sha1 => Sha1::digest(data).to_vec(),
            Hash::Sha256 => Sha256::digest(data).to_vec(),
            _ => Sha512::digest(data).to_vec(),
        }
    }
}

fn mac(mut mac: impl Mac, text: &str) -> Vec<u8> {
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
