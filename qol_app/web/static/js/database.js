// This phone's small database: answers the server does not have yet, and which answers it has.
//
// Loaded by pages as a module and by the service worker as a plain script, so it exports nothing.

globalThis.qolDatabase = (() => {
  const STORES = {
    unsent: { keyPath: "order", autoIncrement: true },
    // Places only, "assessment/instrument/item"; what was chosen is no longer on the phone.
    saved: { keyPath: "place" },
  };
  let opened;

  function upgrade({ target }) {
    for (const [name, options] of Object.entries(STORES)) {
      const there = target.result.objectStoreNames.contains(name);
      if (!there) target.result.createObjectStore(name, options);
    }
  }

  function open() {
    opened ??= new Promise((resolve) => {
      try {
        const request = indexedDB.open("qol", 2);
        request.onupgradeneeded = upgrade;
        request.onsuccess = () => {
          const database = request.result;
          // iOS closes the connection under memory pressure; open it anew next time.
          database.onclose = () => { opened = undefined; };
          database.onversionchange = () => { database.close(); opened = undefined; };
          resolve(database);
        };
        request.onerror = () => resolve(null);
        request.onblocked = () => resolve(null);
      } catch {
        resolve(null);
      }
    });
    return opened;
  }

  // What a request on one store came to; undefined where the browser gives no database.
  return async function run(name, mode, work) {
    const database = await open();
    if (!database) return undefined;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction(name, mode);
        const request = work(transaction.objectStore(name));
        transaction.oncomplete = () => resolve(request?.result);
        transaction.onerror = transaction.onabort = () => resolve(undefined);
      } catch {
        opened = undefined;
        resolve(undefined);
      }
    });
  };
})();
