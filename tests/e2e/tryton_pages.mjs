// Tryton's web client (sao 6.0) as a person sees it: the only file that knows how its pages are made.
import { rpcDuring } from './browser.mjs';

export async function logIn(page, site, login, password) {
  await page.goto(site);
  await page.locator('#database:visible').waitFor(); // comes with the list of databases; before it no login goes out
  await page.locator('#login').fill(login);
  await page.getByRole('button', { name: 'Login' }).click();
  await page.locator('#ask-dialog-entry').fill(password);
  await page.getByRole('button', { name: 'OK' }).click();
  await page.locator('#user-preferences a').waitFor();
}

export async function logOut(page) {
  await rpcDuring(page, 'common.db.logout', async () => {
    await page.locator('#user-logout a').click();
    await dialog(page).getByRole('button', { name: 'OK' }).click(); // it asks, for there are open tabs
  });
  await page.locator('#database:visible').waitFor();
}

export const loggedInAs = (page) => page.locator('#user-preferences a').innerText();

// Opens an entry of the menu by its path, `['Party', 'Parties']`, and waits for its list.
export async function openFromMenu(page, path, model) {
  const entry = (name) => page.locator('#menu').getByText(name, { exact: true });
  for (const name of path.slice(0, -1)) {
    await entry(name).dblclick();
    await entry(path[path.indexOf(name) + 1]).waitFor();
  }
  await rpcDuring(page, `model.${model}.read`, () => entry(path.at(-1)).dblclick());
  await listRows(page).first().waitFor();
}

export const listRows = (page) => page.locator('#tabcontent .tab-pane.active table.tree tbody tr:visible');

// A link that any window of a person who is logged in can open.
export async function openRecord(page, site, database, model, id) {
  await page.goto(`${site}#${database}/model/${model}/${id}`);
  await form(page).waitFor();
}

// Until the cursor stands in the new form, the fields are still the ones of the record before.
export async function newRecord(page, model) {
  await rpcDuring(page, `model.${model}.default_get`, () => toolbar(page, 'new_').click());
  await form(page).locator('input:focus').waitFor();
}

export const save = (page) => toolbar(page, 'save').click();

// Fetches what is shown anew.
export async function reload(page, model) {
  await atRest(page);
  await rpcDuring(page, `model.${model}.read`, () => toolbar(page, 'reload').click());
  await atRest(page);
}

// Until the page has drawn what it asked for: before, a form that is filled in anew looks as if a user had changed it.
// One request may be under way, the long poll for notifications. Nothing says that no other follows: a second and some
// frames without one are taken for it.
export const atRest = (page) =>
  page.waitForFunction(() => {
    const now = performance.now();
    const rest = window.jQuery.active <= 1 ? (window.rest ?? { since: now, frames: 0 }) : { since: now, frames: 0 };
    window.rest = { since: rest.since, frames: rest.frames + 1 };
    const isOver = rest.frames > 15 && now - rest.since > 1_000;
    if (isOver) window.rest = undefined;
    return isOver;
  });

// Closes the tab in front; what was changed in it and not saved is thrown away. The client may ask so of a form that
// nobody has changed, too: see atRest.
export async function closeTab(page) {
  await atRest(page);
  const tab = await page.locator('#tablist li.active').elementHandle();
  await (await tab.$('button.close')).click();
  await page.waitForFunction((one) => !one.isConnected || window.jQuery('.modal:visible').length > 0, tab);
  if (await dialog(page).count()) await dialog(page).getByRole('button', { name: 'No', exact: true }).click();
  await page.waitForFunction((one) => !one.isConnected, tab);
}

// A field of the form by its label. Lists have inputs too; only those of a form have labels of their own.
export const field = (page, label) => form(page).getByLabel(`${label}:`, { exact: true }).first();

export async function waitForValue(page, label, value) {
  const input = field(page, label);
  await input.waitFor();
  await page.waitForFunction(([element, wanted]) => element.value === wanted, [await input.elementHandle(), value]);
}

// All that a person can read in the form in front: its texts, and what stands in its fields.
export async function wholeForm(page) {
  await form(page).waitFor();
  const values = await form(page).locator('input, textarea, select').evaluateAll((all) => all.map((one) => one.value));
  return { text: await form(page).innerText(), values };
}

export const dialog = (page) => page.locator('.modal:visible');

const form = (page) => page.locator('#tabcontent > .tab-pane.active .form').first();
const toolbar = (page, id) => page.locator(`#tabcontent > .tab-pane.active button#${id}`).first();
