// Tryton's JSON-RPC, for looking at what it holds without a window.
import assert from 'node:assert/strict';

export class TrytonRpc {
  constructor(site, database) {
    this.url = `${site}${database}/`;
    this.headers = { 'Content-Type': 'application/json' };
  }

  async call(method, ...params) {
    const body = JSON.stringify({ id: 1, method, params });
    const response = await fetch(this.url, { method: 'POST', headers: this.headers, body });
    const answer = await response.json();
    assert.equal(answer.error, undefined, `${method}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  async logIn(login, password) {
    const [user, session] = await this.call('common.db.login', login, { password }, 'en');
    this.headers.Authorization = `Session ${Buffer.from(`${login}:${user}:${session}`).toString('base64')}`;
  }
}
