//! What the fuzz targets call: the logic stays beside the code it tests.

use crate::{
    BlobId, Key, LogId, OwnedKey, Owner, Record,
    conformance::model::{Change, Expect, Op, SPACES, agree},
    memory, record,
};

/// Reads stored keys and records from bytes that nobody wrote; what can be read is written back.
pub fn records(data: &[u8]) {
    if let Some((owner, _)) = Owner::read(data) {
        let mut written = Vec::new();
        owner.write(&mut written);
        assert!(data.starts_with(&written));
    }
    key::<String>(data);
    key::<(String, u32)>(data);
    key::<((Vec<u8>, u64), BlobId)>(data);
    value::<String>(data);
    value::<Vec<String>>(data);
    value::<Vec<u8>>(data);
    value::<u64>(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<BlobId>().map(|id| assert_eq!(id.to_string(), text.to_lowercase()));
        let _ = text.parse::<LogId>();
    }
}

fn key<K: OwnedKey>(data: &[u8]) {
    if let Some(key) = K::read(data) {
        let mut written = Vec::new();
        Key::write(&key, &mut written);
        assert_eq!(written, data);
    }
}

fn value<V: Record + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Ok(value) = record::decode::<V>(data) {
        let written = record::encode(&value).expect("what was read can be written");
        assert_eq!(record::decode::<V>(&written).expect("what was written can be read"), value);
    }
}

/// Does to the in-memory backend and to ordered maps what the bytes say, and compares.
pub fn model(data: &[u8]) {
    let mut script = Script(data);
    let mut ops = Vec::new();
    while !script.0.is_empty() && ops.len() < 200 {
        ops.push(script.op());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(agree(ops, async |store| {
        // Nothing outlives the closing of a store in memory.
        store.unwrap_or_else(memory)
    }));
}

/// Reads operations off bytes; when they run out, zeros follow.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn op(&mut self) -> Op {
        let space = self.below(SPACES.len() as u8);
        match self.below(9) {
            0 => Op::DropSpace(space),
            1 => Op::Get(space, self.bytes()),
            2 | 3 => Op::Scan {
                space,
                start: self.bytes(),
                end: (self.below(2) == 1).then(|| self.bytes()),
                limit: self.below(16).into(),
                backward: self.below(2) == 1,
            },
            8 => Op::Measure {
                space,
                start: self.bytes(),
                end: (self.below(2) == 1).then(|| self.bytes()),
            },
            _ => Op::Commit {
                space,
                requires: (0..self.below(3)).map(|_| (self.bytes(), self.expect())).collect(),
                writes: (0..self.below(5)).map(|_| self.change()).collect(),
            },
        }
    }

    fn expect(&mut self) -> Expect {
        match self.below(4) {
            0 => Expect::Absent,
            1 => Expect::Other(self.bytes()),
            _ => Expect::Current,
        }
    }

    fn change(&mut self) -> Change {
        let key = self.bytes();
        match self.below(8) {
            0 | 1 => Change::Remove(key),
            2 => Change::RemoveRun(key, (self.below(2) == 1).then(|| self.bytes())),
            _ => Change::Put(key, self.bytes()),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.below(6)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    fn below(&mut self, bound: u8) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first % bound
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_fine_input(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            super::records(&data);
            super::model(&data);
        }
    }
}
