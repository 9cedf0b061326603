import assert from 'node:assert/strict';
import test from 'node:test';

import { bare, local, resource, typed } from '../../assets/address.js';
import { pause } from '../../assets/session.js';
import { write, x } from '../../assets/xml.js';

test('an address has its parts', () => {
  assert.equal(bare('juliet@capulet.example/a/b@c'), 'juliet@capulet.example');
  assert.equal(resource('juliet@capulet.example/a/b@c'), 'a/b@c');
  assert.equal(local('juliet@capulet.example/balcony'), 'juliet');
  assert.equal(resource('juliet@capulet.example'), '');
});

test('what is typed becomes an address, or nothing', () => {
  assert.equal(typed(' Juliet ', 'capulet.example'), 'juliet@capulet.example');
  assert.equal(typed('xmpp:romeo@montague.example', 'capulet.example'), 'romeo@montague.example');
  for (const wrong of ['', '@', 'a b', '@capulet.example', 'a@', 'a@b@c', 'a/b', '<a>', 'a"b']) {
    assert.equal(typed(wrong, 'capulet.example'), null, wrong);
  }
});

test('what is written cannot be more than it is', () => {
  const nasty = `</body><x a="b">&amp;'`;
  assert.equal(
    write(x('body', { lang: nasty, none: null }, nasty, null)),
    `<body lang="&lt;/body&gt;&lt;x a=&quot;b&quot;&gt;&amp;amp;'">`
      + `&lt;/body&gt;&lt;x a=&quot;b&quot;&gt;&amp;amp;'</body>`,
  );
  assert.equal(write(x('a', {}, x('b'), 1)), '<a><b/>1</a>');
});

test('what XML cannot contain is replaced, and the rest is kept', () => {
  assert.equal(write(x('a', {}, 'a\u0000b\u001b\uD800c\uFFFFd')), '<a>a\uFFFDb\uFFFD\uFFFDc\uFFFDd</a>');
  assert.equal(write(x('a', {}, '\t\nä😀\u{10FFFF}\r')), '<a>\t\nä😀\u{10FFFF}&#13;</a>');
});

test('attempts come ever more rarely, up to a minute, and not all at once', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 50].map((attempt) => pause(attempt, () => 1));
  assert.deepEqual(longest, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
  assert.equal(pause(0, () => 0), 500);
});
