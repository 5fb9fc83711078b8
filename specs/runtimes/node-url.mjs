// Stands in for node:url in a page: memfs wants only this of it.
export const { URL } = globalThis;
