'use strict';
// Purging, which PouchDB does not do in memory: everything else is copied into another database.

/** Copy all leaves of one database into an empty other one, but `revs` of `id`. */
async function copyWithout(from, to, id, revs) {
  const { results } = await from.changes({ since: 0 });
  for (const row of results) {
    const leaves = await from.get(row.id, { open_revs: 'all', revs: true, attachments: true });
    const kept = leaves.map((leaf) => leaf.ok).filter((leaf) => row.id !== id || !revs.includes(leaf._rev));
    await to.bulkDocs(kept, { new_edits: false });
  }
}

module.exports = { copyWithout };
