'use strict';
// Views: the map functions of design documents over all documents, each time anew. None are reduced.

const { CouchError } = require('./errors');

const isView = /^_design\/([^/]+)\/_view\/([^/]+)$/;

async function rowsOf(db, design, view, query, compare) {
  const document = await db.get(`_design/${design}`);
  const source = document.views?.[view]?.map;
  if (!source) throw new CouchError(404, 'not_found', 'missing_named_view');
  if (document.language === 'query') throw new CouchError(400, 'bad_request', 'an index for _find is no view');
  if (document.views[view].reduce && query.get('reduce') !== 'false') {
    throw new CouchError(501, 'not_implemented', 'the CouchDB of the tests reduces nothing');
  }
  const rows = [];
  let id;
  const emit = (key, value = null) => rows.push({ id, key, value });
  let map;
  try {
    map = new Function('emit', `return (${source})`)(emit);
  } catch (error) {
    throw new CouchError(400, 'compilation_error', `the map function of ${view}: ${error.message}`);
  }
  const all = await db.allDocs({ include_docs: true });
  for (const { doc } of all.rows.filter((row) => !row.id.startsWith('_design/'))) {
    id = doc._id;
    try {
      map(doc);
    } catch {
      // CouchDB logs that, and the document is not in the view.
    }
  }
  rows.sort((one, other) => compare(one.key, other.key));
  const limit = query.has('limit') ? Number(query.get('limit')) : rows.length;
  return { total_rows: rows.length, offset: 0, rows: rows.slice(0, limit) };
}

module.exports = { isView, rowsOf };
