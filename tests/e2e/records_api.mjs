// Banyan's records API, as an agent uses it. Every call that is not answered well is an error.
import assert from 'node:assert/strict';

export class RecordsApi {
  constructor(admin) {
    this.base = `${admin}api/`;
  }

  async call(method, path, { body, headers = {}, status = 200 } = {}) {
    const response = await fetch(this.base + path, {
      method,
      headers: body ? { 'Content-Type': 'application/json', ...headers } : headers,
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return { ...JSON.parse(text), etag: response.headers.get('ETag') };
  }

  record = (entity, id) => this.call('GET', `records/${entity}/${id}`);

  create = (entity, data) => this.call('POST', `records/${entity}`, { body: { data }, status: 201 });

  // Changes fields of the record as it is now; nobody may come in between.
  async patch(entity, id, data) {
    const { etag } = await this.record(entity, id);
    const headers = { 'Content-Type': 'application/merge-patch+json', 'If-Match': etag };
    return this.call('PATCH', `records/${entity}/${id}`, { body: { data }, headers });
  }

  // The record with this id in the legacy system.
  async recordOf(entity, legacyId) {
    let cursor = '';
    do {
      const page = await this.call('GET', `records/${entity}?limit=200${cursor}`);
      const found = page.records.find((record) => record.links.some((link) => link.id === String(legacyId)));
      if (found) return found;
      cursor = page.next ? `&cursor=${encodeURIComponent(page.next)}` : '';
    } while (cursor);
    throw new Error(`no ${entity} has the legacy id ${legacyId}`);
  }
}

// Asks until the answer is good enough; returns after how many milliseconds it was.
export async function until(what, limitMs, isSo) {
  const begin = performance.now();
  for (;;) {
    const found = await isSo();
    const waited = Math.round(performance.now() - begin);
    if (found) return waited;
    assert.ok(waited < limitMs, `${what}: not within ${limitMs} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
