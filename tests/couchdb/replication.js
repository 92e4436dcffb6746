'use strict';
// POST /_replicate as CouchDB 3.5 answers it. The protocol itself is PouchDB's, between two databases of ours.

const crypto = require('node:crypto');
const { CouchError } = require('./errors');

class Replications {
  /** `pauseMs`: how long each batch of 100 documents is made to take, so that tests can come in between. */
  constructor(PouchDB, store, access, isOurs, pauseMs) {
    Object.assign(this, { PouchDB, store, access, isOurs, pauseMs });
    this.running = new Map(); // both ends → { promise, task }
  }

  tasks() {
    return [...this.running.values()].map(({ task }) => task);
  }

  /** A second request for what runs already joins it, and whoever hangs up stops nothing. */
  async replicate(body) {
    const source = await this.end(body.source, false);
    const target = await this.end(body.target, body.create_target === true);
    const key = `${source.id} ${target.id}`;
    if (!this.running.has(key)) {
      const task = {
        type: 'replication', source: source.url, target: target.url, docs_read: 0, docs_written: 0,
        doc_write_failures: 0, continuous: false, started_on: Math.floor(Date.now() / 1000),
      };
      const promise = this.run(key, source, target, task).finally(() => this.running.delete(key));
      this.running.set(key, { promise, task });
    }
    return this.running.get(key).promise;
  }

  async end(given, create) {
    const text = given?.url ?? given;
    const { username, password } = given?.auth?.basic ?? {};
    if (typeof text !== 'string') throw new CouchError(400, 'bad_request', 'no source or target');
    const url = /^https?:/.test(text) ? text : `http://127.0.0.1/${encodeURIComponent(text)}`;
    const shown = url.replace(/\/?$/, '/');
    if (/^https?:/.test(text) && !this.isOurs(new URL(url).host)) {
      // Read in its source, not measured: couch_replicator_scheduler_job, replication_start_error.
      const why = '{error,{error,{conn_failed,{error,econnrefused}}}}';
      throw new CouchError(500, `{http_request_failed,"HEAD","${shown}",${why}}`);
    }
    const name = decodeURIComponent(new URL(url).pathname.replace(/^\/|\/$/g, ''));
    let who = null;
    try {
      who = this.access.known(username, password);
      this.access.allow(who, name, 'GET', '_changes');
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        throw new CouchError(500, 'unauthorized', `unauthorized to access or create database ${shown}`);
      }
    }
    if (create && !this.store.open.has(name)) await this.store.create(name, 2, false);
    if (!this.store.open.has(name)) throw new CouchError(500, 'db_not_found', `could not open ${shown}`);
    return { ...this.store.get(name), url: shown };
  }

  async run(key, source, target, task) {
    const before = this.store.sessions.get(key) ?? [];
    const { update_seq: now } = await source.db.info();
    const told = (sessions) => ({
      ok: true,
      session_id: sessions[0]?.session_id,
      source_last_seq: sessions[0]?.end_last_seq ?? `0-${source.id}`,
      replication_id_version: 4,
      history: sessions,
    });
    // Nothing new: CouchDB shows the sessions that there were, the figures of the last one in front.
    if (now === 0 || before[0]?.end_last_seq === `${now}-${source.id}`) {
      return { ...told(before), no_changes: true };
    }
    const started = new Date().toUTCString();
    const done = await this.PouchDB.replicate(source.db, this.slowed(target.db, task), { batch_size: 100 });
    await this.store.addSession(key, {
      session_id: crypto.randomBytes(16).toString('hex'),
      start_time: started,
      end_time: new Date().toUTCString(),
      start_last_seq: before[0]?.end_last_seq ?? 0,
      end_last_seq: `${done.last_seq}-${source.id}`,
      recorded_seq: `${done.last_seq}-${source.id}`,
      missing_checked: done.docs_read,
      missing_found: done.docs_read,
      docs_read: done.docs_read,
      docs_written: done.docs_written,
      doc_write_failures: done.doc_write_failures,
    });
    return told(this.store.sessions.get(key));
  }

  /** The target, with each batch counted for the list of tasks. */
  slowed(db, task) {
    const target = Object.create(db);
    target.bulkDocs = async (request, options) => {
      await new Promise((resume) => setTimeout(resume, this.pauseMs));
      const rows = await db.bulkDocs(request, options);
      task.docs_read += request.docs.length;
      task.docs_written += request.docs.length - rows.length;
      task.doc_write_failures += rows.length;
      return rows;
    };
    return target;
  }
}

module.exports = { Replications };
