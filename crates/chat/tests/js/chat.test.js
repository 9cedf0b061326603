import assert from 'node:assert/strict';
import test from 'node:test';

import { Chats } from '../../assets/chat.js';

const romeo = 'romeo@montague.example';
const nobody = () => false;
const facts = (body, more = {}) => ({ with: romeo, mine: false, id: 'a-long-enough-id', body, sent: null, ...more });

test('a message is shown once, however often it is sent', () => {
  const chats = new Chats();
  assert.ok(chats.received(facts('hi'), nobody));
  assert.equal(chats.received(facts('hi'), nobody), null);
  assert.equal(chats.with(romeo).messages.length, 1);
  assert.equal(chats.unread, 1);
});

test('what only looks the same is another message', () => {
  const chats = new Chats();
  const others = [
    facts('hi'),
    facts('hi', { id: 'another-long-id' }),
    facts('ho'),
    facts('hi', { mine: true }),
    facts('hi', { with: 'tybalt@capulet.example' }),
    // Ids that clients count, and none at all.
    facts('hi', { id: '1' }), facts('hi', { id: '1' }),
    facts('hi', { id: null }), facts('hi', { id: null }),
  ];
  for (const it of others) assert.ok(chats.received(it, nobody), JSON.stringify(it));
  assert.equal(chats.with(romeo).messages.length, 8);
});

test('a message that waited has the time at which it was sent', () => {
  const chats = new Chats();
  const sent = new Date('2026-02-14T08:00:00Z');
  assert.equal(chats.received(facts('hi', { sent }), nobody).sent, sent);
});

test('what one said oneself, elsewhere, is not unread', () => {
  const chats = new Chats();
  chats.received(facts('hi', { mine: true }), nobody);
  assert.equal(chats.unread, 0);
});

test('what was written without a connection waits, in its order', () => {
  const chats = new Chats();
  chats.compose(romeo, 'second-message', 'b', new Date(2));
  chats.compose('nurse@capulet.example', 'first-message', 'a', new Date(1));
  const sent = chats.compose(romeo, 'third-message', 'c', new Date(3));
  sent.state = 'sent';
  assert.deepEqual(chats.waiting.map((it) => it.message.body), ['a', 'b']);
  assert.equal(chats.isUnfinished, true);
  for (const { message } of chats.waiting) message.state = 'sent';
  assert.equal(chats.isUnfinished, false);
});

test('an error finds its message, and nobody else\'s', () => {
  const chats = new Chats();
  const message = chats.compose(romeo, 'the-id', 'hi');
  chats.received(facts('hi', { id: 'their-own-id' }), nobody);
  assert.equal(chats.failed('tybalt@capulet.example', 'the-id', 'no'), null);
  assert.equal(chats.failed(romeo, 'their-own-id', 'no'), null);
  assert.equal(chats.failed(romeo, null, 'no'), null);
  assert.equal(chats.failed(romeo, 'the-id', 'no'), message);
  assert.deepEqual([message.state, message.why], ['failed', 'no']);
});

test('a conversation is as long as it may be', () => {
  const chats = new Chats();
  for (let count = 0; count < 1001; count += 1) chats.received(facts(`${count}`), nobody);
  const { messages } = chats.with(romeo);
  assert.equal(messages.length, 1000);
  assert.equal(messages[0].body, '1');
});

test('strangers displace strangers, and no contact', () => {
  const chats = new Chats();
  const isContact = (address) => address === romeo;
  const at = (seconds) => new Date(seconds * 1000);
  chats.received(facts('hi'), isContact, at(0));
  for (let count = 1; count <= 101; count += 1) {
    chats.received(facts('buy', { with: `tybalt${count}@capulet.example` }), isContact, at(count));
  }
  assert.equal(chats.all.length, 101);
  assert.ok(chats.find(romeo));
  assert.equal(chats.find('tybalt1@capulet.example'), null);
  assert.ok(chats.find('tybalt101@capulet.example'));
});
