import dns from 'node:dns';

// Preloaded into a process that dials a Service by its name: there is no cluster DNS, and each such name is the one Service.
const address = process.env['SALLYPORT_TEST_SERVICE_ADDRESS'] ?? '';
const systemLookup = dns.lookup;
dns.lookup = new Proxy(systemLookup, {
  apply: (lookup, self, [name, ...rest]: [string, ...unknown[]]) =>
    Reflect.apply(lookup, self, [name.endsWith('.svc') ? address : name, ...rest]) as unknown,
});
