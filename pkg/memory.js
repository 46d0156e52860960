/** A store in memory. */
export function memoryStorage() {
  let records = new Map();
  return {
    async get(key) {
      return records.get(key);
    },

    async scan(prefix, after, limit) {
      const follows = ([key]) => key.startsWith(prefix) && (after === undefined || key > after);
      // The driver's keys are ASCII, so this is the order of their bytes.
      const inOrder = ([one], [other]) => (one < other ? -1 : 1);
      return [...records].filter(follows).sort(inOrder).slice(0, limit);
    },

    async commit(changes) {
      const changed = new Map(records);
      for (const { kind, key, value } of changes) {
        if (kind === "put-if-absent" && changed.has(key)) return { exists: key };
        if (kind === "delete") changed.delete(key);
        else changed.set(key, value);
      }
      records = changed;
      return "committed";
    },
  };
}
