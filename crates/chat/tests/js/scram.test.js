import assert from 'node:assert/strict';
import test from 'node:test';

import { Scram, secretOf } from '../../assets/scram.js';

const encode = (text) => Buffer.from(text).toString('base64');
const decode = (text) => Buffer.from(text, 'base64').toString();

// RFC 7677 §3 and RFC 5802 §5: what both sides say for these nonces and this password.
const known = [
  {
    mechanism: 'SCRAM-SHA-256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
  {
    mechanism: 'SCRAM-SHA-1',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    challenge: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
];

for (const { mechanism, nonce, challenge, proof, signature } of known) {
  test(`${mechanism} says what its RFC says`, async () => {
    const scram = new Scram(mechanism, 'user', await secretOf('pencil'), nonce);
    assert.equal(decode(scram.begin()), `n,,n=user,r=${nonce}`);
    const answer = decode(await scram.answer(encode(challenge)));
    assert.match(answer, /^c=biws,r=/);
    assert.equal(answer.split(',p=')[1], proof);
    assert.equal(scram.isServer(encode(`v=${signature}`)), true);
    assert.equal(scram.isServer(encode(`v=${proof}`)), false);
  });
}

test('a server that has proved nothing is not the server', async () => {
  const scram = new Scram('SCRAM-SHA-256', 'juliet', await secretOf('r0m30'));
  assert.equal(scram.isServer(encode('v=undefined')), false);
  assert.equal(scram.isServer(encode('x')), false);
});

test('a challenge that is none is refused', async () => {
  const challenges = [
    'r=ours,s=c2FsdA==,i=4096', // nothing of the server's own
    'r=others,s=c2FsdA==,i=4096', // somebody else's
    'r=ours+more,i=4096',
    'r=ours+more,s=c2FsdA==',
    'r=ours+more,s=c2FsdA==,i=1', // a password at a bargain
    'r=ours+more,s=c2FsdA==,i=99999999', // a browser that hangs
    'r=ours+more,s=c2FsdA==,i=x',
    '',
  ];
  for (const challenge of challenges) {
    const scram = new Scram('SCRAM-SHA-256', 'juliet', await secretOf('r0m30'), 'ours');
    await assert.rejects(() => scram.answer(encode(challenge)), challenge);
  }
});

test('names are written so that they stay one field', async () => {
  const scram = new Scram('SCRAM-SHA-256', 'a=b,c', await secretOf('x'), 'n');
  assert.equal(decode(scram.begin()), 'n,,n=a=3Db=2Cc,r=n');
});

test('a secret cannot be read again', async () => {
  const secret = await secretOf('r0m30');
  assert.equal(secret.extractable, false);
  await assert.rejects(() => crypto.subtle.exportKey('raw', secret));
});
