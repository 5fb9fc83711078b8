// Stands before a server and passes on what goes through it, each connection at a rate of its own if one is given; tells how much it has sent.
//
// The limit is ours and not nginx's: `limit_rate` grants every request a second's worth at once (and `proxy_download_rate` every connection), so
// a client that asks for many short ranges would not be limited at all. Here a connection earns bytes only while it has some to send, so
// there is no burst, neither at the start nor after a pause, and it makes no difference in how many requests they were asked for.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';

const TICK_MS = 5;
/** Far more than a tick's worth, so that the limit and not this buffer is what limits. */
const READ_AHEAD_BYTES = 1024 * 1024;

function pace(origin, client, bytesPerSecond) {
  let allowance = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const canSend = origin.readableLength > 0 && !client.writableNeedDrain;
    allowance = canSend ? allowance + ((nowMs - lastMs) / 1000) * bytesPerSecond : 0;
    lastMs = nowMs;
    const count = Math.min(Math.floor(allowance), origin.readableLength);
    allowance -= count;
    if (count > 0) client.write(origin.read(count));
    // Nothing is there: looks for more, and for the end.
    else origin.read(0);
  }, TICK_MS);
  origin.once('end', () => client.end());
  origin.once('close', () => clearInterval(timer));
}

/** `bytesPerSecond` is for each connection; without it they are as fast as they can be. */
export async function startRelay(targetPort, bytesPerSecond = Number.POSITIVE_INFINITY) {
  const clients = new Set();
  const server = createServer((client) => {
    clients.add(client);
    const origin = connect({ port: targetPort, host: '127.0.0.1', highWaterMark: READ_AHEAD_BYTES });
    // A peer that goes away without a word is none of the relay's business.
    for (const [one, other] of [
      [client, origin],
      [origin, client],
    ])
      one.on('error', () => other.destroy());
    client.once('close', () => origin.destroy());
    client.pipe(origin);
    if (Number.isFinite(bytesPerSecond)) pace(origin, client, bytesPerSecond);
    else origin.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** Bytes that the kernel has taken for the clients so far. */
    sentBytes() {
      let bytes = 0;
      for (const { bytesWritten, writableLength } of clients) bytes += bytesWritten - writableLength;
      return bytes;
    },
    async stop() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
