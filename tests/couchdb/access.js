'use strict';
// Who is asking, and what they may: one admin, users with roles, an account that wrong passwords lock.

const { CouchError } = require('./errors');

const LOCKED_AFTER = 5;

class Access {
  constructor(store, admin) {
    this.store = store;
    this.admin = admin; // { name, password }
    this.wrong = new Map(); // name → how often its password was wrong
  }

  /** Whoever has this name and this password; nobody is nobody. */
  known(name, password) {
    if (!name) return null;
    if ((this.wrong.get(name) ?? 0) >= LOCKED_AFTER) {
      throw new CouchError(
        403, 'forbidden', 'Account is temporarily locked due to multiple authentication failures');
    }
    if (name === this.admin.name && password === this.admin.password) return { name, roles: ['_admin'] };
    const user = this.store.users.get(name);
    if (user && user.password === password) return { name, roles: user.roles };
    this.wrong.set(name, (this.wrong.get(name) ?? 0) + 1);
    throw new CouchError(401, 'unauthorized', 'Name or password is incorrect.');
  }

  ofHeader(header) {
    const [scheme, text] = (header ?? '').split(' ');
    if (scheme.toLowerCase() !== 'basic') return null;
    const [name, ...password] = Buffer.from(text ?? '', 'base64').toString().split(':');
    return this.known(name, password.join(':'));
  }

  /** Servers are for admins, databases for whoever their _security names. */
  allow(who, database, method, rest) {
    if (!who) throw new CouchError(401, 'unauthorized', 'You are not authorized to access this db.');
    if (who.roles.includes('_admin')) return;
    const adminsOnly = !database || (!rest && method !== 'GET') || (rest === '_security' && method !== 'GET');
    if (adminsOnly) throw new CouchError(401, 'unauthorized', 'You are not a server admin.');
    const { members = {}, admins = {} } = this.store.get(database).security;
    const named = ({ names = [], roles = [] }) =>
      names.includes(who.name) || roles.some((role) => who.roles.includes(role));
    const open = !(members.names?.length || members.roles?.length);
    if (!open && !named(members) && !named(admins)) {
      throw new CouchError(403, 'forbidden', 'You are not allowed to access this db.');
    }
  }
}

module.exports = { Access };
