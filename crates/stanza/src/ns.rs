//! Every namespace the crates and plugins speak, once.

/// Stanzas on a client's stream (RFC 6120 §4.8.2).
pub const CLIENT: &str = "jabber:client";
/// Stanzas between servers (RFC 6120 §4.8.2).
pub const SERVER: &str = "jabber:server";
/// Stanzas of an external component (XEP-0114 §3).
pub const COMPONENT_ACCEPT: &str = "jabber:component:accept";
/// The stream's own elements (RFC 6120 §4.8.1).
pub const STREAM: &str = "http://etherx.jabber.org/streams";
/// Framing over WebSocket (RFC 7395 §3.3.2).
pub const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
/// Stanza error conditions (RFC 6120 §8.3.2).
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// Stream error conditions (RFC 6120 §4.9.2).
pub const STREAMS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// Upgrade to TLS (RFC 6120 §5.4).
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// Authentication (RFC 6120 §6.4).
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// Resource binding (RFC 6120 §7.4).
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// The session request of clients written for RFC 3921 §3.
pub const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";
/// The reserved namespace of the `xml` prefix.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The reserved namespace of the `xmlns` prefix.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The roster (RFC 6121 §2).
pub const ROSTER: &str = "jabber:iq:roster";
/// Roster versioning as a stream feature (RFC 6121 §2.6.1).
pub const ROSTER_VERSIONS: &str = "urn:xmpp:features:rosterver";
/// Pre-approved subscriptions as a stream feature (RFC 6121 §3.4).
pub const PRE_APPROVAL: &str = "urn:xmpp:features:pre-approval";

/// Accounts of servers that move (XEP-0227).
pub const PIE: &str = "urn:xmpp:pie:0";
/// What their passwords are checked with (XEP-0227 §4.3).
pub const PIE_SCRAM: &str = "urn:xmpp:pie:0#scram";

