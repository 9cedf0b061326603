#![doc = include_str!("../README.md")]

#[cfg(feature = "sasl-adapter")]
mod adapter;
mod anonymous;
mod base64;
mod channel;
mod credentials;
mod exchange;
mod external;
mod failure;
mod family;
mod hash;
mod mechanism;
mod mechanisms;
mod plain;
mod prepare;
mod recipe;
mod scram;
mod secret;
mod throttle;
mod token;

#[doc(hidden)]
pub mod fuzzing;

#[cfg(feature = "sasl-adapter")]
pub use crate::adapter::{ForeignMechanism, ForeignOffer};
pub use crate::anonymous::AnonymousOffer;
pub use crate::base64::{decode_base64, decode_initial_response, encode_base64};
pub use crate::channel::{BindingType, Channel, ChannelBindings, Protection};
pub use crate::credentials::{Credentials, ScramVerifier, VerifierError};
pub use crate::exchange::{Exchange, MAX_MESSAGE};
pub use crate::external::ExternalOffer;
pub use crate::failure::Failure;
pub use crate::family::SecretFamily;
pub use crate::hash::Hash;
pub use crate::mechanism::{
    Account, Answer, Identity, Mechanism, Query, Secret, Standing, Step, Success, Work, Worked,
};
pub use crate::mechanisms::{Clear, Mechanisms, Offer, Policy, Start};
pub use crate::plain::PlainOffer;
pub use crate::prepare::{
    MAX_PASSWORD, MAX_USERNAME, PasswordError, UsernameError, prepare_password, prepare_username,
};
pub use crate::recipe::{DEFAULT_ITERATIONS, MAX_ITERATIONS, MIN_ITERATIONS, Recipe, RecipeError};
pub use crate::scram::ScramOffer;
pub use crate::secret::ServerSecret;
pub use crate::throttle::{Attempt, Limits, Outcome, Throttle, ThrottleSettings, Throttled};
pub use crate::token::{MAX_TOKENS, TokenId, TokenRecord, Tokens};
