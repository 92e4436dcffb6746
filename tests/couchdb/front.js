'use strict';
// The CouchDB of the tests: express-pouchdb, and in front of it what it answers otherwise than CouchDB 3.5 does.
// Documents, attachments and the protocol of replication are PouchDB's, with real revision trees.
//
//   node front.js      listens on a free port of loopback and prints it
//
// Environment: RECONCILE_BED_COUCHDB (where its packages are), COUCHDB_USER and COUCHDB_PASSWORD (the admin),
// COUCHDB_PORT, COUCHDB_LOG (a file that survives kills), COUCHDB_ALIAS (a host:port by which replications may
// name this server, too), COUCHDB_PAUSE_MS (how long each batch of a replication takes at least).

const http = require('node:http');
const { createRequire } = require('node:module');
const { Access } = require('./access');
const { CouchError } = require('./errors');
const { Replications } = require('./replication');
const { Store } = require('./store');
const { isView, rowsOf } = require('./views');

const env = process.env;
const packages = createRequire(`${env.RECONCILE_BED_COUCHDB}/front.js`);
const { collate } = packages('pouchdb-collate');
const PouchDB = packages('pouchdb-core')
  .plugin(packages('pouchdb-adapter-memory'))
  .plugin(packages('pouchdb-replication'))
  .defaults({ adapter: 'memory' });

const store = new Store(PouchDB, env.COUCHDB_LOG);
const access = new Access(store, { name: env.COUCHDB_USER, password: env.COUCHDB_PASSWORD });
const isOurs = (host) =>
  [`127.0.0.1:${server.address().port}`, `localhost:${server.address().port}`, env.COUCHDB_ALIAS].includes(host);
const replications = new Replications(PouchDB, store, access, isOurs, Number(env.COUCHDB_PAUSE_MS ?? 0));

// What is behind the front finds the databases that the store has, and makes none. It knows them by their id:
// of a name with a slash it would make another one.
const byId = (id) => [...store.open.values()].find((found) => found.id === id);
PouchDB.allDbs = async () => [...store.open.values()].map((found) => found.id);
const behind = packages('express-pouchdb')(PouchDB, { mode: 'minimumForPouchDB' });
PouchDB.__dbCacheMap = { get: (id) => byId(id)?.db, set: () => undefined, delete: () => undefined };

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    throw new CouchError(400, 'bad_request', 'invalid UTF-8 JSON');
  }
}

const servers = {
  'GET _up': async () => ({ status: 'ok', seeds: {} }),
  'GET _all_dbs': async (_, query) => {
    const key = (name) => JSON.parse(query.get(name) ?? query.get(name.replace('key', '_key')) ?? 'null');
    const [from, to] = [key('startkey'), key('endkey')];
    return store.names().filter((name) => (from === null || name >= from) && (to === null || name <= to));
  },
  'POST _replicate': async (request) => replications.replicate(await body(request)),
  'GET _active_tasks': async () => replications.tasks(),
  'GET _scheduler/jobs': async () => {
    const jobs = replications.tasks().map((task) => ({ database: null, ...task, info: { ...task } }));
    return { total_rows: jobs.length, offset: 0, jobs };
  },
};

const databases = {
  'PUT ': async (name, request, query) => {
    await store.create(name, Number(query.get('q') ?? 2), query.get('partitioned') === 'true');
    return { ok: true };
  },
  'DELETE ': async (name) => {
    await store.destroy(name);
    return { ok: true };
  },
  'GET ': async (name) => info(name, store.get(name)),
  'GET _security': async (name) => store.get(name).security,
  'PUT _security': async (name, request) => {
    await store.setSecurity(name, await body(request));
    return { ok: true };
  },
  'GET _revs_limit': async (name) => store.get(name).revsLimit,
  'PUT _revs_limit': async (name, request) => {
    await store.setRevsLimit(name, await body(request));
    return { ok: true };
  },
  'POST _purge': async (name, request) => {
    const purged = await body(request);
    for (const [id, revs] of Object.entries(purged)) await store.purge(name, id, revs);
    return { purge_seq: null, purged };
  },
  'GET _changes': async (name, request, query) => changes(store.get(name), query, {}),
  'POST _changes': async (name, request, query) => changes(store.get(name), query, await body(request)),
  'POST _bulk_docs': async (name, request) => {
    const { docs, new_edits: newEdits } = await body(request);
    const rows = await store.write(name, docs, newEdits !== false);
    return rows.map((row) =>
      row.error ? { id: row.id, rev: row.rev, error: row.name, reason: row.message } : row);
  },
  'POST _bulk_get': async (name, request, query) => {
    const { docs } = await body(request);
    const { db } = store.get(name);
    return { results: await Promise.all(docs.map((doc) => leavesOf(db, doc, query))) };
  },
};

