// An administrator at the console, in Debian's chromium: on a desk, and on a phone of 360 pixels.
//
// What a browser complains about, a policy that was broken or an exception, fails the run, and so does
// what axe finds. Screenshots are for looking at.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import process from "node:process";

import { chromium } from "playwright-core";

const { XMPP_ADMIN, XMPP_CONSOLE, XMPP_DOMAIN, XMPP_HOST, XMPP_PASSWORD, XMPP_PORT, XMPP_SCREENSHOTS, XMPP_USERS } =
  process.env;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ADMIN = `${XMPP_ADMIN}@${XMPP_DOMAIN}`;
const NAME = XMPP_USERS.split(" ").find((name) => name !== XMPP_ADMIN);
const OTHER = `${NAME}@${XMPP_DOMAIN}`;
// A resource that would be markup if anybody took it for some.
const RESOURCE = `<img src=x onerror=alert(1)>`;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 640 };
const PATIENCE = 8_000;

/** What browsers complained about. */
const complaints = [];

if (XMPP_SCREENSHOTS) mkdirSync(XMPP_SCREENSHOTS, { recursive: true });

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A client, for something to look at. */
class Client {
  static async connect(name, resource) {
    const client = new Client();
    client.socket = net.connect({ host: XMPP_HOST, port: Number(XMPP_PORT) });
    client.read = "";
    client.gone = new Promise((resolve) => client.socket.on("close", resolve));
    client.socket.on("error", () => {});
    client.socket.on("data", (data) => {
      client.read += data;
      client.wake?.();
    });
    const header = `<stream:stream to='${XMPP_DOMAIN}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`;
    client.say(header);
    await client.hears("</stream:features>");
    const token = Buffer.from(`\0${name}\0${XMPP_PASSWORD}`).toString("base64");
    client.say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${token}</auth>`);
    await client.hears("<success");
    client.say(header);
    await client.hears("</stream:features>");
    client.say(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${escaped(resource)}</resource></bind></iq>`);
    await client.hears("</iq>");
    client.say("<presence><priority>5</priority></presence>");
    return client;
  }

  say(xml) {
    this.socket.write(xml);
  }

  async hears(text) {
    const until = Date.now() + PATIENCE;
    while (!this.read.includes(text)) {
      assert.ok(Date.now() < until, `${text} is not heard: ${this.read}`);
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 100);
      });
    }
    this.read = this.read.slice(this.read.indexOf(text) + text.length);
  }
}

async function arrive(browser, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  // That nobody is logged in, or a password is wrong, is an answer like others.
  const expected = /status of (401|404|422)/;
  page.on("console", (it) => it.type() === "error" && !expected.test(it.text()) && complaints.push(it.text()));
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(XMPP_CONSOLE)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(XMPP_CONSOLE);
  return page;
}

/** Looks at what there is: fits it, is it accessible, what does it look like. */
async function look(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
  const found = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ["violations"] })`);
  const faults = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(faults, [], name);
  if (XMPP_SCREENSHOTS) await page.screenshot({ path: `${XMPP_SCREENSHOTS}/console-${name}.png`, fullPage: true });
}

async function go(page, name) {
  await page.getByRole("navigation").getByRole("link", { name }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

async function run(browser, viewport, colorScheme, label) {
  const page = await arrive(browser, viewport, colorScheme);
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await look(page, `${label}-login`);
  const login = async (account, password) => {
    await page.getByLabel("Address").fill(account);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
  };
  await login(OTHER, XMPP_PASSWORD);
  await page.getByRole("alert").filter({ hasText: "no administrator" }).waitFor();
  await login(ADMIN, XMPP_PASSWORD);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByText("administration", { exact: true }).first().waitFor();
  await look(page, `${label}-overview`);

  // Somebody is there, under a name that looks like markup, and is followed.
  const client = await Client.connect(NAME, RESOURCE);
  await go(page, "People");
  await page.getByText(`/${RESOURCE}`, { exact: true }).waitFor();
  await look(page, `${label}-people`);
  await page.getByRole("link", { name: `Follow ${OTHER}` }).click();
  await page.getByText(/^Following/).waitFor();
  client.say(`<message to='${OTHER}' type='chat'><body>Hark &lt;b&gt;now&lt;/b&gt;</body></message>`);
  const log = page.getByRole("list", { name: "Stanzas" });
  await log.getByText("[15 characters]").first().waitFor();
  assert.equal(await log.getByText("Hark").count(), 0, "what people write is not shown");
  await page.getByLabel("Show what people write").check();
  await page.getByText(/^Following/).waitFor();
  client.say(`<message to='${OTHER}' type='chat'><body>Hark &lt;b&gt;now&lt;/b&gt;</body></message>`);
  await log.getByText("Hark").first().waitFor();
  client.say("<iq type='set' id='p'><query xmlns='jabber:iq:private'><door xmlns='urn:example:door'><password>rose</password></door></query></iq>");
  await log.getByText("[secret]").first().waitFor();
  assert.ok(!(await log.textContent()).includes("rose"), "secrets are never shown");
  await page.getByLabel("Show only").fill("presence");
  assert.equal(await log.getByText("Hark").first().isVisible(), false);
  await page.getByLabel("Show only").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  const count = await log.locator("li").count();
  client.say("<presence/>");
  await page.getByRole("button", { name: /Go on \(/ }).waitFor();
  assert.equal(await log.locator("li").count(), count);
  await page.getByRole("button", { name: /Go on/ }).click();
  await look(page, `${label}-inspector`);

  await go(page, "Live");
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  await page.waitForTimeout(4_500);
  await look(page, `${label}-live`);

  // A command by its form, and its table.
  await go(page, "Commands");
  await look(page, `${label}-commands`);
  await page.getByRole("link", { name: "List sessions" }).click();
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByRole("region", { name: "Result" }).getByText(RESOURCE).waitFor();
  await look(page, `${label}-result`);
  await go(page, "Commands");
  await page.getByRole("link", { name: "Change a password" }).click();
  await page.getByLabel("The address of the account").fill(`nobody@${XMPP_DOMAIN}`);
  await page.getByLabel("Its new password").fill("rose");
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByRole("alert").filter({ hasText: "There is no such thing" }).waitFor();
  await look(page, `${label}-form`);

  // The session is ended.
  await go(page, "People");
  await page.getByRole("button", { name: `End the session ${OTHER}` }).click();
  await page.getByRole("dialog").waitFor();
  await look(page, `${label}-asks`);
  await page.getByRole("button", { name: "End it" }).click();
  await client.hears("policy-violation");
  client.socket.end("</stream:stream>");
  await client.gone;
  await page.getByText("Nobody is connected.").waitFor();

  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.context().close();
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
try {
  await run(browser, DESK, "light", "desk");
  await run(browser, PHONE, "dark", "phone");
  assert.deepEqual(complaints, [], "a browser complains");
} finally {
  await browser.close();
}
console.log("an administrator looks, follows, runs a command and ends a session, on a desk and on a phone");
