/** The reason of a signal that only tells that something is over. One for all: an error of its own, with its stack, costs more than a small request. */
export const OVER = new Error('it is over');
