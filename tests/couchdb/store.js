'use strict';
// The databases of the server. PouchDB keeps them in memory; with a log file, everything that changes them is
// written there before it is done, and done again at the next start: as on a disk, what was acknowledged
// survives a kill. PouchDB counts its revisions from their content, so the second time gives the same ones.

const fs = require('node:fs');
const crypto = require('node:crypto');
const { CouchError, noDatabase } = require('./errors');
const { copyWithout } = require('./purge');

const NAME = /^[a-z][a-z0-9_$()+/-]*$/;
const SYSTEM = ['_users', '_replicator', '_global_changes'];
const ADMINS_ONLY = { members: { roles: ['_admin'] }, admins: { roles: ['_admin'] } };

class Store {
  constructor(PouchDB, logFile) {
    this.PouchDB = PouchDB;
    this.logFile = logFile;
    this.replaying = false;
    this.open = new Map(); // name → { db, id, shards, partitioned, revsLimit, security, locals, counted }
    this.sessions = new Map(); // id of source and of target → sessions of replication, the newest first
    this.users = new Map(); // name → { password, roles }
  }

  async start() {
    if (!this.logFile || !fs.existsSync(this.logFile)) return;
    this.replaying = true;
    for (const line of fs.readFileSync(this.logFile, 'utf8').split('\n')) {
      let entry;
      try {
        entry = JSON.parse(line);
      } catch {
        continue; // the last line, cut off by a kill
      }
      await this[entry[0]](...entry.slice(1)).catch(() => undefined); // it failed the first time, too
    }
    this.replaying = false;
  }

  log(...entry) {
    if (this.logFile && !this.replaying) fs.appendFileSync(this.logFile, JSON.stringify(entry, asText) + '\n');
  }

  names() {
    return [...this.open.keys()].sort();
  }

  get(name) {
    const found = this.open.get(name);
    if (!found) throw noDatabase();
    return found;
  }

  async create(name, shards, partitioned, id = crypto.randomBytes(16).toString('hex')) {
    if (!NAME.test(name) && !SYSTEM.includes(name)) {
      throw new CouchError(
        400, 'illegal_database_name',
        `Name: '${name}'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), ` +
        '+, -, and / are allowed. Must begin with a letter.');
    }
    if (this.open.has(name)) {
      throw new CouchError(412, 'file_exists', 'The database could not be created, the file already exists.');
    }
    this.log('create', name, shards, partitioned, id);
    const found = { id, shards, partitioned, revsLimit: 1000, security: ADMINS_ONLY, locals: new Map() };
    this.open.set(name, found);
    this.use(name, found, new this.PouchDB(id));
    await found.db.info();
  }

  async destroy(name) {
    const found = this.get(name);
    this.log('destroy', name);
    this.open.delete(name);
    await found.db.destroy();
  }

  async setSecurity(name, security) {
    this.log('setSecurity', name, security);
    this.get(name).security = security;
  }

  async setRevsLimit(name, limit) {
    this.log('setRevsLimit', name, limit);
    const found = this.get(name);
    found.revsLimit = limit;
    this.use(name, found, new this.PouchDB(found.db.name, { revs_limit: limit })); // the same documents
  }

  async setUser(name, password, roles) {
    this.log('setUser', name, password, roles);
    this.users.set(name, { password, roles });
  }

  async addSession(key, session) {
    this.log('addSession', key, session);
    this.sessions.set(key, [session, ...(this.sessions.get(key) ?? [])].slice(0, 50));
  }

  async write(name, docs, newEdits) {
    return this.get(name).db.bulkDocs(docs, { new_edits: newEdits });
  }

  async writeLocal(name, doc) {
    const { db } = this.get(name);
    return doc._deleted ? db.remove(doc) : db.put(doc);
  }

  /** What is left is another database, so its sequence is, too: nobody goes on where he was. */
  async purge(name, id, revs, newId = crypto.randomBytes(16).toString('hex')) {
    this.log('purge', name, id, revs, newId);
    const found = this.get(name);
    const [old, db] = [found.db, new this.PouchDB(newId, { revs_limit: found.revsLimit })];
    await copyWithout(old, db, id, revs);
    for (const { _rev, ...local } of found.locals.values()) await db.put(local);
    found.id = newId;
    this.use(name, found, db);
    await old.destroy();
  }

  use(name, found, db) {
    found.db = db;
    found.counted = null;
    this.guard(name, found);
  }

  /** Everything that writes documents comes through these three methods of a PouchDB: log it, and validate it. */
  guard(name, found) {
    const { db } = found;
    const plain = { bulkDocs: db.bulkDocs.bind(db), put: db.put.bind(db), remove: db.remove.bind(db) };
    const called = (promise, callback) =>
      callback ? promise.then((done) => callback(null, done), callback) : promise;

    db.id = async () => found.id; // the checkpoints of replications go by it, so it is to survive a restart
    db.bulkDocs = (request, options, callback) => {
      const opts = typeof options === 'object' ? options : {};
      const docs = request.docs ?? request;
      const newEdits = (opts.new_edits ?? request.new_edits) !== false;
      const write = async () => {
        this.log('write', name, docs, newEdits);
        const refused = await validate(found, docs);
        const allowed = docs.filter((doc) => !refused.has(doc));
        const rows = await plain.bulkDocs({ docs: allowed }, { ...opts, new_edits: newEdits });
        if (!newEdits) return [...refused.values(), ...rows];
        return docs.map((doc) => refused.get(doc) ?? rows.shift());
      };
      return called(write(), typeof options === 'function' ? options : callback);
    };
    for (const verb of ['put', 'remove']) {
      db[verb] = (doc, ...rest) => {
        const id = doc._id ?? doc;
        if (String(id).startsWith('_local/')) {
          const removed = verb === 'remove' || doc._deleted;
          this.log('writeLocal', name, removed ? { ...doc, _deleted: true } : doc);
          if (removed) found.locals.delete(id);
          else found.locals.set(id, { ...doc });
        }
        return plain[verb](doc, ...rest);
      };
    }
  }
}

/** Attachments are bytes inside of PouchDB; it takes base64 as well. */
function asText(key, value) {
  return value?.type === 'Buffer' && Array.isArray(value.data) ? Buffer.from(value.data).toString('base64') : value;
}

/** The documents that a validate_doc_update of a design document refuses, each with its row of an answer. */
async function validate({ db, security }, docs) {
  const { rows } = await db.allDocs({ startkey: '_design/', endkey: '_design0', include_docs: true });
  const functions = rows.map((row) => row.doc.validate_doc_update).filter(Boolean)
    .map((source) => new Function(`return (${source})`)());
  const refused = new Map();
  if (!functions.length) return refused;
  for (const doc of docs.filter((one) => !/^_(design|local)\//.test(one._id))) {
    const before = await db.get(doc._id).catch(() => null);
    try {
      functions.forEach((check) => check(doc, before, { name: 'admin', roles: ['_admin'] }, security));
    } catch (thrown) {
      const word = 'unauthorized' in thrown ? 'unauthorized' : 'forbidden';
      refused.set(doc, {
        error: true, id: doc._id, rev: doc._rev, name: word, status: word === 'forbidden' ? 403 : 401,
        message: String(thrown[word] ?? thrown),
      });
    }
  }
  return refused;
}

module.exports = { Store };
