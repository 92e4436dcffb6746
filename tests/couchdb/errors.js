'use strict';

/** An answer of CouchDB that is not a success: its status and its two words. */
class CouchError extends Error {
  constructor(status, error, reason) {
    super(reason);
    this.status = status;
    this.error = error;
    this.reason = reason;
  }
}

const noDatabase = () => new CouchError(404, 'not_found', 'Database does not exist.');

module.exports = { CouchError, noDatabase };
