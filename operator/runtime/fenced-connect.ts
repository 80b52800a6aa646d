// Connections whose every write asks a fence first. The check stands in the very call that hands bytes to the socket, so
// no queue, no connection set-up and no stopped process can come between the answer and the bytes.
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { ApiError } from './errors.ts';
import type { Fence } from './fence.ts';

/** undici writes by socket.write() alone (undici 8, lib/dispatcher/client-h1.js), header and body within one cork. */
export function fencedConnect(connect: buildConnector.connector, fence: () => Fence): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error) {
        callback(error, null);
        return;
      }
      guard(socket, fence);
      callback(null, socket);
    });
  };
}

function guard(socket: Socket, fence: () => Fence): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]): boolean => {
    if (fence().isHeld()) return write(...args);
    // Destroying drops what is still corked, too: not even a header without its body leaves.
    socket.destroy(fencedOff());
    return false;
  };
}

export function fencedOff(): ApiError {
  return new ApiError('FencedOff', 'the right to write was lost before the request was sent');
}
