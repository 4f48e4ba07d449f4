// Staff in Tryton's web client and an agent at the records API work on the same accounts. Started by run.py.
//
//   node two_sides.mjs WORLD      a JSON object as for web_client.mjs, with: admin, direct (URLs), party, partyName
import assert from 'node:assert/strict';
import { openBrowser, rpcDuring, savePictures, step } from './browser.mjs';
import { RecordsApi, until } from './records_api.mjs';
import * as tryton from './tryton_pages.mjs';
import { TrytonRpc } from './tryton_rpc.mjs';

const world = JSON.parse(process.argv[2]);
const api = new RecordsApi(world.admin);
const legacy = new TrytonRpc(world.direct, world.database);
const PARTY = 'party.party';
// A net, not a promise: how fast edits arrive is printed here, and measured on an idle machine by `make bench`.
const ARRIVES_WITHIN_MS = 60_000;

const recordIs = (id, name) => async () => (await api.record('account', id)).data.name === name;

async function saveName(page, name) {
  await tryton.field(page, 'Name').fill(name);
  const answer = await rpcDuring(page, `model.${PARTY}.write`, () => tryton.save(page));
  assert.equal(answer.error, undefined, JSON.stringify(answer));
}

async function staffEditArrives(page, record) {
  await saveName(page, 'Renamed By Staff GmbH');
  const waited = await until('the edit of staff at the API', ARRIVES_WITHIN_MS, recordIs(record, 'Renamed By Staff GmbH'));
  console.log(`an edit in the browser is at /api/records/account after ${waited} ms`);
}

// Returns after how many milliseconds Tryton has the name that an agent has given.
function waitForTryton(party, name) {
  return until(`${name} in Tryton`, ARRIVES_WITHIN_MS, async () => {
    const [{ name: current }] = await legacy.call('model.party.party.read', [party], ['name'], {});
    return current === name;
  });
}

async function agentEditArrives(page, party, record) {
  await api.patch('account', record, { name: 'Renamed By Agent GmbH' });
  const waited = await waitForTryton(party, 'Renamed By Agent GmbH');
  console.log(`an edit at the API is in Tryton after ${waited} ms`);
  await tryton.reload(page, PARTY);
  await tryton.waitForValue(page, 'Name', 'Renamed By Agent GmbH');
}

// The user has typed when the agent's edit comes: Tryton tells of it, as if a colleague had been quicker.
async function conflictIsForTheUser(page, party, record) {
  await tryton.atRest(page);
  await tryton.field(page, 'Name').fill('Typed By Staff GmbH');
  await api.patch('account', record, { name: 'Quicker Agent GmbH' });
  await waitForTryton(party, 'Quicker Agent GmbH');
  const conflict = await refusedSave(page);
  await conflict.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('Compare: Quicker Agent GmbH').first().waitFor();
  await tryton.waitForValue(page, 'Name', 'Quicker Agent GmbH');
  await tryton.closeTab(page);

  await tryton.waitForValue(page, 'Name', 'Typed By Staff GmbH');
  await tryton.atRest(page);
  const again = await refusedSave(page);
  await rpcDuring(page, `model.${PARTY}.write`, () => again.getByRole('button', { name: 'Write Anyway' }).click());
  await until('what the user decided at the API', ARRIVES_WITHIN_MS, recordIs(record, 'Typed By Staff GmbH'));
}

async function refusedSave(page) {
  const refused = await rpcDuring(page, `model.${PARTY}.write`, () => tryton.save(page));
  assert.equal(refused.error?.[0], 'ConcurrencyException', JSON.stringify(refused));
  const conflict = tryton.dialog(page).filter({ hasText: 'This record has been modified while you were editing it.' });
  await conflict.waitFor();
  return conflict;
}

async function createdByAgentLooksLikeAnyOther(browser) {
  const { id } = await api.create('account', { name: 'Quillhaven Ltd' });
  let party;
  await until('the created account in Tryton', ARRIVES_WITHIN_MS, async () => {
    party = (await api.record('account', id)).links[0]?.id;
    return party;
  });
  const { page } = await browser.newWindow();
  await tryton.openRecord(page, world.site, world.database, PARTY, party);
  await tryton.waitForValue(page, 'Name', 'Quillhaven Ltd');
  await tryton.atRest(page);
  assert.match(await tryton.field(page, 'Code').inputValue(), /^\d+$/, "the code is one of Tryton's sequence");
  await assertNothingOfBanyan(page, id);
  await page.close();
}

async function assertNothingOfBanyan(page, record) {
  const shown = JSON.stringify(await tryton.wholeForm(page)).toLowerCase();
  for (const trace of ['banyan', 'urn:', record, record.replaceAll('-', '')]) {
    assert.ok(!shown.includes(trace), `the form shows "${trace}": ${shown}`);
  }
}

// The same form through Banyan and straight from Tryton, after all that has happened to the record.
async function formIsTrytonsOwn(browser, page, party, record) {
  await tryton.reload(page, PARTY);
  await assertNothingOfBanyan(page, record);
  const { page: direct } = await browser.newWindow();
  await tryton.logIn(direct, world.direct, world.login, world.password);
  await tryton.openRecord(direct, world.direct, world.database, PARTY, party);
  await tryton.waitForValue(direct, 'Name', 'Typed By Staff GmbH');
  await tryton.atRest(direct);
  assert.deepEqual(await tryton.wholeForm(page), await tryton.wholeForm(direct));
  await direct.close();
}

async function day(browser) {
  const { page } = await browser.newWindow();
  await step('log in', () => tryton.logIn(page, world.site, world.login, world.password));
  await tryton.openRecord(page, world.site, world.database, PARTY, world.party);
  await tryton.waitForValue(page, 'Name', world.partyName);
  await legacy.logIn(world.login, world.password);
  const { id, data } = await api.recordOf('account', world.party);
  assert.equal(data.name, world.partyName);
  await step('an edit in the browser', () => staffEditArrives(page, id));
  await step('an edit at the API', () => agentEditArrives(page, world.party, id));
  await step('both at once', () => conflictIsForTheUser(page, world.party, id));
  await step('an account created at the API', () => createdByAgentLooksLikeAnyOther(browser));
  await step("nothing but Tryton's own in the form", () => formIsTrytonsOwn(browser, page, world.party, id));
  const { conflicts } = await api.call('GET', 'sync/conflicts');
  const { dead_letters: deadLetters } = await api.call('GET', 'sync/dead-letters');
  assert.deepEqual([conflicts, deadLetters], [[], []]);
}

const browser = await openBrowser({ executable: world.chromium, site: world.site });
try {
  await day(browser);
} catch (failure) {
  await savePictures(browser.windows(), world.pictures);
  throw failure;
} finally {
  await browser.close();
}
