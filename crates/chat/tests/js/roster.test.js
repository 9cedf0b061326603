import assert from 'node:assert/strict';
import test from 'node:test';

import { Roster } from '../../assets/roster.js';

const juliet = 'juliet@capulet.example';
const romeo = 'romeo@montague.example';
const contact = (more = {}) => ({ address: romeo, name: '', subscription: 'none', asked: false, ...more });
const presence = (more = {}) => ({ from: `${romeo}/orchard`, type: null, show: '', status: '', priority: 0, ...more });

function roster(...items) {
  const roster = new Roster(juliet);
  roster.load(items);
  return roster;
}

test('whoever was asked first is let in, and whoever was not has to wait', () => {
  const subscribe = presence({ from: romeo, type: 'subscribe' });
  for (const wanted of [{ asked: true }, { subscription: 'to' }, { subscription: 'both' }]) {
    const it = roster(contact(wanted));
    assert.equal(it.presence(subscribe), true);
    assert.deepEqual(it.requests, []);
  }
  for (const items of [[], [contact()], [contact({ subscription: 'from' })]]) {
    const it = roster(...items);
    assert.equal(it.presence(subscribe), false);
    assert.deepEqual(it.requests, [romeo]);
    it.answered(romeo);
    assert.deepEqual(it.requests, []);
  }
});

test('a request that is taken back is gone', () => {
  const it = roster();
  it.presence(presence({ from: romeo, type: 'subscribe' }));
  it.presence(presence({ from: romeo, type: 'unsubscribe' }));
  assert.deepEqual(it.requests, []);
});

test('the session that wants messages most says how somebody is there', () => {
  const it = roster(contact({ subscription: 'both' }));
  assert.equal(it.presenceOf(romeo), null);
  it.presence(presence({ show: 'away', priority: -1 }));
  it.presence(presence({ from: `${romeo}/tomb`, show: 'dnd', priority: 5 }));
  assert.equal(it.presenceOf(romeo).show, 'dnd');
  it.presence(presence({ from: `${romeo}/tomb`, type: 'unavailable' }));
  assert.equal(it.presenceOf(romeo).show, 'away');
  it.presence(presence());
  assert.equal(it.presenceOf(romeo).show, 'online');
});

test('a roster that is fetched anew knows nobody\'s presence', () => {
  const it = roster(contact());
  it.presence(presence());
  it.load([contact()]);
  assert.equal(it.presenceOf(romeo), null);
});

test('strangers leave no trace but requests, and of these not too many', () => {
  const it = roster();
  for (let count = 0; count < 200; count += 1) {
    it.presence(presence({ from: `tybalt${count}@capulet.example/x` }));
    it.presence(presence({ from: `tybalt${count}@capulet.example`, type: 'subscribe' }));
  }
  assert.equal(it.presenceOf('tybalt1@capulet.example'), null);
  assert.equal(it.requests.length, 50);
});

test('a contact has only so many sessions', () => {
  const it = roster(contact());
  for (let count = 0; count < 100; count += 1) it.presence(presence({ from: `${romeo}/${count}`, priority: count }));
  assert.equal(it.presenceOf(romeo).priority, 31);
});

test('what is removed is gone', () => {
  const it = roster(contact());
  assert.equal(it.nameOf(romeo), 'romeo');
  it.push(contact({ name: 'Romeo' }));
  assert.equal(it.nameOf(romeo), 'Romeo');
  it.push(contact({ subscription: 'remove' }));
  assert.deepEqual(it.contacts, []);
  assert.equal(it.nameOf(romeo), romeo);
});
