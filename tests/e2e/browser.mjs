// A real browser and what the scenario needs to see of it: the RPCs that it sends and the pages as pictures.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

// What lets chromium run as root, without a display, and without talking to anybody but the site under test.
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
// Nets only: the machine may be busy with other tests.
const START_MS = 300_000;
const PATIENCE_MS = 180_000;

// One browser with one profile: its windows share localStorage, as the windows of one person do.
export async function openBrowser({ executable, site }) {
  const browser = await chromium.launch({ executablePath: executable, headless: true, args: FLAGS, timeout: START_MS });
  const profile = await browser.newContext({ locale: 'en' });
  profile.setDefaultTimeout(PATIENCE_MS);
  await profile.grantPermissions(['notifications'], { origin: site });
  await profile.addInitScript(rememberNotifications);
  return { close: () => browser.close(), newWindow: () => openWindow(profile, site), windows: () => profile.pages() };
}

// Runs in the page: the browser's own Notification goes on working, and the titles shown can be asked for.
function rememberNotifications() {
  window.shownNotifications = [];
  window.Notification = class extends window.Notification {
    constructor(title, options) {
      super(title, options);
      window.shownNotifications.push({ title, body: options.body });
    }
  };
}

async function openWindow(profile, site) {
  const page = await profile.newPage();
  return { page, site };
}

// Waits until the page has sent this RPC and got an answer, while `act` runs; returns the JSON of the answer.
export async function rpcDuring(page, method, act) {
  const answered = page.waitForResponse((response) => rpcMethod(response.request()) === method);
  const [response] = await Promise.all([answered, act()]);
  return response.json();
}

function rpcMethod(request) {
  if (request.method() !== 'POST') return null;
  try {
    return request.postDataJSON().method ?? null;
  } catch {
    return null;
  }
}

export async function step(name, act) {
  const begin = performance.now();
  const result = await act();
  console.log(`${name}: ${Math.round(performance.now() - begin)} ms`);
  return result;
}

// For whoever must find out why a run failed.
export async function savePictures(windows, directory) {
  await mkdir(directory, { recursive: true });
  for (const [number, page] of windows.entries()) {
    await page.screenshot({ path: join(directory, `window-${number + 1}.png`) });
  }
}
