/** Chance for the properties of this folder: fresh cases each time, or, with `LADING_SEED`, always the same ones and no search for smaller ones. */
import fc from 'fast-check';

const seed = process.env['LADING_SEED'];
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed), endOnFailure: true });

export { fc };
