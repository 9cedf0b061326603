//! Asking about names: one question, one answer, within bounds (RFC 1035, RFC 2782).

use std::{
    fs,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use sestina::core::{Entropy, SystemEntropy};

/// How long one of them has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often each is asked.
const TRIES: usize = 2;

/// Resolvers that are asked in turn, at most.
const MOST: usize = 3;

/// The largest answer by UDP, which is what we say that we take.
const DATAGRAM: u16 = 1232;

/// Records of an answer that are looked at.
const RECORDS: u16 = 64;

/// Whom to ask.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(Vec<SocketAddr>);

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    A = 1,
    Aaaa = 28,
    Srv = 33,
}

/// Something that is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Address(IpAddr),
    /// The name is another's.
    Alias,
    Service {
        target: String,
        port: u16,
    },
}

impl Resolver {
    pub(crate) fn new(resolvers: Vec<SocketAddr>) -> Self {
        Self(resolvers)
    }

    /// Those of `/etc/resolv.conf`.
    pub(crate) fn of_this_machine() -> Self {
        let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Self(configured(&text))
    }

    /// What is known of a name; nothing where there is none.
    ///
    /// # Errors
    ///
    /// When nobody could be asked, or nobody knows.
    pub(crate) fn ask(&self, name: &str, kind: Type) -> io::Result<Vec<Record>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no resolver is configured");
        for _ in 0..TRIES {
            for resolver in self.0.iter().take(MOST) {
                match exchange(*resolver, name, kind) {
                    Ok(records) => return Ok(records),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }
}

fn configured(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = named.filter_map(|rest| rest.trim().parse::<IpAddr>().ok());
    addresses.map(|address| SocketAddr::new(address, 53)).collect()
}

fn exchange(resolver: SocketAddr, name: &str, kind: Type) -> io::Result<Vec<Record>> {
    let mut id = [0; 2];
    SystemEntropy.fill(&mut id);
    let query = query(id, name, kind)?;
    let any: IpAddr = match resolver {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // Only this resolver is heard from here on.
    socket.connect(resolver)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&query)?;
    let mut answer = [0; DATAGRAM as usize];
    let length = socket.recv(&mut answer)?;
    let answer = answer.get(..length).unwrap_or_default();
    match read(answer, &query)? {
        Some(records) => Ok(records),
        None => read(&by_tcp(resolver, &query)?, &query)?
            .ok_or_else(|| odd("an answer that is cut off by TCP as well")),
    }
}

fn by_tcp(resolver: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect_timeout(&resolver, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let length = u16::try_from(query.len()).map_err(|_| odd("a name that is too long"))?;
    socket.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    socket.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    socket.read_exact(&mut answer)?;
    Ok(answer)
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn query(id: [u8; 2], name: &str, kind: Type) -> io::Result<Vec<u8>> {
    let mut query = Vec::from(id);
    // Recursion is desired; one question, one additional record.
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length));
        query.push(length.ok_or_else(|| odd("this is no name of a domain"))?);
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, kind as u8, 0, 1]);
    // RFC 6891: answers may be longer than 512 bytes.
    let [high, low] = DATAGRAM.to_be_bytes();
    query.extend([0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
    Ok(query)
}

/// The records of an answer, or none where it was cut off.
fn read(answer: &[u8], query: &[u8]) -> io::Result<Option<Vec<Record>>> {
    let mut at = Reading { message: answer, at: 0 };
    let id = at.take(2)?;
    let flags = at.number()?;
    let [questions, answers] = [at.number()?, at.number()?];
    at.take(4)?;
    if Some(id) != query.get(..2) || flags & 0x8000 == 0 || questions != 1 {
        return Err(odd("an answer to another question"));
    }
    let question = at.name()?;
    let asked = Reading { message: query, at: 12 }.name()?;
    let kind = at.take(4)?.to_vec();
    if !question.eq_ignore_ascii_case(&asked) {
        return Err(odd("an answer to another question"));
    }
    match flags & 0xf {
        0 => {}
        // There is no such name.
        3 => return Ok(Some(Vec::new())),
        code => return Err(odd(&format!("the resolver does not know (code {code})"))),
    }
    if flags & 0x200 != 0 {
        return Ok(None);
    }
    let mut records = Vec::new();
    for _ in 0..answers.min(RECORDS) {
        let owner = at.name()?;
        let its_kind = at.number()?;
        at.take(6)?;
        let length = usize::from(at.number()?);
        let end = at.at + length;
        match its_kind {
            1 => {
                let octets: [u8; 4] = at.take(4)?.try_into().map_err(|_| odd("an odd address"))?;
                records.push(Record::Address(Ipv4Addr::from(octets).into()));
            }
            28 => {
                let octets: [u8; 16] =
                    at.take(16)?.try_into().map_err(|_| odd("an odd address"))?;
                records.push(Record::Address(Ipv6Addr::from(octets).into()));
            }
            5 if owner.eq_ignore_ascii_case(&asked) => records.push(Record::Alias),
            33 if kind.get(1) == Some(&33) => {
                at.take(4)?;
                let port = at.number()?;
                records.push(Record::Service { target: at.name()?, port });
            }
            _ => {}
        }
        at.at = end;
    }
    Ok(Some(records))
}

/// Where an answer is read.
struct Reading<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reading<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let end = self.at + count;
        let taken =
            self.message.get(self.at..end).ok_or_else(|| odd("an answer that ends early"))?;
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self) -> io::Result<u16> {
        let taken = self.take(2)?;
        Ok(taken.iter().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    /// A name, whose end may stand further ahead (RFC 1035 §4.1.4).
    fn name(&mut self) -> io::Result<String> {
        let mut name = String::new();
        let mut after = None;
        // A name has fewer labels than this, with or without jumps.
        for _ in 0..256 {
            let length = self.take(1)?.first().copied().unwrap_or_default();
            match length {
                0 => {
                    self.at = after.unwrap_or(self.at);
                    return Ok(name);
                }
                1..=63 => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(&String::from_utf8_lossy(self.take(length.into())?));
                }
                192.. => {
                    let low = self.take(1)?.first().copied().unwrap_or_default();
                    after.get_or_insert(self.at);
                    self.at = usize::from(length & 63) << 8 | usize::from(low);
                }
                _ => break,
            }
        }
        Err(odd("a name that does not end"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// What a name is said to be: its type, and the data of its records.
    pub(crate) type Zone = Vec<(&'static str, Type, Vec<u8>)>;

    /// Data of a record for a service.
    pub(crate) fn service(target: &str, port: u16) -> Vec<u8> {
        let mut data = vec![0, 5, 0, 5];
        data.extend(port.to_be_bytes());
        for label in target.split('.').filter(|label| !label.is_empty()) {
            data.push(u8::try_from(label.len()).unwrap());
            data.extend(label.as_bytes());
        }
        data.push(0);
        data
    }

    fn reply(query: &[u8], zone: &Zone, cut: bool) -> Vec<u8> {
        let mut reading = Reading { message: query, at: 12 };
        let name = reading.name().unwrap();
        let kind = reading.number().unwrap();
        let question = &query[12..reading.at + 2];
        let known: Vec<_> =
            zone.iter().filter(|(it, of, _)| *it == name && *of as u16 == kind).collect();
        let exists = zone.iter().any(|(it, ..)| *it == name);
        let mut reply = query[..2].to_vec();
        let answers = if cut { 0 } else { u8::try_from(known.len()).unwrap() };
        reply.extend([0x81 | u8::from(cut) << 1, if exists { 0x80 } else { 0x83 }]);
        reply.extend([0, 1, 0, answers, 0, 0, 0, 0]);
        reply.extend(question);
        for (_, kind, data) in known.iter().take(answers.into()) {
            // The name stands where the question has it.
            reply.extend([192, 12, 0, *kind as u8, 0, 1, 0, 0, 0, 60]);
            reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            reply.extend(data);
        }
        reply
    }

    /// Somebody who knows a few names; by UDP as much as fits is nothing if it is to be cut.
    pub(crate) fn resolver(zone: Zone, cut: bool) -> Resolver {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        let known = zone.clone();
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = udp.recv_from(&mut query) {
                let _gone = udp.send_to(&reply(&query[..length], &known, cut), from);
            }
        });
        thread::spawn(move || {
            for mut socket in tcp.incoming().map_while(Result::ok) {
                let mut length = [0; 2];
                socket.read_exact(&mut length).unwrap();
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                socket.read_exact(&mut query).unwrap();
                let reply = reply(&query, &zone, false);
                let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                socket.write_all(&[&length, &*reply].concat()).unwrap();
            }
        });
        Resolver::new(vec![address])
    }

    #[test]
    fn names_are_asked_for_by_udp_and_where_that_is_short_by_tcp() {
        for cut in [false, true] {
            let resolver = resolver(
                vec![
                    ("capulet.example", Type::A, vec![192, 0, 2, 1]),
                    ("_a.capulet.example", Type::Srv, service("xmpp.capulet.example", 5222)),
                    ("_a.capulet.example", Type::Srv, service(".", 0)),
                ],
                cut,
            );
            let address = Record::Address("192.0.2.1".parse().unwrap());
            assert_eq!(resolver.ask("capulet.example", Type::A).unwrap(), [address]);
            let (target, nobody) = ("xmpp.capulet.example".to_owned(), String::new());
            assert_eq!(
                resolver.ask("_a.capulet.example", Type::Srv).unwrap(),
                [
                    Record::Service { target, port: 5222 },
                    Record::Service { target: nobody, port: 0 }
                ]
            );
            assert_eq!(resolver.ask("capulet.example", Type::Aaaa).unwrap(), []);
            assert_eq!(resolver.ask("nobody.example", Type::A).unwrap(), []);
            assert!(resolver.ask("a..example", Type::A).is_err());
        }
    }

    #[test]
    fn nonsense_is_an_error_and_ends() {
        let query = query([1, 2], "a.example", Type::Srv).unwrap();
        let good = reply(&query, &vec![("a.example", Type::Srv, service("b.example", 1))], false);
        assert_eq!(read(&good, &query).unwrap().unwrap().len(), 1);
        for length in 0..good.len() {
            assert!(read(&good[..length], &query).is_err(), "{length}");
        }
        for at in 0..good.len() {
            for byte in [0, 1, 63, 64, 192, 255] {
                let mut bad = good.clone();
                bad[at] = byte;
                // Whatever it says, it says so soon.
                let _said = read(&bad, &query);
            }
        }
        // A name that points at itself.
        let mut round = good;
        let at = 12 + 11 + 4;
        round[at] = 192;
        round[at + 1] = u8::try_from(at).unwrap();
        assert!(read(&round, &query).is_err());
    }

    #[test]
    fn resolvers_are_those_of_the_machine() {
        let text =
            "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.53\n nameserver ::1\n";
        let expected: Vec<SocketAddr> =
            vec!["192.0.2.53:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        assert_eq!(configured(text), expected);
        assert!(Resolver::new(Vec::new()).ask("a.example", Type::A).is_err());
    }
}
