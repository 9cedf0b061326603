// People at the page under /chat, in Debian's chromium: on a desk, and on a phone of 360 pixels.
//
// What a browser complains about, a policy that was broken or an exception, fails the run, and so does
// what axe finds. Screenshots are for looking at.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

import { chromium } from "playwright-core";

const { XMPP_CHAT, XMPP_DOMAIN, XMPP_PASSWORD, XMPP_SCREENSHOTS, XMPP_USERS } = process.env;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What tends to be taken for something else than text.
const MARKUP = `<img src=x onerror="document.title='taken'"> & <b>bold</b>`;

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 640 };
// A name of this machine that browsers do not know to be this machine.
const ELSEWHERE = "capulet.example";
const PATIENCE = 8_000;

/** What browsers complained about. */
const complaints = [];

if (XMPP_SCREENSHOTS) mkdirSync(XMPP_SCREENSHOTS, { recursive: true });

/** Somebody in front of a browser of their own. */
class Person {
  static async arrive(browser, name, password, { viewport = DESK, colorScheme = "light" } = {}) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    context.setDefaultTimeout(PATIENCE);
    const person = new Person();
    Object.assign(person, { name, password, context, sockets: new Map(), address: `${name}@${XMPP_DOMAIN}` });
    person.page = await person.tab();
    return person;
  }

  /** Another tab, whose connection can be cut. */
  async tab() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => complaints.push(`${this.name}: ${error}`));
    page.on("console", (it) => it.type() === "error" && complaints.push(`${this.name}: ${it.text()}`));
    page.on("dialog", (dialog) => complaints.push(`${this.name}: ${dialog.message()}`));
    await page.routeWebSocket(/./, (socket) => {
      if (this.isAway) return socket.close();
      const server = socket.connectToServer();
      this.sockets.set(page, { socket, server });
      socket.onMessage((frame) => this.isMute || server.send(frame));
      server.onMessage((frame) => this.isDeaf || socket.send(frame));
    });
    await page.goto(XMPP_CHAT);
    return page;
  }

  async comeIn(button, { page = this.page, password = this.password } = {}) {
    await page.getByLabel("User name").fill(this.name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: button }).click();
  }

  async isIn(page = this.page) {
    await page.getByRole("button", { name: "Log out" }).waitFor();
  }

  async add(other) {
    await this.page.getByLabel("Add a contact").fill(other.name);
    await this.page.getByRole("button", { name: "Add", exact: true }).click();
    await this.field(other).waitFor();
  }

  entry(other, page = this.page) {
    return page.getByRole("list", { name: "Contacts and others" }).getByRole("button", { name: other.name });
  }

  field(other, page = this.page) {
    return page.getByLabel(`Message to ${other.name}`);
  }

  async open(other, page = this.page) {
    await this.entry(other, page).click();
    await this.field(other, page).waitFor();
  }

  async say(other, text) {
    await this.field(other).fill(text);
    await this.page.keyboard.press("Enter");
  }

  line(text, page = this.page) {
    return page.getByRole("log").getByRole("listitem").filter({ hasText: text });
  }

  /** The conversation shows a text once, and after some more has come, still once. */
  async sees(text, page = this.page) {
    await this.line(text, page).first().waitFor();
    assert.equal(await this.line(text, page).count(), 1, `${this.name} sees ${text}`);
  }

  async seesPresence(other, words) {
    const who = this.page.locator(".with header").filter({ hasText: other.name });
    await who.getByText(words).waitFor();
  }

  /** Sends a stanza that the page knows nothing of. */
  send(stanza) {
    this.sockets.get(this.page).server.send(stanza);
  }

  /** Has the page receive a stanza, as if no server had looked at it. */
  receive(stanza) {
    this.sockets.get(this.page).socket.send(stanza);
  }

  async state(state, text) {
    await this.page.locator(`[data-state="${state}"]`).filter({ hasText: text }).waitFor();
  }

  /** Loses the connection, so that there is none until `isAway` is over. */
  async lose() {
    this.isAway = true;
    this.isMute = this.isDeaf = false;
    await this.sockets.get(this.page).socket.close();
  }
}

/** Takes a picture, and has axe look as well. */
async function look(person, name, page = person.page) {
  if (XMPP_SCREENSHOTS) await page.screenshot({ path: `${XMPP_SCREENSHOTS}/${name}.png` });
  // As a debugger's, it is subject to no policy of the page's.
  await page.evaluate(`${AXE}; undefined`);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(found, [], `axe finds in ${name}`);
  assert.deepEqual(await page.evaluate(overflowing), [], `something is too wide in ${name}`);
}

/** What reaches beyond the box it is in, in the page. */
function overflowing() {
  const isHidden = (it) => it.closest(".visually-hidden") || !it.checkVisibility();
  const boxes = [...document.querySelectorAll("body *")].filter((it) => !isHidden(it));
  const reach = (it) => it.getBoundingClientRect().right;
  const frame = (it) => (it.parentElement.matches("main") ? document.body : it.parentElement);
  const beyond = (it) => reach(it) > innerWidth + 1 || reach(it) > reach(frame(it)) + 1;
  return boxes.filter((it) => getComputedStyle(it).position === "static" && beyond(it)).map((it) => it.outerHTML);
}