/// Data forms (XEP-0004).
pub const DATA_FORM: &str = "jabber:x:data";
/// Datatypes of form fields (XEP-0122).
pub const DATA_VALIDATE: &str = "http://jabber.org/protocol/xdata-validate";
/// Last activity (XEP-0012).
pub const LAST: &str = "jabber:iq:last";
/// Privacy lists (XEP-0016).
pub const PRIVACY: &str = "jabber:iq:privacy";
/// Information of service discovery (XEP-0030).
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// Items of service discovery (XEP-0030).
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// Stanza forwarding to many addresses (XEP-0033).
pub const ADDRESS: &str = "http://jabber.org/protocol/address";
/// Multi-user chat (XEP-0045).
pub const MUC: &str = "http://jabber.org/protocol/muc";
/// What a room tells its occupants (XEP-0045).
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
/// Private XML storage (XEP-0049).
pub const PRIVATE: &str = "jabber:iq:private";
/// Ad-hoc commands (XEP-0050).
pub const COMMANDS: &str = "http://jabber.org/protocol/commands";
/// vCards (XEP-0054).
pub const VCARD: &str = "vcard-temp";
/// Result sets (XEP-0059).
pub const RSM: &str = "http://jabber.org/protocol/rsm";
/// Publishing and subscribing (XEP-0060).
pub const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
/// What happened at a node (XEP-0060).
pub const PUBSUB_EVENT: &str = "http://jabber.org/protocol/pubsub#event";
/// Conditions of publishing and subscribing (XEP-0060).
pub const PUBSUB_ERRORS: &str = "http://jabber.org/protocol/pubsub#errors";
/// Authentication of clients older than SASL (XEP-0078).
pub const AUTH: &str = "jabber:iq:auth";
/// Records of [`AUTH`] by hashes that are shown once, as old servers kept them.
pub const AUTH_ZEROK: &str = "jabber:iq:auth:0k";
/// [`AUTH`] as a stream feature (XEP-0078 §3).
pub const AUTH_FEATURE: &str = "http://jabber.org/features/iq-auth";
/// In-band registration (XEP-0077).
pub const REGISTER: &str = "jabber:iq:register";
/// [`REGISTER`] as a stream feature (XEP-0077 §8).
pub const REGISTER_FEATURE: &str = "http://jabber.org/features/iq-register";
/// Delivery rules (XEP-0079).
pub const AMP: &str = "http://jabber.org/protocol/amp";
/// Chat states (XEP-0085).
pub const CHAT_STATES: &str = "http://jabber.org/protocol/chatstates";
/// Errors of [`AMP`] (XEP-0079 §7).
pub const AMP_ERRORS: &str = "http://jabber.org/protocol/amp#errors";
/// [`AMP`] as a stream feature (XEP-0079 §8).
pub const AMP_FEATURE: &str = "http://jabber.org/features/amp";
/// Software version (XEP-0092).
pub const VERSION: &str = "jabber:iq:version";
/// Stamps of delayed delivery before XEP-0203 (XEP-0091).
pub const LEGACY_DELAY: &str = "jabber:x:delay";
/// Entity capabilities (XEP-0115).
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// Stream compression (XEP-0138).
pub const COMPRESS: &str = "http://jabber.org/protocol/compress";
/// [`COMPRESS`] as a stream feature (XEP-0138 §3).
pub const COMPRESS_FEATURE: &str = "http://jabber.org/features/compress";
/// Hash of the vCard's photo in presence (XEP-0153).
pub const VCARD_UPDATE: &str = "vcard-temp:x:update";
/// What a server says of itself and those who run it (XEP-0128, XEP-0157).
pub const SERVER_INFO: &str = "http://jabber.org/network/serverinfo";
/// Delivery receipts (XEP-0184).
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// Blocking (XEP-0191).
pub const BLOCKING: &str = "urn:xmpp:blocking";
/// Conditions of blocking (XEP-0191 §3.7).
pub const BLOCKING_ERRORS: &str = "urn:xmpp:blocking:errors";
/// Stream management (XEP-0198).
pub const STREAM_MANAGEMENT: &str = "urn:xmpp:sm:3";
/// Ping (XEP-0199).
pub const PING: &str = "urn:xmpp:ping";
/// Entity time (XEP-0202).
pub const TIME: &str = "urn:xmpp:time";
/// Stamps of delayed delivery (XEP-0203).
pub const DELAY: &str = "urn:xmpp:delay";
/// Which software an entity is (XEP-0232).
pub const SOFTWARE_INFO: &str = "urn:xmpp:dataforms:softwareinfo";
/// Invitations from person to person (XEP-0249).
pub const CONFERENCE: &str = "jabber:x:conference";
/// Carbon copies (XEP-0280).
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// A stanza inside another (XEP-0297).
pub const FORWARD: &str = "urn:xmpp:forward:0";
/// The message archive (XEP-0313).
pub const ARCHIVE: &str = "urn:xmpp:mam:2";
/// Chat markers (XEP-0333).
pub const CHAT_MARKERS: &str = "urn:xmpp:chat-markers:0";
/// Hints for who stores and copies (XEP-0334).
pub const HINTS: &str = "urn:xmpp:hints";
/// Client state (XEP-0352).
pub const CLIENT_STATE: &str = "urn:xmpp:csi:0";
/// Push notifications (XEP-0357).
pub const PUSH: &str = "urn:xmpp:push:0";
/// Stanza ids given by servers (XEP-0359).
pub const STANZA_IDS: &str = "urn:xmpp:sid:0";
/// Authentication in one round trip (XEP-0388).
pub const SASL2: &str = "urn:xmpp:sasl:2";
/// Binding inside authentication (XEP-0386).
pub const BIND2: &str = "urn:xmpp:bind:0";
/// Which channel bindings a server can do (XEP-0440).
pub const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
/// Tokens for the next authentication (XEP-0484).
pub const FAST: &str = "urn:xmpp:fast:0";
