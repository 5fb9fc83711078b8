import { inFile, inWorker, type Safeguard } from './safeguard.js';

/** What Node's adapter does, where a conformance suite can see it. */
export const NODE: readonly Safeguard[] = [
  ...inFile(
    'adapters/node/src/staged-file.ts',
    ['node/store'],
    [
      {
        id: 'node-poisoned-sync',
        protects: 'A file whose sync failed is not believed again.',
        find: 'if (this.poison !== null) throw this.poison;',
        replace: '',
      },
      {
        id: 'node-cut-to-kept',
        protects: 'Bytes beyond the recorded offset are cut.',
        find: 'if (size > end) await file.truncate(end);',
        replace: '',
      },
      {
        id: 'node-link-not-cut',
        protects: 'A link to an installed file is never cut.',
        find: 'if (there.nlink > 1) await rm(path);\n  // It was installed once, and its other names are gone.\n  else if',
        replace: 'if',
      },
      {
        id: 'node-link-not-written',
        protects: 'A link to an installed file that turned out wrong is left, and a file of its own begun.',
        find: 'if (this.isLink) await this.leaveLink();\n      else await',
        replace: 'await',
      },
      {
        id: 'node-note-needs-a-record',
        protects: 'What a killed program had stored counts only where the journal knows whose bytes they are.',
        find: 'wanted.length === 0 ? [] : ((await note?.read(file.identity)) ?? [])',
        replace: '(await note?.read(file.identity)) ?? []',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/digests.ts',
    ['node/store'],
    [
      {
        id: 'node-kept-read-again',
        protects: 'What was not hashed as it came is read again: a crash may have left zeros in it.',
        find: 'take(block.subarray(0, bytesRead));',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/write-queue.ts',
    ['node/store'],
    [
      {
        id: 'node-chunk-taken',
        protects: 'A write that takes half goes on with the other half.',
        find: 'left = behind(left, bytesWritten);',
        replace: 'left = behind(left, bytesWritten + 2 ** 40);',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/link-file.ts',
    ['scenarios/twins'],
    [
      {
        id: 'node-linked',
        protects: 'Equal bytes lie on the disk once.',
        find: 'await link(source, path).catch(',
        replace: 'await copyDurably(source, path).catch(',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/journal.ts',
    ['node/journal'],
    [
      {
        id: 'node-torn-tail-cut',
        protects: 'A torn tail is cut before anything is written behind it.',
        find: 'await handle.truncate(this.goodBytes);\n      this.sizeBytes',
        replace: 'this.sizeBytes',
      },
      {
        id: 'node-failed-batch-cut',
        protects: 'Nothing of a batch whose write failed counts.',
        find: 'await handle?.truncate(this.goodBytes);',
        replace: '',
      },
      {
        id: 'node-append-synced',
        protects: 'An append is acknowledged when it is durable.',
        find: 'await this.handle.datasync();',
        replace: '',
      },
      {
        id: 'node-as-left',
        protects: 'A writer whose journal another has written to writes nothing more.',
        find: 'await this.mustBeAsLeft(path);',
        replace: '',
      },
      {
        id: 'node-append-astray',
        protects: 'A journal whose write failed takes nothing more until it is read anew.',
        find: 'this.astray = { error };',
        replace: 'this.astray = null;',
      },
      {
        id: 'node-append-fence',
        protects: 'An owner that was taken for dead writes no record.',
        find: 'await this.fence?.();\n        await this.mustBeAsLeft',
        replace: 'await this.mustBeAsLeft',
        suites: ['scenarios/fence'],
      },
      {
        id: 'node-snapshot-fence',
        protects: 'An owner that was taken for dead while it wrote a snapshot does not give it its name.',
        find: 'await this.fence?.();\n        await rename',
        replace: 'await rename',
        suites: ['scenarios/fence'],
      },
      {
        id: 'node-cut-fence',
        protects: 'An owner that was taken for dead cuts nothing.',
        find: 'await this.fence?.();\n      await handle?.truncate',
        replace: 'await handle?.truncate',
        suites: ['scenarios/fence'],
      },
      {
        id: 'node-old-segment-whole',
        protects: 'An older segment that is torn is refused.',
        find: 'if (goodBytes < bytes.length && segment !== last) throw corrupt(path, goodBytes);',
        replace: '',
      },
      {
        id: 'node-snapshot-checked',
        protects: 'A snapshot that fails its check is passed over.',
        find: 'if (isMissing(error) || error instanceof JournalCorrupt) return null;',
        replace: 'if (isMissing(error)) return null;',
      },
      {
        id: 'node-snapshot-aside',
        protects: 'A snapshot takes its name when it is whole.',
        find: 'const aside = join(this.dir, `.${SNAPSHOT}`);',
        replace: 'const aside = join(this.dir, SNAPSHOT);',
      },
      {
        id: 'node-journal-bounded',
        protects: 'A journal that is compacted does not grow for ever.',
        find: 'for (const segment of old) await removeHeld(',
        replace: 'for (const segment of old.slice(0, 0)) await removeHeld(',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/lease.ts',
    ['node/lease'],
    [
      {
        id: 'node-one-owner',
        protects: 'A depot has one owner.',
        find: 'if (!isDead(seen)) throw held(this.dir, seen.owner);',
        replace: '',
      },
      {
        id: 'node-lease-epoch',
        protects: 'A lease that is taken over has a higher epoch.',
        find: 'epoch = Math.max(epoch, (seen.owner?.epoch ?? 0) + 1);',
        replace: '',
      },
      {
        id: 'node-own-lease',
        protects: "Releasing takes away one's own lease only.",
        find: 'if (now?.text === text) await rm(this.path, { force: true });\n        } catch',
        replace: 'if (now !== null) await rm(this.path, { force: true });\n        } catch',
      },
      {
        id: 'node-fence-looks',
        protects: 'The fence looks whose lease it is, not only whether there is one.',
        find: 'now === null || nonceIn(now.text) !== nonceIn(this.mine)) {',
        replace: 'now === null) {',
        suites: ['scenarios/fence'],
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/owner.ts',
    ['node/lease'],
    [
      {
        id: 'node-dead-owner',
        protects: 'A dead owner is recognised.',
        find: 'if (!processExists(owner.pid)) return true;',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/store.ts',
    ['node/store'],
    [
      {
        id: 'node-unpublished-first',
        protects: 'A generation loses its final name before its first file.',
        find: 'if (hidden !== path) await renameHeld(path, hidden);\n    await removeHeld(hidden',
        replace: 'await removeHeld(path',
      },
      {
        id: 'node-dot-is-not-final',
        protects: 'A name that begins with a dot is never final.',
        find: "return names.filter((name) => !name.startsWith('.'));",
        replace: 'return names;',
      },
      {
        id: 'node-unpacking-leaves-nothing',
        protects: 'Unpacking that failed leaves nothing.',
        find: '} catch (error) {\n      await removeHeld(targetDir);',
        replace: '} catch (error) {',
      },
      {
        id: 'node-reclaim-spares-kept',
        protects: 'Taking back what is staged spares the installed generation.',
        find: 'if (name === keep || isQuarantine(name)) continue;\n        await this.bringBack',
        replace: 'if (isQuarantine(name)) continue;\n        await this.bringBack',
      },
      {
        id: 'node-links-counted-once',
        protects: 'Usage counts what is linked once.',
        find: 'if (seen.has(inode)) return false;',
        replace: '',
        suites: ['scenarios/twins'],
      },
      {
        id: 'node-usage-complete',
        protects: 'Usage counts everything below the depot.',
        find: "const all = sum(await filesIn(this.dir, '', new Set()));",
        replace: 'const all = 0;',
      },
    ],
  ),
  ...inWorker(
    'packages/runtime/src/archive/unpacked-tree.ts',
    ['node/store'],
    [
      {
        id: 'node-archive-bytes',
        protects: 'Unpacking is bounded in bytes.',
        find: 'if (this.#bytes + bytes > this.#limits.maxBytes) {',
        replace: 'if (this.#bytes + bytes < 0) {',
      },
      {
        id: 'node-archive-files',
        protects: 'Unpacking is bounded in files.',
        find: 'if (this.#fileCount > this.#limits.maxFiles) {',
        replace: 'if (this.#fileCount < 0) {',
      },
      {
        id: 'node-archive-twice',
        protects: 'No place of an archive is written twice.',
        find: "if (kind === 'file') throw unsafe(`${quoted(name)}: is in the archive twice`);",
        replace: '',
      },
      {
        id: 'node-archive-case',
        protects: 'Names that are one place on a disk without case are refused.',
        find: 'if (known.name !== name) throw unsafe(',
        replace: "if (known.name === '') throw unsafe(",
      },
    ],
  ),
  ...inWorker(
    'packages/runtime/src/archive/archive-name.ts',
    ['node/store'],
    [
      {
        id: 'node-archive-climbs',
        protects: 'A name that climbs is refused, also where it climbs in what is stripped.',
        find: 'if (climbing !== undefined) return',
        replace: 'if (climbing === null) return',
      },
      {
        id: 'node-archive-absolute',
        protects: 'An absolute name is refused.',
        find: "if (entryName.startsWith('/')) return",
        replace: "if (entryName.startsWith('//')) return",
        survives:
          'An absolute name has an empty segment before its first slash, which `node-archive-climbs` refuses too.',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/fetcher.ts',
    ['node/fetcher'],
    [
      {
        id: 'node-hops-bounded',
        protects: 'A redirect without end is ended.',
        find: 'if (hop >= MAX_HOPS)',
        replace: 'if (hop >= 1_000)',
      },
      {
        id: 'node-range-asked',
        protects: 'Only what is left is asked for.',
        find: '...(wanted.from === null ? {} : { range: rangeText(wanted.from, wanted.to) }),',
        replace: '',
      },
      {
        id: 'node-if-range',
        protects: 'A resume is bound to the version that it began with.',
        find: "...(wanted.ifRange === null || wanted.from === null ? {} : { 'if-range': wanted.ifRange }),",
        replace: '',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/http-head.ts',
    ['scenarios/http-connections'],
    [
      {
        id: 'node-fields-bounded',
        protects: 'A head of very many fields is refused.',
        find: 'if (lines.length - 1 > MAX_FIELDS)',
        replace: 'if (lines.length < 0)',
      },
      {
        id: 'node-two-ends',
        protects: 'A reply that names two ends is refused.',
        find: "if (length !== undefined) throw new ProtocolBreach('twoEnds'",
        replace: "if (length === '') throw new ProtocolBreach('twoEnds'",
      },
      {
        id: 'node-length-is-one',
        protects: 'A reply whose length is no number, or two, is refused.',
        find: 'if (!LENGTH.test(length))',
        replace: 'if (Number.isNaN(Number.parseInt(length, 10)))',
      },
      {
        id: 'node-head-controls',
        protects: 'A header that holds the end of a line, or a zero, is refused.',
        find: 'if (CONTROL.test(line))',
        replace: 'if (line.length < 0)',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/chunked.ts',
    ['scenarios/http-connections'],
    [
      {
        id: 'node-chunk-end',
        protects: 'The end of a chunk is where its size says.',
        find: 'return byte === CR;',
        replace: 'return byte !== 0;',
      },
      {
        id: 'node-chunk-digits',
        protects: 'The size of a chunk is a number.',
        find: 'return this.digits <= MAX_DIGITS;',
        replace: 'return true;',
      },
      {
        id: 'node-chunk-extras',
        protects: 'What nobody reads of a chunked reply is bounded.',
        find: 'return this.extraBytes <= MAX_EXTRA_BYTES;',
        replace: 'return true;',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/http-body.ts',
    ['node/fetcher'],
    [
      {
        id: 'node-bytes-before-break',
        protects: 'The bytes that came before a break are handed over.',
        find: 'const chunk = this.queue.shift();',
        replace: 'const chunk = this.end === null ? this.queue.shift() : undefined;',
      },
      {
        id: 'node-chunks-joined',
        protects: 'A reply in tiny chunks is held in large ones.',
        find: 'const both = last === undefined ? null : joined(last, bytes);',
        replace: 'const both = last === null ? joined(bytes, bytes) : null;',
        suites: ['scenarios/http-connections'],
      },
      {
        id: 'node-body-ahead',
        protects: 'A reply that nobody reads is not taken from the system.',
        find: 'return this.heldBytes < aheadBytes();',
        replace: 'return true;',
        suites: ['scenarios/http-connections'],
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/connection.ts',
    ['scenarios/http-connections'],
    [
      {
        id: 'node-stale-connection',
        protects: 'A request that a kept connection gave no byte for goes out anew.',
        find: "this.fail(isUnheard ? new StaleConnection('', { cause: error }) : error);",
        replace: 'this.fail(error);',
      },
      {
        id: 'node-stale-unheard',
        protects: 'A request that was answered with a part of a head does not go out anew.',
        find: 'this.exchange?.reply === null && this.exchange.begun === null;',
        replace: 'this.exchange?.reply === null;',
      },
      {
        id: 'node-interim-bounded',
        protects: 'Interim replies without end are ended.',
        find: 'if (++exchange.interimReplies > MAX_INTERIM_REPLIES)',
        replace: 'if (exchange.interimReplies > MAX_INTERIM_REPLIES)',
      },
      {
        id: 'node-unasked-bytes',
        protects: 'A connection on which the server speaks unasked is left.',
        find: `        this.socket.destroy();
        return false;
      }
      const rest`,
        replace: `        return true;
      }
      const rest`,
      },
      {
        id: 'node-bytes-behind',
        protects: 'A connection with more behind a complete reply is left.',
        find: 'if (isMoreBehind) this.socket.destroy();',
        replace: '',
      },
      {
        id: 'node-idle-is-read',
        protects: 'An idle connection is listened to, also after a slow reader.',
        find: `      this.socket.resume();
      this.options.onFree(this);`,
        replace: '      this.options.onFree(this);',
        suites: ['scenarios/https'],
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/block.ts',
    ['scenarios/segments'],
    [
      {
        id: 'node-block-lent',
        protects: 'Nothing is read over bytes that somebody still has.',
        find: 'if (!loan.isFull || loan.lentBytes > 0) return;',
        replace: 'if (!loan.isFull) return;',
        suites: ['scenarios/http-connections'],
      },
      {
        id: 'node-block-full',
        protects: 'Two connections never read into one block.',
        find: 'if (!loan.isFull || loan.lentBytes > 0) return;',
        replace: 'if (loan.lentBytes > 0) return;',
      },
    ],
  ),
  ...inFile(
    'adapters/node/src/http-client.ts',
    ['scenarios/http-connections'],
    [
      {
        id: 'node-idle-too-long',
        protects: 'A connection that was idle while the machine slept is not used again.',
        find: 'if (Math.abs(now - since) > MAX_IDLE_MS) connection.destroy();',
        replace: 'if (now < since) connection.destroy();',
      },
      {
        id: 'node-session-forgotten',
        protects: 'A session of TLS that nothing came of is not offered again.',
        find: 'if (!closed.hasServed) this.sessions.delete(key);',
        replace: '',
        suites: ['scenarios/https'],
      },
      {
        id: 'node-close-while-opening',
        protects: 'What has no connection yet is ended when the client closes.',
        find: 'this.closing.abort(connectionClosed());',
        replace: '',
        suites: ['scenarios/http-proxy'],
      },
      {
        id: 'node-hop-address',
        protects: 'A redirect does not lead inward, whatever its name.',
        find: '...(isGuarded ? { lookup: outwardLookup } : {}),',
        replace: '',
        suites: ['scenarios/http-names'],
      },
      {
        id: 'node-hop-through-proxy',
        protects: 'A redirect does not lead inward through a proxy either.',
        find: 'if (ask.isGuarded && ask.proxy !== null) await mustLeadOutward(ask.url.hostname, ending);',
        replace: '',
        suites: ['scenarios/http-names'],
      },
    ],
  ),
];
