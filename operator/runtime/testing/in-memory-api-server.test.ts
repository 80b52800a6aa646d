import { systemClock } from '../clock.ts';
import { apiServerContract } from './contract.ts';
import { InMemoryApiServer } from './in-memory-api-server.ts';

apiServerContract('the in-memory server', () => {
  const server = new InMemoryApiServer({ clock: systemClock });
  return Promise.resolve({
    transport: server,
    namespace: 'contract',
    compact: () => {
      server.compact();
      return Promise.resolve();
    },
    breakConnections: () => {
      server.breakWatches();
    },
    stop: () => server.close(),
  });
});
