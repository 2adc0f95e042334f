/** Answers what Node could not read as a request at all: there is a socket, but no request to reply to. */
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import { CoterieError } from '../model/error.ts';
import { PROBLEM_TYPE, problemDocument } from './problem.ts';

/** Writes a problem and closes the connection. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const problem = new CoterieError('REQUEST_INVALID', wordsFor(error.code));
    const body = JSON.stringify(problemDocument(problem, { path: '', id: '' }));
    socket.write(
      `HTTP/1.1 ${problem.status} Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}

function wordsFor(code: string): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'The path and headers are larger than 16 KiB together';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'The request did not arrive in the time that is allowed';
  return 'This is not HTTP/1.1';
}