async function play(browser) {
  const juliet = await Person.arrive(browser, "juliet-on-a-desk", "r0m30 <&> 'ö'");
  const romeo = await Person.arrive(browser, "romeo-on-a-phone", "jul13t", { viewport: PHONE, colorScheme: "dark" });
  const [known] = XMPP_USERS.split(" ");
  const stranger = await Person.arrive(browser, known, XMPP_PASSWORD, { colorScheme: "dark" });

  await step("where a password would not be safe, none is taken", async () => {
    const page = await stranger.context.newPage();
    await page.goto(XMPP_CHAT.replace("localhost", ELSEWHERE));
    await page.getByRole("alert").getByText("not loaded over https").waitFor();
    assert.equal(await page.getByLabel("Password").isDisabled(), true);
    await page.close();
  });
  await step("an account that is not there is told from none that is", async () => {
    await look(juliet, "door");
    await look(romeo, "door-phone-dark");
    await juliet.comeIn("Log in");
    await juliet.page.getByRole("alert").getByText("No account has this name and password").waitFor();
    await look(juliet, "door-problem");
  });
  await step("two people make accounts", async () => {
    await Promise.all([juliet.comeIn("Create account"), romeo.comeIn("Create account")]);
    await Promise.all([juliet.isIn(), romeo.isIn()]);
    await look(juliet, "empty");
    const late = await juliet.tab();
    await juliet.comeIn("Create account", { page: late });
    await late.getByRole("alert").getByText("This name is taken").waitFor();
    await late.close();
  });
  await step("a wrong password is told", async () => {
    await stranger.comeIn("Log in", { password: `not ${XMPP_PASSWORD}` });
    await stranger.page.getByRole("alert").getByText("No account has this name and password").waitFor();
    assert.equal(await stranger.page.locator(":focus").getAttribute("id"), "password");
  });
  await step("they become contacts", async () => {
    await romeo.add(juliet);
    await romeo.seesPresence(juliet, "Has not accepted yet");
    const request = juliet.page.getByRole("button", { name: `Accept ${romeo.address}` });
    await request.waitFor();
    await look(juliet, "request");
    await request.click();
    await juliet.open(romeo);
    await juliet.seesPresence(romeo, "Available");
    await romeo.seesPresence(juliet, "Available");
  });
  await step("they talk, and what they say is text", async () => {
    await romeo.say(juliet, MARKUP);
    await juliet.sees(MARKUP);
    assert.equal(await juliet.page.locator(".body *").count(), 0, "a body has elements");
    await juliet.say(romeo, "What man art thou, that thus bescreen’d in night\nso stumblest on my counsel?");
    await romeo.sees("so stumblest on my counsel");
    await romeo.say(juliet, "By a name I know not how to tell thee who I am.");
    await juliet.sees("By a name I know not");
    await look(juliet, "talk");
    await look(romeo, "talk-phone-dark");
  });
  await step("who is away is shown to be", async () => {
    await juliet.page.getByLabel("I am").selectOption("Busy");
    await romeo.seesPresence(juliet, "Busy");
    await juliet.page.getByLabel("I am").selectOption("Available");
    await romeo.seesPresence(juliet, "Available");
  });
  await step("another tab hears both sides", async () => {
    const tab = await juliet.tab();
    await juliet.comeIn("Log in", { page: tab });
    await juliet.isIn(tab);
    await juliet.entry(romeo, tab).waitFor();
    await romeo.say(juliet, "in both tabs, from him");
    await juliet.sees("in both tabs, from him");
    await juliet.say(romeo, "in both tabs, from her");
    await juliet.open(romeo, tab);
    await juliet.sees("in both tabs, from him", tab);
    await juliet.sees("in both tabs, from her", tab);
    await tab.close();
  });
  await step("a message waits for whoever closed the tab", async () => {
    await romeo.page.close();
    await juliet.seesPresence(romeo, "Offline");
    await juliet.say(romeo, "Romeo, art thou there?");
    await juliet.state("sent", "art thou there");
    romeo.page = await romeo.tab();
    await romeo.comeIn("Log in");
    await romeo.isIn();
    await romeo.entry(juliet).getByText("1 unread").waitFor();
    assert.equal(await romeo.page.title(), "(1) sestina chat");
    await look(romeo, "list-phone-dark");
    await romeo.open(juliet);
    await romeo.sees("art thou there");
    await romeo.page.waitForFunction(() => document.title === "sestina chat");
  });
  await step("a connection comes back, and nothing is lost", async () => {
    juliet.isMute = true;
    await juliet.say(romeo, "on its way when the line broke");
    await juliet.state("sending", "on its way");
    await juliet.lose();
    await juliet.line("on its way").getByText("May not have arrived").waitFor();
    await juliet.page.getByText("The connection was lost").first().waitFor();
    await juliet.say(romeo, "written without a line");
    await juliet.state("waiting", "written without a line");
    await look(juliet, "lost");
    await juliet.page.getByRole("button", { name: "Log out" }).click();
    await juliet.page.getByRole("dialog").getByRole("button", { name: "Stay" }).click();
    juliet.isAway = false;
    await juliet.page.getByRole("button", { name: "Try now" }).click();
    await romeo.sees("written without a line");
    await juliet.line("on its way").getByRole("button", { name: "Send again" }).click();
    await romeo.sees("on its way when the line broke");
    await juliet.state("sent", "on its way");
  });
  await step("a connection comes back by itself, and nothing is doubled", async () => {
    juliet.isDeaf = true;
    await juliet.say(romeo, "heard, but she cannot know");
    await romeo.sees("heard, but she cannot know");
    await juliet.lose();
    await juliet.state("unsure", "heard, but");
    juliet.isAway = false;
    await juliet.page.getByRole("region", { name: "Connection" }).waitFor({ state: "hidden" });
    await juliet.line("heard, but").getByRole("button", { name: "Send again" }).click();
    await juliet.state("sent", "heard, but");
    await juliet.say(romeo, "and then");
    await romeo.sees("and then");
    await romeo.sees("heard, but she cannot know");
    await juliet.seesPresence(romeo, "Available");
  });
  await step("nobody is somebody else", async () => {
    const body = (text) => `<body>forged: ${text}</body>`;
    const copy = `<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="chat"
      from="${romeo.address}/x" to="${juliet.address}">${body("a copy")}</message></forwarded>`;
    const tybalt = `xmlns="jabber:client" from="tybalt@${XMPP_DOMAIN}/x" to="${juliet.address}"`;
    for (const forged of [
      `<message ${tybalt}><received xmlns="urn:xmpp:carbons:2">${copy}</received></message>`,
      `<message ${tybalt}><sent xmlns="urn:xmpp:carbons:2">${copy}</sent></message>`,
      `<message ${tybalt} type="groupchat">${body("a room")}</message>`,
      `<iq ${tybalt} type="set" id="a-push"><query xmlns="jabber:iq:roster">
        <item jid="forged@${XMPP_DOMAIN}" subscription="both"/></query></iq>`,
      `<presence ${tybalt} type="subscribed"/>`,
      `<presence ${tybalt}><status>forged: a status</status></presence>`,
      // What browsers make of a document that is none.
      `<message ${tybalt}><parsererror xmlns="http://www.w3.org/1999/xhtml"/></message>`,
      `<!DOCTYPE x [<!ENTITY e "forged: an entity">]><message ${tybalt}><body>&e;</body></message>`,
    ]) juliet.receive(forged);
    await romeo.say(juliet, "honestly me");
    await juliet.sees("honestly me");
    assert.deepEqual(await juliet.page.getByText("forged").allInnerTexts(), []);
  });
  await step("strangers can write, and become contacts", async () => {
    await stranger.comeIn("Log in");
    await stranger.isIn();
    stranger.send(`<iq xmlns="jabber:client" type="set" id="a-card"><vCard xmlns="vcard-temp">
      <FN>Mercutio, a kinsman to the Prince</FN></vCard></iq>`);
    await stranger.add(romeo);
    await stranger.say(romeo, "Tybalt, the reason that I have to love thee");
    await romeo.page.getByRole("button", { name: "Back to all conversations" }).click();
    await romeo.open(stranger);
    await romeo.sees("the reason that I have to love thee");
    await romeo.seesPresence(stranger, "Not a contact");
    await look(romeo, "stranger-phone-dark");
    await romeo.page.getByRole("button", { name: "Add contact" }).click();
    await romeo.page.getByRole("button", { name: "Add contact" }).waitFor({ state: "hidden" });
    await look(stranger, "stranger-dark");
    // Only contacts are called as they call themselves.
    await romeo.page.getByRole("heading", { name: "Mercutio, a kinsman to the Prince" }).waitFor();
  });
  await step("a contact can be removed", async () => {
    await juliet.page.getByRole("button", { name: "Remove" }).click();
    await look(juliet, "sure");
    await juliet.page.getByRole("button", { name: "Keep" }).click();
    await juliet.seesPresence(romeo, "Available");
    await juliet.page.getByRole("button", { name: "Remove" }).click();
    await juliet.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await juliet.seesPresence(romeo, "Not a contact");
  });
  await step("whoever logs out is out", async () => {
    await juliet.page.getByRole("button", { name: "Log out" }).click();
    await juliet.page.getByLabel("User name").waitFor();
    assert.equal(await juliet.page.getByLabel("Password").inputValue(), "");
    assert.equal(await juliet.page.getByText("art thou there").count(), 0);
  });
}

async function step(name, act) {
  try {
    await act();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`] });
try {
  await play(browser);
  assert.deepEqual(complaints, [], "the browser complains");
} finally {
  await browser.close();
}
