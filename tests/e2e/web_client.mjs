// A working day in Tryton's web client, told as a person would do it. Started by run.py, which makes the world.
//
//   node web_client.mjs WORLD      a JSON object: site, database, login, name, password, chromium, pictures
//
// Asks run.py for what only the server side can do by a line on standard output, `@notify TITLE`.
import assert from 'node:assert/strict';
import { openBrowser, rpcDuring, savePictures, step } from './browser.mjs';
import * as tryton from './tryton_pages.mjs';

const world = JSON.parse(process.argv[2]);
const PARTY = 'party.party';
const OPPORTUNITY = 'sale.opportunity';

async function createParty(page) {
  await tryton.newRecord(page, PARTY);
  await tryton.field(page, 'Name').fill('Wrenfield Orchards Ltd');
  const answer = await rpcDuring(page, `model.${PARTY}.create`, () => tryton.save(page));
  assert.equal(answer.result.length, 1, JSON.stringify(answer));
  return answer.result[0];
}

// The first window still shows the party that was created in it. The second one changes it; the first is told when it
// saves too, and looks at what the other wrote.
async function editInTwoWindows(browser, first, party) {
  const { page: second } = await browser.newWindow();
  await tryton.openRecord(second, world.site, world.database, PARTY, party);
  await tryton.waitForValue(second, 'Name', 'Wrenfield Orchards Ltd');
  await tryton.field(second, 'Name').fill('Wrenfield Orchards plc');
  const accepted = await rpcDuring(second, `model.${PARTY}.write`, () => tryton.save(second));
  assert.equal(accepted.error, undefined);

  await first.bringToFront();
  await tryton.field(first, 'Name').fill('Wrenfield Fruit Ltd');
  const refused = await rpcDuring(first, `model.${PARTY}.write`, () => tryton.save(first));
  assert.equal(refused.error[0], 'ConcurrencyException');
  const conflict = tryton.dialog(first).filter({ hasText: 'This record has been modified while you were editing it.' });
  await conflict.waitFor();
  await conflict.getByRole('button', { name: 'Compare' }).click();
  await first.getByText('Compare: Wrenfield Orchards plc').first().waitFor();
  await tryton.waitForValue(first, 'Name', 'Wrenfield Orchards plc');
  await tryton.closeTab(first);
  await tryton.closeTab(first);
  await second.close();
}

async function createOpportunity(page) {
  await tryton.openFromMenu(page, ['Sales', 'Leads and Opportunities'], OPPORTUNITY);
  await tryton.newRecord(page, OPPORTUNITY);
  await tryton.field(page, 'Description').fill('Apple sorting line');
  await tryton.field(page, 'Amount').fill('48500');
  const answer = await rpcDuring(page, `model.${OPPORTUNITY}.create`, () => tryton.save(page));
  assert.equal(answer.result.length, 1, JSON.stringify(answer));
}

async function receiveNotification(page) {
  const title = 'Your export is ready';
  console.log(`@notify ${title}`);
  await page.waitForFunction((wanted) => window.shownNotifications.some((n) => n.title === wanted), title);
}

async function workingDay(browser) {
  const { page } = await browser.newWindow();
  await step('log in', () => tryton.logIn(page, world.site, world.login, world.password));
  assert.match(await tryton.loggedInAs(page), new RegExp(world.name));
  await step('open the party list', () => tryton.openFromMenu(page, ['Party', 'Parties'], PARTY));
  assert.ok((await tryton.listRows(page).count()) > 20, 'the list shows the seeded parties');
  const party = await step('create a party', () => createParty(page));
  await step('edit it in two windows', () => editInTwoWindows(browser, page, party));
  await step('create an opportunity', () => createOpportunity(page));
  await step('receive a notification', () => receiveNotification(page));
  await step('log out', () => tryton.logOut(page));
}

const browser = await openBrowser({ executable: world.chromium, site: world.site });
try {
  await workingDay(browser);
} catch (failure) {
  await savePictures(browser.windows(), world.pictures);
  throw failure;
} finally {
  await browser.close();
}
