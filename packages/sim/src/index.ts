export { play } from './play.js';
export { scriptOf } from './script.js';
export { LAWS } from './laws.js';
