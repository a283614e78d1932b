// Drives browsers through a page that stays logged in without a script ever holding a secret.
//
//     run.mjs SERVER WORK [BROWSER...]
//
// SERVER is the debug build of `bp-auth`, whose clock is moved here; WORK a directory for its data. The page has
// an origin of its own, which `cors.allowed_origins` names.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

// From where the stage has installed it.
const puppeteer = createRequire(path.resolve(process.env.NODE_MODULES, "x.js"))("puppeteer-core");

const [server, work, ...chosen] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
const BROWSERS = {
    chromium: { browser: "chrome", executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-quic"] },
    firefox: { browser: "firefox", executablePath: "/usr/bin/firefox-esr" },
};
// Longer than an access token lives.
const EXPIRY = 16 * 60;

async function servePage() {
    const page = readFileSync(new URL("page.html", import.meta.url));
    const pages = createServer((request, response) => {
        const found = request.url.startsWith("/?");
        response.writeHead(found ? 200 : 404, { "content-type": "text/html" }).end(found ? page : "");
    });
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    return { origin: `http://127.0.0.1:${pages.address().port}`, close: () => pages.close() };
}

async function serveAuth(data, origin) {
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const clock = path.join(path.dirname(data), `${path.basename(data)}.clock`);
    const log = `${data}.err`;
    let now = Date.now();
    // By a rename: the server reads the file at any time.
    const pass = (seconds) => {
        writeFileSync(`${clock}.new`, String((now += seconds * 1000)));
        renameSync(`${clock}.new`, clock);
    };
    pass(0);
    const child = spawn(server, ["--data-dir", data, "--bind", "127.0.0.1:0", `--set=cors.allowed_origins=${origin}`],
        { env: { ...process.env, BP_AUTH_TEST_CLOCK: clock }, stdio: ["ignore", "pipe", openSync(log, "w")] });
    let said = "";
    child.stdout.on("data", (chunk) => { said += chunk; });
    for (let tries = 0; !said.includes("listening on ") && child.exitCode === null && tries < 200; tries++) {
        await new Promise((later) => setTimeout(later, 100));
    }
    const url = said.match(/listening on (\S+)/)?.[1];
    assert.ok(url, readFileSync(log, "utf8"));
    const mails = () => readdirSync(path.join(data, "outbox")).filter((name) => name.endsWith(".eml"))
        .map((name) => readFileSync(path.join(data, "outbox", name), "utf8").match(/^Subject: (.*)$/m)[1]);
    const stop = async () => { child.kill("SIGTERM"); if (child.exitCode === null) await once(child, "exit"); };
    return { url, pass, mails, stop };
}

async function open(browser, pages, auth) {
    const tab = await browser.newPage();
    await tab.goto(`${pages.origin}/?auth=${encodeURIComponent(auth.url)}`);
    return ready(tab);
}

async function ready(tab) {
    // A tab in the background draws no frames to wait for.
    await tab.waitForFunction("document.title === 'ready'", { polling: 100 });
    return tab;
}

const shown = (tab) => tab.evaluate("document.getElementById('user').textContent");

/** Nothing of the session is where a script could read it. */
async function noSecret(tab, answer) {
    const readable = await tab.evaluate("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })");
    assert.equal(readable, "{}", "what a script can read");
    if (answer) assert.ok(!("refresh_token" in answer.body), "no refresh token in an answer to a cookie");
}

async function journey(name) {
    const pages = await servePage();
    const auth = await serveAuth(path.resolve(work, name), pages.origin);
    const browser = await puppeteer.launch({ ...BROWSERS[name], headless: true });
    const done = [];
    const step = (what) => { done.push(what); console.log(`${name}: ok: ${what}`); };
    try {
        const email = "ada@example.com";
        const first = await open(browser, pages, auth);
        assert.equal(await shown(first), "nobody");
        assert.equal((await first.evaluate((...as) => register(...as), email, PASSWORD)).status, 201);
        assert.equal((await first.evaluate((...as) => login(...as), email, PASSWORD)).status, 200);
        assert.equal((await first.evaluate("me()")).body.email, email);
        await noSecret(first);
        const kept = (await browser.cookies()).filter((cookie) => cookie.name.startsWith("bp_"));
        assert.deepEqual(kept.map((cookie) => [cookie.name, cookie.path]).sort(),
            [["bp_refresh", "/api/auth/refresh"], ["bp_token", "/"]]);
        assert.ok(kept.every((cookie) => cookie.httpOnly && cookie.sameSite === "Lax"), JSON.stringify(kept));
        step("login by cookie, both cookies beyond scripts");

        auth.pass(EXPIRY);
        assert.equal((await first.evaluate("me()")).body.error_code, "token_expired");
        await first.reload();
        assert.equal(await shown(await ready(first)), email);
        const refreshed = await first.evaluate("refresh()");
        assert.equal(refreshed.status, 200);
        await noSecret(first, refreshed);
        step("a reload after the access token's expiry is still logged in");

        const second = await open(browser, pages, auth);
        assert.equal(await shown(second), email);
        for (let round = 0; round < 5; round++) {
            auth.pass(EXPIRY);
            const answers = await Promise.all([first, second].map((tab) => tab.evaluate("refresh()")));
            assert.deepEqual(answers.map((answer) => answer.status), [200, 200], JSON.stringify(answers));
            for (const [at, tab] of [first, second].entries()) {
                await noSecret(tab, answers[at]);
                assert.equal((await tab.evaluate("me()")).body.email, email);
            }
        }
        step("two tabs that refresh at once, five times, stay logged in");

        auth.pass(EXPIRY);
        await Promise.all([first.reload(), second.reload()]);
        for (const tab of [first, second]) assert.equal(await shown(await ready(tab)), email);
        step("two tabs reloaded at once after the expiry stay logged in");
        assert.deepEqual(auth.mails().filter((subject) => !/welcome/i.test(subject)), [], "no alarm was mailed");
        step("no alarm was mailed");

        assert.equal((await first.evaluate("logout()")).status, 204);
        for (const tab of [first, second]) {
            assert.equal((await tab.evaluate("me()")).status, 401);
            assert.equal((await tab.evaluate("refresh()")).status, 422);
        }
        await second.reload();
        assert.equal(await shown(await ready(second)), "nobody");
        assert.deepEqual((await browser.cookies()).filter((cookie) => cookie.name.startsWith("bp_")), []);
        step("logout ends both tabs and clears the cookies");
    } finally {
        const version = await browser.version();
        await browser.close();
        await auth.stop();
        pages.close();
        console.log(`${version}: ${done.length} of 6 steps`);
    }
}

let failed = 0;
const names = chosen.length ? chosen : Object.keys(BROWSERS);
for (const name of names) {
    try {
        await journey(name);
    } catch (error) {
        failed++;
        console.error(`${name}: FAILED:`, error);
    }
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
