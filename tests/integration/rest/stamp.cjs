// Middleware of json-server: every record that is written gets the moment of the write, which never stands still.
// X-Stamp sets the moment, so that a test can write many records at one.
let last = 0;

module.exports = (request, response, next) => {
  if (['POST', 'PUT', 'PATCH'].includes(request.method)) {
    last = Math.max(Date.now(), last + 1);
    request.body.updated_at = request.headers['x-stamp'] || new Date(last).toISOString();
  }
  next();
};
