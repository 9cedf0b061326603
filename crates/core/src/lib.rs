#![doc = include_str!("../README.md")]

mod account_source;
mod accounts;
mod address;
mod admission;
mod assembly;
mod attached;
mod beyond;
mod bundle;
mod capability;
mod cards;
mod client_features;
mod clock;
mod command;
mod contacts;
mod contain;
mod directory;
mod disco;
mod element;
mod error;
mod event;
mod gate;
mod glimpse;
mod guests;
mod handler;
mod host;
mod iq;
mod live;
mod mailbox;
mod observe;
mod passage;
mod passwords;
mod pipeline;
mod plan;
mod plugin;
mod port;
mod portable;
mod proof;
mod queue;
mod refusal;
mod secrets;
mod server;
mod service;
mod session;
mod session_iq;
mod settings;
mod stamps;
mod switchboard;
mod tap;
mod transfer;

use std::pin::Pin;

pub use self::{
    account_source::{AccountSource, PasswordCheck},
    accounts::{AccountError, Accounts},
    admission::Admission,
    assembly::{Assembly, Foundation, Joining},
    attached::{Attached, Ended},
    beyond::Beyond,
    bundle::Bundle,
    capability::{Demand, Optional, Required},
    cards::{CardChanged, Cards},
    client_features::{ClientFeatures, ClientFeaturesChanged},
    clock::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy, simulated},
    command::{
        Audience, Call, Caller, Command, CommandError, Draft, FieldValue, Fields, IntoReport,
        Lines, Note, Report, Runs, Secret, Severity, Suggests,
    },
    contacts::{Contact, Contacts, Lookup, Subscription},
    contain::{CaughtLater, Joint, Panicked, caught, caught_later, is_contained},
    directory::Sessions,
    disco::{Described, Identity, Item, Node},
    element::Outgoing,
    error::AssemblyError,
    event::{
        AccountCreated, AccountDisabled, AccountEnabled, AccountImported, AccountRemoved,
        CredentialsChanged, Event, PresenceChanged, SessionBound, SessionClosed, ShuttingDown,
        Started,
    },
    gate::{Gate, LoggedIn, LoginAttempt, takes_passwords},
    guests::{Guests, Stay},
    handler::{Answers, Get, Hears, Origin, Request, Set, Takes},
    host::{Changed, Effect, Host, ReloadError},
    iq::{IqHandler, IqRequest, IqService, Scope, answer},
    live::{BadSetting, Live},
    mailbox::Mailbox,
    observe::{Observer, Seen, Verdict},
    passwords::{NewPassword, PasswordId},
    pipeline::{Amendment, Guarded, Outcome, Planned, Rewritten, Side},
    plan::{Otherwise, Plan},
    plugin::{Installed, Plugin, Series, Spec, Weakness},
    port::{Duplex, Incoming, Serves},
    portable::{Arrival, Portable},
    proof::{Proof, Unproven},
    queue::{Outbound, QueueBounds},
    refusal::Refusal,
    server::{Handling, Server},
    session::Session,
    settings::{Authentication, Bounds, Conflict, Overflow, Rules, Settings},
    stamps::Stamps,
    switchboard::Switchboard,
    tap::{Direction, Glimpse, NotFollowed, Tap},
    transfer::{Export, Import, ImportError, Taken},
};

/// What [`fields!`] needs where it is used.
#[doc(hidden)]
pub mod reexport {
    pub use sestina_stanza::{Field, Submission};
}

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