async function info(name, found) {
  const { update_seq: seq } = await found.db.info();
  if (found.counted?.seq !== seq) {
    const { results } = await found.db.changes({ since: 0 });
    const deleted = results.filter((row) => row.deleted).length;
    found.counted = { seq, documents: results.length - deleted, deleted };
  }
  return {
    db_name: name,
    update_seq: `${seq}-${found.id}`,
    purge_seq: `0-${found.id}`,
    doc_count: found.counted.documents,
    doc_del_count: found.counted.deleted,
    props: found.partitioned ? { partitioned: true } : {},
    cluster: { q: found.shards, n: 1, w: 1, r: 1 },
    compact_running: false,
    disk_format_version: 8,
    instance_start_time: '0',
  };
}

async function changes({ db, id }, query, { doc_ids: ids }) {
  const { update_seq: last } = await db.info();
  const [given, of] = (query.get('since') ?? '0').split('-');
  const since = of && of !== id ? '0' : given; // a sequence of another database says nothing here
  const limit = Number(query.get('limit') ?? Infinity);
  const found = await db.changes({
    since: since === 'now' ? last : parseInt(since, 10),
    limit: Number.isFinite(limit) ? limit : undefined,
    style: query.get('style') ?? 'main_only',
    include_docs: query.get('include_docs') === 'true',
    doc_ids: query.get('filter') === '_doc_ids' ? ids : undefined,
  });
  const results = found.results.map((row) => ({ ...row, seq: `${row.seq}-${id}` }));
  const end = results.length === limit ? found.results.at(-1).seq : last;
  return { results, last_seq: `${end}-${id}`, pending: Math.max(0, last - end) };
}

/** Without a revision CouchDB gives all leaves, where PouchDB gives the winner. */
async function leavesOf(db, { id, rev }, query) {
  const options = { open_revs: rev ? [rev] : 'all' };
  for (const word of ['revs', 'attachments', 'latest']) options[word] = query.get(word) === 'true';
  const missing = { error: { id, rev: rev ?? 'undefined', error: 'not_found', reason: 'missing' } };
  const rows = await db.get(id, options).catch(() => []);
  return { id, docs: rows.length ? rows.map((row) => (row.ok ? { ok: row.ok } : missing)) : [missing] };
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://front');
  const [first, ...others] = url.pathname.slice(1).split('/');
  const who = access.ofHeader(request.headers.authorization); // also _up is refused with a wrong password
  if (request.method === 'GET' && first === '_up') return servers['GET _up']();
  if (request.method === 'GET' && first === '') return { couchdb: 'Welcome', version: '3.5.0' };
  const server = servers[`${request.method} ${url.pathname.slice(1)}`];
  const [name, rest] = [decodeURIComponent(first), others.join('/')];
  access.allow(who, server ? '' : name, request.method, rest);
  if (server) return server(request, url.searchParams);
  if (request.method === 'PUT' && name === '_users' && rest) {
    const user = await body(request);
    await store.setUser(user.name, user.password, user.roles);
    return { ok: true, id: user._id };
  }
  const database = databases[`${request.method} ${rest}`];
  if (database) return database(name, request, url.searchParams);
  const { db, id } = store.get(name);
  if (request.method === 'GET' && isView.test(rest)) {
    const [design, view] = isView.exec(rest).slice(1).map(decodeURIComponent);
    return rowsOf(db, design, view, url.searchParams, collate);
  }
  request.url = `/${id}/${rest}${url.search}`;
  behind(request, response);
  return undefined;
}

function send(response, status, content) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { 'Content-Type': 'application/json', Server: 'reconcile-test-couchdb' });
  return response.end(JSON.stringify(content) + '\n');
}

const CREATED = new Set(['PUT ', 'POST _bulk_docs', 'POST _purge']);

const server = http.createServer((request, response) => {
  answer(request, response).then(
    (content) => {
      if (content === undefined) return;
      const rest = request.url.split('?')[0].slice(1).split('/').slice(1).join('/');
      send(response, CREATED.has(`${request.method} ${rest}`) ? 201 : 200, content);
    },
    (error) => {
      const { status = 500, error: word, name, reason, message } = error;
      send(response, status, { error: word ?? name ?? 'unknown_error', reason: reason ?? message });
    });
});

// A client that went away, or PouchDB's own doings, end no server.
process.on('unhandledRejection', (error) => console.error(error));
store.start().then(() => {
  server.listen(Number(env.COUCHDB_PORT ?? 0), '127.0.0.1', () => console.log(server.address().port));
});
