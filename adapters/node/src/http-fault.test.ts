import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Agent, request } from 'undici';
import { expect, it } from 'vitest';
import { httpFault } from './http-fault.js';

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

it('a status line that the client asserts not to exist is the server’s error', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 099 What\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispatcher = new Agent();
  try {
    const { port } = server.address() as AddressInfo;
    const error = await thrownBy(() => request(`http://127.0.0.1:${port}/`, { dispatcher }));
    expect(error).toMatchObject({ code: 'ERR_ASSERTION' });
    expect(httpFault(error, 'http://x', false)).toMatchObject({
      fault: { type: 'serverError', detail: 'ERR_ASSERTION', message: 'http://x: the reply breaks the protocol' },
    });
  } finally {
    await dispatcher.destroy();
    server.close();
  }
});

it.each([true, false])('a failed assertion is the server’s error, in the body too (%s)', async (isBody) => {
  const error = await thrownBy(() => assert(false));
  expect(httpFault(error, 'x', isBody)).toMatchObject({ fault: { type: 'serverError' } });
});

it('what nobody knows stays unknown', () => {
  expect(httpFault(new TypeError('odd'), 'x', false)).toMatchObject({ fault: { type: 'unknown' } });
});
